import java.io.FileInputStream;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.LogManager;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;

// Validates files by a flavour of PDF/A, such as 3b. For each file one line: the
// clauses and tests that it fails, in order, or "ok".
public class Main {
    public static void main(String[] args) throws Exception {
        LogManager.getLogManager().reset();
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour flavour = PDFAFlavour.fromString(args[0]);
        for (int i = 1; i < args.length; i++) {
            Set<String> failed = new TreeSet<>();
            try (FileInputStream file = new FileInputStream(args[i]);
                    PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour)) {
                for (TestAssertion test : Foundries.defaultInstance().createValidator(flavour, false).validate(parser).getTestAssertions()) {
                    if (test.getStatus() == TestAssertion.Status.FAILED) {
                        failed.add(test.getRuleId().getClause() + "-" + test.getRuleId().getTestNumber());
                    }
                }
            }
            System.out.println(failed.isEmpty() ? "ok" : String.join(" ", failed));
        }
    }
}
