import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.util.Collection;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.SignedData;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignatureAlgorithmNameGenerator;
import org.bouncycastle.cms.DefaultCMSSignatureAlgorithmNameGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Verifies signatures with BouncyCastle. Arguments come in pairs: a CMS file in DER and
 * its content, or "-" where the content is attached. Prints per pair "accepted", or
 * "refused" and why.
 */
public class VerifyCMS {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (int i = 0; i + 1 < args.length; i += 2) {
            String answer;
            try {
                answer = verify(Files.readAllBytes(Path.of(args[i])), args[i + 1]);
            } catch (Exception e) {
                answer = "refused " + e.toString().replace('\n', ' ');
            }
            System.out.println(answer);
        }
    }

    static String verify(byte[] der, String content) throws Exception {
        CMSSignedData signed;
        if (content.equals("-")) {
            signed = new CMSSignedData(der);
        } else {
            SignedData parsed = SignedData.getInstance(ContentInfo.getInstance(der).getContent());
            ASN1ObjectIdentifier type = parsed.getEncapContentInfo().getContentType();
            signed = new CMSSignedData(new CMSProcessableByteArray(type, Files.readAllBytes(Path.of(content))), der);
        }
        Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
        if (signers.size() != 1) {
            return "refused signers: " + signers.size();
        }
        SignerInformation signer = signers.iterator().next();
        Collection<X509CertificateHolder> found = signed.getCertificates().getMatches(signer.getSID());
        if (found.size() != 1) {
            return "refused certificates of the signer: " + found.size();
        }
        SignerInformationVerifier verifier = new JcaSignerInfoVerifierBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())
            .setSignatureAlgorithmNameGenerator(new GMNames()).setProvider("BC").build(found.iterator().next());
        return signer.verify(verifier) ? "accepted" : "refused signature";
    }

    /** BouncyCastle 1.72 does not know the signature's name of GB/T 35275, 1.2.156.10197.1.301.1. */
    static class GMNames implements CMSSignatureAlgorithmNameGenerator {
        private final CMSSignatureAlgorithmNameGenerator others = new DefaultCMSSignatureAlgorithmNameGenerator();

        public String getSignatureName(AlgorithmIdentifier digest, AlgorithmIdentifier encryption) {
            if (encryption.getAlgorithm().getId().equals("1.2.156.10197.1.301.1")) {
                return "SM3WITHSM2";
            }
            return others.getSignatureName(digest, encryption);
        }
    }
}
