import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.validation.ByteRange;
import eu.europa.esig.dss.pades.validation.PDFDocumentAnalyzer;
import eu.europa.esig.dss.pades.validation.PdfRevision;
import eu.europa.esig.dss.pdf.PdfCMSRevision;
import eu.europa.esig.dss.pdf.modifications.PdfModificationDetection;
import eu.europa.esig.dss.pdf.modifications.PdfObjectModifications;
import java.io.File;
import java.nio.file.Files;
import java.security.Security;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.apache.pdfbox.Loader;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.bouncycastle.asn1.ASN1InputStream;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

// What others find of the signatures of PDF files. For each file one line a signature, in
// the order of what they cover, then an empty line:
//
//   dss A,B,C,D whole|part allowed|modified
//   bc A,B,C,D accepted|refused WHY
//
// dss is EU DSS on byte range, whether that is all of the file, and whether what came later
// is something that nothing allows; bc is BouncyCastle on the CMS signature that PDFBox
// takes out of the file.
public class Main {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (String name : args) {
            structure(new File(name));
            signatures(new File(name));
            System.out.println();
        }
    }

    static void structure(File file) {
        try {
            List<PdfCMSRevision> found = new ArrayList<>();
            for (PdfRevision revision : new Analyzer(file).revisions()) {
                if (revision instanceof PdfCMSRevision signed) {
                    found.add(signed);
                }
            }
            found.sort(Comparator.comparingInt(r -> r.getByteRange().getSecondPartStart() + r.getByteRange().getSecondPartEnd()));
            for (PdfCMSRevision signed : found) {
                ByteRange range = signed.getByteRange();
                System.out.printf("dss %d,%d,%d,%d %s %s%n", range.getFirstPartStart(), range.getFirstPartEnd(), range.getSecondPartStart(),
                    range.getSecondPartEnd(), range.isValid() && signed.areAllOriginalBytesCovered() ? "whole" : "part",
                    modified(signed.getModificationDetection()) ? "modified" : "allowed");
            }
        } catch (Exception e) {
            System.out.println("dss refused " + e.toString().replace('\n', ' '));
        }
    }

    // DSS compares revisions when it collects all signatures.
    static class Analyzer extends PDFDocumentAnalyzer {
        Analyzer(File file) {
            super(new FileDocument(file));
        }

        List<PdfRevision> revisions() {
            getAllSignatures();
            return getRevisions();
        }
    }

    static boolean modified(PdfModificationDetection detection) {
        PdfObjectModifications found = detection == null ? null : detection.getObjectModifications();
        return found != null && !found.getUndefinedChanges().isEmpty();
    }

    static void signatures(File file) throws Exception {
        byte[] bytes = Files.readAllBytes(file.toPath());
        try (PDDocument document = Loader.loadPDF(bytes)) {
            List<PDSignature> found = new ArrayList<>(document.getSignatureDictionaries());
            found.sort(Comparator.comparingInt(s -> s.getByteRange()[2] + s.getByteRange()[3]));
            for (PDSignature signature : found) {
                int[] r = signature.getByteRange();
                String answer;
                try {
                    answer = verify(signature.getContents(bytes), signature.getSignedContent(bytes));
                } catch (Exception e) {
                    answer = "refused " + e.toString().replace('\n', ' ');
                }
                System.out.printf("bc %d,%d,%d,%d %s%n", r[0], r[1], r[2], r[3], answer);
            }
        }
    }

    static String verify(byte[] padded, byte[] content) throws Exception {
        byte[] der;
        try (ASN1InputStream in = new ASN1InputStream(padded)) {
            der = in.readObject().getEncoded();
        }
        CMSSignedData signed = new CMSSignedData(new CMSProcessableByteArray(content), der);
        for (SignerInformation signer : signed.getSignerInfos().getSigners()) {
            Collection<X509CertificateHolder> certificates = signed.getCertificates().getMatches(signer.getSID());
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificates.iterator().next()))) {
                return "refused signature";
            }
        }
        return signed.getSignerInfos().size() == 1 ? "accepted" : "refused signers";
    }
}
