import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509CRLEntry;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.jcajce.PKIXExtendedParameters;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * Reads CRLs with BouncyCastle and validates certificates against them.
 *
 * show CA LIST...                         prints per list: number, base, entries, whether the signature verifies
 * judge CA SECONDS LISTS CERTIFICATE...   prints per certificate "valid" or why not, as of a Unix time, with
 *                                         revocation by LISTS, separated by ','; several LISTS, separated by
 *                                         ':', are gone through one after the other
 */
public class ReadCRL {
    static CertificateFactory factory;

    static X509Certificate certificate(String file) throws Exception {
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
    }

    static X509CRL list(String file) throws Exception {
        return (X509CRL) factory.generateCRL(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
    }

    static String number(X509CRL list, String id) throws Exception {
        byte[] value = list.getExtensionValue(id);
        return value == null ? "-" : ASN1Integer.getInstance(JcaX509ExtensionUtils.parseExtensionValue(value)).getValue().toString();
    }

    static String show(String file, X509Certificate ca) {
        try {
            X509CRL list = list(file);
            String verified = "verified";
            try {
                list.verify(ca.getPublicKey(), "BC");
            } catch (Exception e) {
                verified = "refused";
            }
            Set<String> entries = new TreeSet<>();
            if (list.getRevokedCertificates() != null) {
                for (X509CRLEntry e : list.getRevokedCertificates()) {
                    entries.add(e.getSerialNumber().toString(16) + "=" + e.getRevocationReason());
                }
            }
            return number(list, Extension.cRLNumber.getId()) + " " + number(list, Extension.deltaCRLIndicator.getId()) + " " + entries + " " + verified;
        } catch (Exception e) {
            return "unreadable";
        }
    }

    static String judge(X509Certificate c, X509Certificate ca, List<X509CRL> lists, Date at) throws Exception {
        PKIXParameters base = new PKIXParameters(Set.of(new TrustAnchor(ca, null)));
        base.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
        base.setRevocationEnabled(true);
        base.setDate(at);
        PKIXExtendedParameters parameters = new PKIXExtendedParameters.Builder(base).setUseDeltasEnabled(true).build();
        CertPath path = factory.generateCertPath(List.of(c));
        try {
            CertPathValidator.getInstance("PKIX", "BC").validate(path, parameters);
            return "valid";
        } catch (CertPathValidatorException e) {
            return e.getMessage().replaceAll("\\s+", " ");
        }
    }

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        factory = CertificateFactory.getInstance("X.509", "BC");
        X509Certificate ca = certificate(args[1]);
        if (args[0].equals("show")) {
            for (int i = 2; i < args.length; i++) {
                System.out.println(show(args[i], ca));
            }
            return;
        }
        Date at = new Date(Long.parseLong(args[2]) * 1000);
        for (String files : args[3].split(":")) {
            List<X509CRL> lists = new ArrayList<>();
            for (String file : files.split(",")) {
                lists.add(list(file));
            }
            for (int i = 4; i < args.length; i++) {
                System.out.println(judge(certificate(args[i]), ca, lists, at));
            }
        }
    }
}
