import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Collections;
import java.util.Date;
import java.util.TimeZone;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1UTCTime;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.core.basicType.ST_Loc;
import org.ofdrw.core.integrity.FileList;
import org.ofdrw.core.integrity.OFDEntries;
import org.ofdrw.gm.ses.v1.SES_ESPictrueInfo;
import org.ofdrw.gm.ses.v1.SES_Header;
import org.ofdrw.gm.ses.v1.SES_SignInfo;
import org.ofdrw.gm.ses.v4.CertDigestList;
import org.ofdrw.gm.ses.v4.CertDigestObj;
import org.ofdrw.gm.ses.v4.SES_CertList;
import org.ofdrw.gm.ses.v4.SESeal;
import org.ofdrw.layout.OFDDoc;
import org.ofdrw.layout.PageLayout;
import org.ofdrw.layout.VirtualPage;
import org.ofdrw.layout.element.Paragraph;
import org.ofdrw.layout.element.Position;
import org.ofdrw.reader.OFDReader;
import org.ofdrw.sign.ExtendSignatureContainer;
import org.ofdrw.sign.NumberFormatAtomicSignID;
import org.ofdrw.sign.OFDSigner;
import org.ofdrw.sign.SignMode;
import org.ofdrw.sign.signContainer.GBT35275DSContainer;
import org.ofdrw.sign.signContainer.GBT35275PKCS9DSContainer;
import org.ofdrw.sign.signContainer.SESV1Container;
import org.ofdrw.sign.signContainer.SESV4Container;
import org.ofdrw.sign.stamppos.NormalStampPos;
import org.ofdrw.sign.stamppos.RidingStampPos;
import org.ofdrw.sign.stamppos.Side;
import org.ofdrw.sign.stamppos.StampAppearance;

// Makes OFD documents in a folder and signs them with what lies there: seal.esl, seal.ofd,
// and seal, maker and person as NAME.key (PKCS #8) and NAME.cer. One line a document.
public class Main {
    static Path dir;

    public static void main(String[] args) throws Exception {
        // Version 1 has the time as text without a zone.
        TimeZone.setDefault(TimeZone.getTimeZone("Asia/Shanghai"));
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
        sign("plain", "version1", SignMode.WholeProtected, new SESV1Container(key("seal"), sealVersion1(), certificate("seal")), true);
        sign("plain", "digests", SignMode.WholeProtected, new SESV4Container(key("seal"), sealVersion4(), certificate("seal")), true);
        integrity("plain", "integrity");
        Path pages = dir.resolve("pages.ofd");
        try (OFDDoc doc = new OFDDoc(pages)) {
            for (int i = 1; i <= 5; i++) {
                VirtualPage page = new VirtualPage(PageLayout.A4());
                page.add(new Paragraph("Page " + i).setPosition(Position.Absolute).setX(20d).setY(20d).setWidth(100d));
                doc.addVPage(page);
            }
        }
        System.out.println("pages");
        stamp("pages", "right", new RidingStampPos(Side.Right, 42, 42));
        stamp("pages", "left", new RidingStampPos(Side.Left, 42, 42));
        stamp("pages", "top", new RidingStampPos(Side.Top, 42, 42));
        stamp("pages", "bottom", new RidingStampPos(Side.Bottom, 42, 42));
        stamp("pages", "groups", new RidingStampPos(Side.Right, 100d, 3, 42, 42, 0));
        stamp("pages", "beside", new RidingStampPos(Side.Right, 42, 42), new NormalStampPos(5, 50, 60, 42, 42));
        RidingStampPos whole = new RidingStampPos(Side.Right, 42, 42);
        stamp("pages", "lacking", (reader, ids) -> whole.getAppearance(reader, ids).subList(0, 4));
        sign("open", "both", SignMode.WholeProtected, new GBT35275DSContainer(certificate("person"), key("person")), false);
    }

