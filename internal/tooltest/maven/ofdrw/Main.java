import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.gm.ses.v4.SESeal;
import org.ofdrw.layout.OFDDoc;
import org.ofdrw.layout.element.Paragraph;
import org.ofdrw.reader.OFDReader;
import org.ofdrw.sign.ExtendSignatureContainer;
import org.ofdrw.sign.NumberFormatAtomicSignID;
import org.ofdrw.sign.OFDSigner;
import org.ofdrw.sign.SignMode;
import org.ofdrw.sign.signContainer.GBT35275DSContainer;
import org.ofdrw.sign.signContainer.GBT35275PKCS9DSContainer;
import org.ofdrw.sign.signContainer.SESV4Container;
import org.ofdrw.sign.stamppos.NormalStampPos;

// Makes OFD documents in a folder and signs them with what lies there: seal.esl, and
// seal and person as NAME.key (PKCS #8) and NAME.cer. One line a document.
public class Main {
    static Path dir;

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        dir = Path.of(args[0]);
        Path plain = dir.resolve("plain.ofd");
        try (OFDDoc doc = new OFDDoc(plain)) {
            doc.add(new Paragraph("Sample document, page one."));
        }
        System.out.println("plain");
        sign("plain", "sealed", SignMode.WholeProtected, seal(), true);
        sign("plain", "open", SignMode.ContinueSign, seal(), true);
        GBT35275DSContainer digest = new GBT35275DSContainer(certificate("person"), key("person"));
        sign("plain", "person", SignMode.WholeProtected, digest, false);
        digest.setEnableFileHashBase64(true);
        sign("plain", "base64", SignMode.WholeProtected, digest, false);
        sign("plain", "attributes", SignMode.WholeProtected, new GBT35275PKCS9DSContainer(certificate("person"), key("person")), false);
        sign("open", "both", SignMode.WholeProtected, new GBT35275DSContainer(certificate("person"), key("person")), false);
    }

    static ExtendSignatureContainer seal() throws Exception {
        SESeal seal = SESeal.getInstance(Files.readAllBytes(dir.resolve("seal.esl")));
        return new SESV4Container(key("seal"), seal, certificate("seal"));
    }

    static void sign(String from, String to, SignMode mode, ExtendSignatureContainer container, boolean stamp) throws Exception {
        try (OFDReader reader = new OFDReader(dir.resolve(from + ".ofd"));
                OFDSigner signer = new OFDSigner(reader, dir.resolve(to + ".ofd"), new NumberFormatAtomicSignID())) {
            signer.setSignMode(mode);
            signer.setSignContainer(container);
            if (stamp) {
                signer.addApPos(new NormalStampPos(1, 50, 60, 42, 42));
            }
            signer.exeSign();
        }
        System.out.println(to);
    }

    static PrivateKey key(String name) throws Exception {
        return KeyFactory.getInstance("EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(dir.resolve(name + ".key"))));
    }

    static Certificate certificate(String name) throws Exception {
        return CertificateFactory.getInstance("X.509", "BC").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(dir.resolve(name + ".cer"))));
    }
}
