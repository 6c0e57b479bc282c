import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.util.Arrays;
import java.util.Date;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.ers.ERSByteData;
import org.bouncycastle.tsp.ers.ERSEvidenceRecord;

/**
 * Verifies time stamps with BouncyCastle. Arguments come in threes: "response", a
 * TimeStampResp and the TimeStampReq it answers; or "data", a TimeStampResp and the
 * stamped data; or "evidence", an EvidenceRecord and the stamped data. Prints per three
 * "accepted" and, of a token, its time; or "refused" and why.
 */
public class VerifyTimeStamp {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (int i = 0; i + 2 < args.length; i += 3) {
            String answer;
            try {
                answer = "accepted " + verify(args[i], Files.readAllBytes(Path.of(args[i + 1])), Files.readAllBytes(Path.of(args[i + 2])));
            } catch (Exception e) {
                answer = "refused " + e.toString().replace('\n', ' ');
            }
            System.out.println(answer);
        }
    }

    static String verify(String what, byte[] der, byte[] other) throws Exception {
        if (what.equals("evidence")) {
            ERSEvidenceRecord record = new ERSEvidenceRecord(der, new JcaDigestCalculatorProviderBuilder().setProvider("BC").build());
            record.validate(verifier(record.getSigningCertificate()));
            record.validatePresent(new ERSByteData(other), new Date());
            return "";
        }
        TimeStampResponse response = new TimeStampResponse(der);
        TimeStampToken token = response.getTimeStampToken();
        if (token == null) {
            throw new Exception("status " + response.getStatus() + ": " + response.getStatusString() + " " + response.getFailInfo());
        }
        X509CertificateHolder signer = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
        token.validate(verifier(signer));
        if (what.equals("response")) {
            response.validate(new TimeStampRequest(other));
        } else {
            byte[] digest = MessageDigest.getInstance(token.getTimeStampInfo().getMessageImprintAlgOID().getId(), "BC").digest(other);
            if (!Arrays.equals(digest, token.getTimeStampInfo().getMessageImprintDigest())) {
                throw new Exception("imprint");
            }
        }
        return time(token.getTimeStampInfo().getGenTime());
    }

    static String time(Date date) {
        return date.toInstant().toString();
    }

    static SignerInformationVerifier verifier(X509CertificateHolder signer) throws Exception {
        return new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(signer);
    }
}