    // A signed list of all files (GM/T 0099-2020, annex D).
    static void integrity(String from, String to) throws Exception {
        FileList list = new FileList();
        try (ZipFile in = new ZipFile(dir.resolve(from + ".ofd").toFile());
                ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(dir.resolve(to + ".ofd")))) {
            int id = 0;
            for (ZipEntry e : Collections.list(in.entries())) {
                if (e.isDirectory()) {
                    continue;
                }
                list.addFile(Integer.toString(++id), ST_Loc.getInstance("/" + e.getName()));
                write(out, e.getName(), in.getInputStream(e).readAllBytes());
            }
            OFDEntries entries = new OFDEntries().setID("1").setCreatorName("ofdrw").setSignedValueLoc(ST_Loc.getInstance("/signedvalue.dat")).setFileList(list);
            byte[] xml = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + entries.asXML()).getBytes(StandardCharsets.UTF_8);
            write(out, "OFDEntries.xml", xml);
            GBT35275DSContainer container = new GBT35275DSContainer(certificate("person"), key("person"));
            write(out, "signedvalue.dat", container.sign(new ByteArrayInputStream(xml), "/OFDEntries.xml"));
        }
        System.out.println(to);
    }

    static void write(ZipOutputStream out, String name, byte[] content) throws Exception {
        out.putNextEntry(new ZipEntry(name));
        out.write(content);
        out.closeEntry();
    }

    static ExtendSignatureContainer seal() throws Exception {
        SESeal seal = SESeal.getInstance(Files.readAllBytes(dir.resolve("seal.esl")));
        return new SESV4Container(key("seal"), seal, certificate("seal"));
    }

    static SES_ESPictrueInfo picture() throws Exception {
        return new SES_ESPictrueInfo().setType("ofd").setData(Files.readAllBytes(dir.resolve("seal.ofd"))).setWidth(42).setHeight(42);
    }

    static byte[] made(byte[] signed) throws Exception {
        Signature s = Signature.getInstance("SM3withSM2", "BC");
        s.initSign(key("maker"));
        s.update(signed);
        return s.sign();
    }

    static final Date MADE = new Date(), FROM = new Date(System.currentTimeMillis() - 3600_000L), UNTIL = new Date(System.currentTimeMillis() + 30 * 86400_000L);

    // GM/T 0031-2014: dates as UTCTime, and the maker signs eSealInfo with certificate and algorithm.
    static org.ofdrw.gm.ses.v1.SESeal sealVersion1() throws Exception {
        ASN1EncodableVector list = new ASN1EncodableVector();
        list.add(new DEROctetString(certificate("seal").getEncoded()));
        org.ofdrw.gm.ses.v1.SES_ESPropertyInfo property = new org.ofdrw.gm.ses.v1.SES_ESPropertyInfo().setType(1).setName("合肥市样例局")
            .setCertList(new DERSequence(list)).setCreateDate(new ASN1UTCTime(MADE)).setValidStart(new ASN1UTCTime(FROM)).setValidEnd(new ASN1UTCTime(UNTIL));
        org.ofdrw.gm.ses.v1.SES_SealInfo info = new org.ofdrw.gm.ses.v1.SES_SealInfo()
            .setHeader(new SES_Header(new ASN1Integer(1), new DERIA5String("ofdrw"))).setEsID("es_1").setProperty(property).setPicture(picture());
        DEROctetString maker = new DEROctetString(certificate("maker").getEncoded());
        ASN1EncodableVector signed = new ASN1EncodableVector();
        signed.add(info);
        signed.add(maker);
        signed.add(GMObjectIdentifiers.sm2sign_with_sm3);
        return new org.ofdrw.gm.ses.v1.SESeal(info, new SES_SignInfo().setCert(maker)
            .setSignatureAlgorithm(GMObjectIdentifiers.sm2sign_with_sm3).setSignData(made(new DERSequence(signed).getEncoded("DER"))));
    }

    // GB/T 38540-2020 with digests of certificates.
    static SESeal sealVersion4() throws Exception {
        byte[] digest = MessageDigest.getInstance("SM3", "BC").digest(certificate("seal").getEncoded());
        CertDigestList list = new CertDigestList();
        list.add(new CertDigestObj().setType("SM3").setValue(digest));
        org.ofdrw.gm.ses.v4.SES_ESPropertyInfo property = new org.ofdrw.gm.ses.v4.SES_ESPropertyInfo().setType(new ASN1Integer(3))
            .setName(new DERUTF8String("合肥市样例局")).setCertListType(new ASN1Integer(2)).setCertList(new SES_CertList(list))
            .setCreateDate(new ASN1GeneralizedTime(MADE)).setValidStart(new ASN1GeneralizedTime(FROM)).setValidEnd(new ASN1GeneralizedTime(UNTIL));
        org.ofdrw.gm.ses.v4.SES_SealInfo info = new org.ofdrw.gm.ses.v4.SES_SealInfo()
            .setHeader(new SES_Header(SES_Header.V4, new DERIA5String("ofdrw"))).setEsID("es_4").setProperty(property).setPicture(picture());
        return new SESeal().seteSealInfo(info).setCert(certificate("maker"))
            .setSignAlgID(GMObjectIdentifiers.sm2sign_with_sm3).setSignedValue(made(info.getEncoded("DER")));
    }

    static void stamp(String from, String to, StampAppearance... places) throws Exception {
        sign(from, to, SignMode.WholeProtected, seal(), places);
    }

    static void sign(String from, String to, SignMode mode, ExtendSignatureContainer container, boolean stamp) throws Exception {
        sign(from, to, mode, container, stamp ? new StampAppearance[] {new NormalStampPos(1, 50, 60, 42, 42)} : new StampAppearance[0]);
    }

    static void sign(String from, String to, SignMode mode, ExtendSignatureContainer container, StampAppearance[] places) throws Exception {
        try (OFDReader reader = new OFDReader(dir.resolve(from + ".ofd"));
                OFDSigner signer = new OFDSigner(reader, dir.resolve(to + ".ofd"), new NumberFormatAtomicSignID())) {
            signer.setSignMode(mode);
            signer.setSignContainer(container);
            for (StampAppearance place : places) {
                signer.addApPos(place);
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
