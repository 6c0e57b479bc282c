package ofd

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
)

// signer is a certificate with a key that can be given to a program.
type signer struct {
	key         *pki.Key
	certificate *cert.Certificate
	pkcs8       []byte
}

func newSigner(tb testing.TB, a *ca.Authority, profile ca.ProfileName, name string) signer {
	tb.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	s := signer{}
	if s.key, err = pki.NewKey(private); err != nil {
		tb.Fatal(err)
	}
	if s.pkcs8, err = smx509.MarshalPKCS8PrivateKey(private); err != nil {
		tb.Fatal(err)
	}
	s.certificate = pkitest.Certify(tb, a, profile, name, s.key)
	return s
}

// shelf is what ofdrw made: documents signed with keys of ours.
type shelf struct {
	dir   string
	trust Trust
	// imported is the trust of another domain that has imported the root and the maker.
	imported Trust
}

// makeShelf runs ofdrw. Its signatures carry the present time.
func makeShelf(tb testing.TB) *shelf {
	tb.Helper()
	now := time.Now().Add(-time.Minute)
	p := pkitest.New(tb, now)
	persons := p.Authority(tb, "自然人")
	maker := newSigner(tb, p.CA, ca.ProfileSealMaker, "印章制作系统")
	sealer := newSigner(tb, p.CA, ca.ProfileOrganizationSeal, "34010000000001")
	person := newSigner(tb, persons, ca.ProfilePerson, "张样例")
	seal, err := ses.Make(ses.Particulars{
		ID: "34010000000001", Name: "合肥市样例局", Kind: 1, Certificate: sealer.certificate,
		Created: now, ValidFrom: now.Add(-time.Hour), ValidUntil: now.AddDate(0, 11, 0),
		Picture: ses.Picture{Type: "PNG", Data: dot, WidthMM: 42, HeightMM: 42},
	}, maker.certificate, maker.key, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for name, data := range map[string][]byte{
		"seal.esl": seal, "seal.ofd": sealPage(tb, "M 10 18 L 32 18 L 32 24 L 10 24 C"), "maker.key": maker.pkcs8, "maker.cer": maker.certificate.DER, "seal.key": sealer.pkcs8, "seal.cer": sealer.certificate.DER,
		"person.key": person.pkcs8, "person.cer": person.certificate.DER,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	made := tooltest.Maven(tb, "ofdrw", dir)
	if want := []string{"plain", "sealed", "open", "person", "base64", "attributes", "version1", "digests", "integrity", "pages",
		"right", "left", "top", "bottom", "groups", "beside", "lacking", "both"}; !slices.Equal(made, want) {
		tb.Fatalf("ofdrw made %q, want %q", made, want)
	}
	others, roots := pkitest.New(tb, now), []*cert.Certificate{p.Root.Certificate()}
	byRoots, err := path.New(path.Options{Anchors: roots, Intermediates: []*cert.Certificate{p.CA.Certificate(), persons.Certificate()}})
	if err != nil {
		tb.Fatal(err)
	}
	imported := &ses.Imported{Path: byRoots, Roots: roots, Makers: []*cert.Certificate{maker.certificate}}
	return &shelf{dir: dir, trust: Trust{
		Seals:   ses.Trust{Path: pkitest.Verifier(tb, p.CA), Makers: []pki.Point{maker.key.Public().Point()}},
		Persons: pkitest.Verifier(tb, persons), Second: second.Opinion{}, Now: time.Now,
	}, imported: Trust{
		Seals: ses.Trust{Path: pkitest.Verifier(tb, others.CA), Imported: imported}, Persons: pkitest.Verifier(tb, others.CA),
		Second: second.Opinion{}, Now: time.Now,
	}}
}

// dot is the smallest PNG file.
var dot = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

// What ofdrw signs is read and judged.
func TestOFDRW(t *testing.T) {
	t.Parallel()
	s := makeShelf(t)
	for name, want := range map[string]struct {
		kinds []Kind
		valid bool
	}{
		"plain": {nil, false}, "sealed": {[]Kind{KindSeal}, true}, "open": {[]Kind{KindSeal}, true}, "person": {[]Kind{KindSign}, true},
		"base64": {[]Kind{KindSign}, true}, "attributes": {[]Kind{KindSign}, true}, "both": {[]Kind{KindSeal, KindSign}, true},
		"version1": {[]Kind{KindSeal}, true}, "digests": {[]Kind{KindSeal}, true},
	} {
		b, err := os.ReadFile(filepath.Join(s.dir, name+".ofd"))
		if err != nil {
			t.Fatal(err)
		}
		report := verify(t, b, s.trust)
		var kinds []Kind
		for _, found := range report.Signatures {
			kinds = append(kinds, found.Kind)
		}
		if !slices.Equal(kinds, want.kinds) || report.Valid() != want.valid || report.Document.Pages != 1 {
			t.Errorf("%s: %d pages, signatures %v, valid %v (%v), want %+v", name, report.Document.Pages, kinds, report.Valid(), report.Err(), want)
		}
		if version := map[string]int{"version1": 1, "digests": 4, "sealed": 4}[name]; version > 0 && report.Signatures[0].Seal.Version != version {
			t.Errorf("%s: a seal of version %d, want %d", name, report.Signatures[0].Seal.Version, version)
		}
		for _, found := range report.Signatures {
			checkDrawn(t, name, found)
		}
		if want.valid {
			tamper(t, name, b, s.trust)
			checkImported(t, name, b, s.imported)
		}
		if name == "open" {
			checkSmuggled(t, b, s.trust)
		}
	}
	checkStraddles(t, s)
	b, err := os.ReadFile(filepath.Join(s.dir, "integrity.ofd"))
	if err != nil {
		t.Fatal(err)
	}
	checkIntegrity(t, b, s.trust)
}

// checkIntegrity: a signed list of all files is in order as long as there are just those, and
// is nothing but a list.
func checkIntegrity(t *testing.T, b []byte, trust Trust) {
	t.Helper()
	if i := verify(t, b, trust).Integrity; i == nil || i.Err() != nil || i.Signer.Subject.CommonName != "张样例" {
		t.Fatalf("the list of files: %+v", i)
	}
	files := unpack(t, b)
	added := verify(t, pack(t, append(slices.Clone(files), file{"Doc_0/Res/font_9.ttf", "x"})), trust)
	if !errors.Is(added.Integrity.Err(), ErrChanged) || !errors.Is(added.Err(), ErrChanged) {
		t.Errorf("with a file added: %v", added.Integrity.Err())
	}
	for what, change := range map[string][2]string{
		"another root":              {"DocEntries", "Page"},
		"a page in it":              {"<ofd:FileList>", "<ofd:Content/><ofd:FileList>"},
		"a page among the files":    {"<ofd:FileList>", "<ofd:FileList><ofd:Layer/>"},
		"a page in a file":          {`<ofd:File ID="1"`, `<ofd:File ID="0" FileLoc="/OFD.xml"><ofd:Layer/></ofd:File><ofd:File ID="1"`},
		"a file with two locations": {`<ofd:File ID="1"`, `<ofd:File ID="0" FileLoc="/OFD.xml"><ofd:FileLoc>/OFD.xml</ofd:FileLoc></ofd:File><ofd:File ID="1"`},
		"a page in its signature":   {"<ofd:SignedValueLoc>", "<ofd:SignedValueLoc><ofd:Layer/>"},
		"no signature":              {"/signedvalue.dat", "/another.dat"},
	} {
		changed := slices.Clone(files)
		at := slices.IndexFunc(changed, func(f file) bool { return f.name == integrityName })
		if changed[at].content = strings.ReplaceAll(changed[at].content, change[0], change[1]); changed[at].content == files[at].content {
			t.Fatalf("%s: the list has no %q: %s", what, change[0], changed[at].content)
		}
		if _, err := judge(pack(t, changed), trust); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", what, err, ErrMalformed)
		}
	}
	// By an element, as prose about the standard has it: another list, so its signature fails.
	changed := slices.Clone(files)
	at := slices.IndexFunc(changed, func(f file) bool { return f.name == integrityName })
	changed[at].content = regexp.MustCompile(`FileLoc="([^"]*)"/>`).ReplaceAllString(changed[at].content, `><ofd:FileLoc>$1</ofd:FileLoc></ofd:File>`)
	if i := verify(t, pack(t, changed), trust).Integrity; i.Checks[0].Err != nil || !errors.Is(i.Err(), ErrChanged) {
		t.Errorf("locations in elements: %+v", i.Checks)
	}
}

// checkDrawn: a seal is drawn from itself where it stands, those of ofdrw from an OFD page.
func checkDrawn(t *testing.T, name string, s Signed) {
	t.Helper()
	if s.Kind != KindSeal {
		if s.Picture.State != PictureNone {
			t.Errorf("%s: a signature without a seal shows %+v", name, s.Picture)
		}
		return
	}
	if want := []Stamp{whole(1, Box{50, 60, 42, 42})}; s.Picture.State != PictureDrawn || !slices.Equal(s.Stamps, want) {
		t.Errorf("%s: the seal shows %+v at %v", name, s.Picture, s.Stamps)
	}
	of := s.Seal.Picture
	if kind := map[bool]string{true: "OFD", false: "PNG"}[name == "version1" || name == "digests"]; !strings.EqualFold(of.Type, kind) {
		t.Errorf("%s: a picture of the type %s, want %s", name, of.Type, kind)
	}
	if sheet, err := likeness.Picture(of.Type, of.Data, float64(of.WidthMM), float64(of.HeightMM)); err != nil || sheet.Empty() && strings.EqualFold(of.Type, "ofd") {
		t.Errorf("%s: the picture cannot be drawn: %v", name, err)
	}
}

// Elsewhere a package counts by the imported root, and its seals by the imported maker alone.
func checkImported(t *testing.T, name string, b []byte, trust Trust) {
	t.Helper()
	report := verify(t, b, trust)
	for _, s := range report.Signatures {
		if !report.Valid() || len(ses.ImportedRoots(s.Checks)) != 1 {
			t.Errorf("%s: valid %v (%v) by imported roots %v", name, report.Valid(), report.Err(), ses.ImportedRoots(s.Checks))
		}
	}
	some := *trust.Seals.Imported
	some.Makers = nil
	trust.Seals.Imported = &some
	hasSeal := slices.ContainsFunc(report.Signatures, func(s Signed) bool { return s.Kind == KindSeal })
	if report := verify(t, b, trust); report.Valid() == hasSeal || hasSeal && !errors.Is(report.Err(), ses.ErrMaker) {
		t.Errorf("%s without the maker: valid %v (%v)", name, report.Valid(), report.Err())
	}
}

// A signature that does not count calls a file its seal, so that the file looks like
// part of a signature. The one that counts says still that it does not cover it.
func checkSmuggled(t *testing.T, b []byte, trust Trust) {
	t.Helper()
	const smuggled = "Doc_0/Res/font_9.ttf"
	files := unpack(t, b)
	content := func(name string) *string {
		for i := range files {
			if files[i].name == name {
				return &files[i].content
			}
		}
		t.Fatalf("the package has no %s", name)
		return nil
	}
	list := content("Doc_0/Signs/Signatures.xml")
	*list = strings.Replace(*list, "</ofd:Signatures>", `<ofd:Signature ID="99" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_9/Signature.xml"/></ofd:Signatures>`, 1)
	own := strings.Replace(*content("Doc_0/Signs/Sign_0/Signature.xml"), "/Doc_0/Signs/Sign_0/Seal.esl</ofd:BaseLoc>", "/"+smuggled+"</ofd:BaseLoc>", 1)
	value := *content("Doc_0/Signs/Sign_0/SignedValue.dat")
	files = append(files, file{"Doc_0/Signs/Sign_9/Signature.xml", own}, file{"Doc_0/Signs/Sign_9/SignedValue.dat", value}, file{smuggled, "x"})
	report := verify(t, pack(t, files), trust)
	if len(report.Signatures) != 2 || !slices.Contains(report.Signatures[0].Uncovered, smuggled) || report.Valid() {
		t.Errorf("%d signatures, the first leaves out %q, valid %v", len(report.Signatures), report.Signatures[0].Uncovered, report.Valid())
	}
}

func verify(tb testing.TB, b []byte, trust Trust) *Report {
	tb.Helper()
	report, err := judge(b, trust)
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

func judge(b []byte, trust Trust) (*Report, error) {
	p, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	return p.Verify(context.Background(), trust)
}
