import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReqBuilder;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.util.encoders.Hex;
import org.bouncycastle.util.io.pem.PemReader;

/**
 * Asks and reads OCSP with BouncyCastle.
 *
 * ask CA CERTIFICATE NONCE...      prints per nonce, in hexadecimal or "-", a request with SHA-1 in hexadecimal
 * read CA CERTIFICATE RESPONSE...  prints per response: status of the certificate, nonce, whether the signature
 *                                  verifies
 */
public class ReadOCSP {
    static X509CertificateHolder certificate(String file) throws Exception {
        try (PemReader r = new PemReader(Files.newBufferedReader(Path.of(file)))) {
            return new X509CertificateHolder(r.readPemObject().getContent());
        }
    }

    static ContentVerifierProvider verifier(X509CertificateHolder c) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider("BC").build(c);
    }

    static String read(byte[] der, CertificateID id, X509CertificateHolder ca) {
        try {
            OCSPResp response = new OCSPResp(der);
            if (response.getStatus() != OCSPResp.SUCCESSFUL) {
                return "refusal " + response.getStatus();
            }
            BasicOCSPResp basic = (BasicOCSPResp) response.getResponseObject();
            X509CertificateHolder signer = basic.getCerts().length == 0 ? ca : basic.getCerts()[0];
            boolean verified = basic.isSignatureValid(verifier(signer)) && signer.isSignatureValid(verifier(ca));
            Extension nonce = basic.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
            String status = "absent";
            for (SingleResp one : basic.getResponses()) {
                if (one.getCertID().equals(id)) {
                    status = name(one.getCertStatus());
                }
            }
            return status + " " + (nonce == null ? "-" : Hex.toHexString(ASN1OctetString.getInstance(nonce.getParsedValue()).getOctets())) + (verified ? " verified" : " refused");
        } catch (Exception e) {
            return "unreadable";
        }
    }

    static String name(CertificateStatus status) {
        if (status == CertificateStatus.GOOD) {
            return "good";
        }
        if (status instanceof RevokedStatus) {
            RevokedStatus revoked = (RevokedStatus) status;
            return "revoked:" + (revoked.hasRevocationReason() ? revoked.getRevocationReason() : 0);
        }
        return "unknown";
    }

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        DigestCalculatorProvider digests = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
        X509CertificateHolder ca = certificate(args[1]);
        CertificateID id = new CertificateID(digests.get(CertificateID.HASH_SHA1), ca, certificate(args[2]).getSerialNumber());
        if (args[0].equals("ask")) {
            for (int i = 3; i < args.length; i++) {
                OCSPReqBuilder builder = new OCSPReqBuilder().addRequest(id);
                if (!args[i].equals("-")) {
                    builder.setRequestExtensions(new Extensions(new Extension(
                            OCSPObjectIdentifiers.id_pkix_ocsp_nonce, false, new DEROctetString(Hex.decode(args[i])).getEncoded())));
                }
                System.out.println(Hex.toHexString(builder.build().getEncoded()));
            }
            return;
        }
        for (int i = 3; i < args.length; i++) {
            System.out.println(read(Files.readAllBytes(Path.of(args[i])), id, ca));
        }
    }
}
