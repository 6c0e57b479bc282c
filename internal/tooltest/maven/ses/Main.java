import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.core.signatures.SigType;
import org.ofdrw.gm.ses.v4.SES_SealInfo;
import org.ofdrw.gm.ses.v4.SES_Signature;
import org.ofdrw.gm.ses.v4.SESeal;
import org.ofdrw.sign.verify.container.SESV4ValidateContainer;

// Verifies seal signatures of GB/T 38540-2020 with ofdrw, and the seal within with
// BouncyCastle over what ofdrw read of it, written anew. Arguments come in pairs: an
// SES_Signature and what it signs. Prints per pair "accepted" with esID, name, width,
// height, property and the time of signing, or "refused" and why.
public class Main {
    static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();

    public static void main(String[] args) throws Exception {
        for (int i = 0; i + 1 < args.length; i += 2) {
            String answer;
            try {
                answer = verify(Files.readAllBytes(Path.of(args[i])), Files.readAllBytes(Path.of(args[i + 1])));
            } catch (Exception e) {
                answer = "refused " + e.toString().replace('\n', ' ');
            }
            System.out.println(answer);
        }
    }

    static String verify(byte[] der, byte[] content) throws Exception {
        new SESV4ValidateContainer().validate(SigType.Seal, "1.2.156.10197.1.501", content, der);
        SES_Signature signature = SES_Signature.getInstance(der);
        SESeal seal = signature.getToSign().getEseal();
        SES_SealInfo info = seal.geteSealInfo();
        Certificate maker = CertificateFactory.getInstance("X.509", PROVIDER).generateCertificate(new ByteArrayInputStream(seal.getCert().getOctets()));
        Signature made = Signature.getInstance(seal.getSignAlgID().getId(), PROVIDER);
        made.initVerify(maker);
        made.update(info.getEncoded(ASN1Encoding.DER));
        if (!made.verify(seal.getSignedValue().getOctets())) {
            return "refused seal";
        }
        return String.join(" ", "accepted", info.getEsID().getString(), info.getProperty().getName().getString(), info.getPicture().getWidth().toString(),
            info.getPicture().getHeight().toString(), signature.getToSign().getPropertyInfo().getString(), signature.getToSign().getTimeInfo().getTime());
    }
}
