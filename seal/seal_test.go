package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/seal"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// workshop has everything that makes and uses one seal.
type workshop struct {
	root      *cert.Certificate
	ca        *ca.Authority
	persons   *ca.Authority
	makerKey  *pki.Key
	maker     *cert.Certificate
	signerKey *pki.Key
	signer    *cert.Certificate
	trust     seal.Trust
}

func newWorkshop(tb testing.TB) *workshop {
	tb.Helper()
	p := pkitest.New(tb, now)
	w := &workshop{root: p.Root.Certificate(), ca: p.CA, persons: p.Authority(tb, "自然人"), makerKey: pkitest.NewKey(tb), signerKey: pkitest.NewKey(tb)}
	w.maker = pkitest.Certify(tb, p.CA, ca.ProfileSealMaker, "印章制作系统", w.makerKey)
	w.signer = pkitest.Certify(tb, p.CA, ca.ProfileOrganizationSeal, "34010000000001", w.signerKey)
	w.trust = seal.Trust{Path: pkitest.Verifier(tb, p.CA), Makers: []pki.Point{w.makerKey.Public().Point()}}
	return w
}

func (w *workshop) particulars() seal.Particulars {
	return seal.Particulars{
		ID: "34010000000001", Name: "合肥市样例局", Kind: 1, Certificate: w.signer,
		Created: now, ValidFrom: now.Add(-time.Minute), ValidUntil: now.AddDate(0, 11, 0),
		Picture: seal.Picture{Type: "SVG", Data: []byte("<svg/>"), WidthMM: 42, HeightMM: 42},
	}
}

func (w *workshop) make(tb testing.TB) *seal.Seal {
	tb.Helper()
	der, err := seal.Make(w.particulars(), w.maker, w.makerKey, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := seal.Parse(der)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (w *workshop) sign(tb testing.TB, document string) []byte {
	tb.Helper()
	der, err := seal.Sign(w.make(tb), seal.Stamp{Time: now, Document: sm3.Sum([]byte(document)), Property: "ByteRange[0 1 2 3]"}, w.signer, w.signerKey)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// failed returns the names of the steps that did not pass.
func failed(checks []seal.Check) string {
	var names []string
	for _, c := range checks {
		if c.Err != nil {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ",")
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	s, err := seal.ParseSignature(w.sign(t, "document"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Seal.Name != "合肥市样例局" || s.Seal.ID != "34010000000001" || s.Seal.Picture.WidthMM != 42 ||
		!s.Stamp.Time.Equal(now) || s.Stamp.Property != "ByteRange[0 1 2 3]" {
		t.Errorf("read back %+v, %+v", s.Seal, s.Stamp)
	}
	if f := failed(s.Verify(context.Background(), sm3.Sum([]byte("document")), w.trust, second.Opinion{})); f != "" {
		t.Errorf("steps failed: %s", f)
	}
}

func TestVerifySaysWhichStep(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	personKey := pkitest.NewKey(t)
	person := pkitest.Certify(t, w.persons, ca.ProfilePerson, "张样例", personKey)
	document := sm3.Sum([]byte("document"))
	stamp := seal.Stamp{Time: now, Document: document, Property: "p"}
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	parsed := func(der []byte) *seal.Seal {
		t.Helper()
		s, err := seal.Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// A seal that a person makes for a person, all well signed.
	forged := w.particulars()
	forged.Certificate = person
	byPerson := parsed(must(seal.Make(forged, person, personKey, second.Opinion{})))
	// A seal that another seal's key makes: under the right authority, but no
	// maker.
	bySeal := parsed(must(seal.Make(w.particulars(), w.signer, w.signerKey, second.Opinion{})))
	// A seal by the true maker that lists a person.
	listsPerson := parsed(must(seal.Make(forged, w.maker, w.makerKey, second.Opinion{})))
	// A true seal whose owner has given it another name of the same length.
	renamed := parsed(bytes.ReplaceAll(w.make(t).DER, []byte("合肥市样例局"), []byte("安徽省样例局")))
	// A person signs with a true seal that does not list him: the seal's DER is
	// exchanged after Sign has looked at another's list.
	unlisted := *listsPerson
	unlisted.DER = w.make(t).DER
	late := stamp
	late.Time = now.AddDate(0, 11, 1)

	for _, tt := range []struct {
		name      string
		signature []byte
		document  [sm3.Size]byte
		want      string
	}{
		{"good", must(seal.Sign(w.make(t), stamp, w.signer, w.signerKey)), document, ""},
		{"another document", must(seal.Sign(w.make(t), stamp, w.signer, w.signerKey)), sm3.Sum([]byte("other")), "document"},
		{"after the seal's end", must(seal.Sign(w.make(t), late, w.signer, w.signerKey)), document, "time"},
		{"a person's own seal", must(seal.Sign(byPerson, stamp, person, personKey)), document, "seal,certificate"},
		{"a signer whom the seal does not list", must(seal.Sign(&unlisted, stamp, person, personKey)), document, "certificate list,certificate"},
		{"a true seal that was changed", must(seal.Sign(renamed, stamp, w.signer, w.signerKey)), document, "seal"},
		{"a seal made by a seal", must(seal.Sign(bySeal, stamp, w.signer, w.signerKey)), document, "seal"},
		{"a person signs with a true seal", must(seal.Sign(listsPerson, stamp, person, personKey)), document, "certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := seal.ParseSignature(tt.signature)
			if err != nil {
				t.Fatal(err)
			}
			if got := failed(s.Verify(context.Background(), tt.document, w.trust, second.Opinion{})); got != tt.want {
				t.Errorf("failed steps %q, want %q", got, tt.want)
			}
		})
	}
	if _, err := seal.Sign(w.make(t), stamp, person, personKey); err == nil {
		t.Error("a certificate that the seal does not list may sign")
	}
}

// TestEveryBitCounts: no changed byte leaves all steps passed.
func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	der := w.sign(t, "document")
	document := sm3.Sum([]byte("document"))
	for i := range der {
		wrong := bytes.Clone(der)
		wrong[i] ^= 0x04
		s, err := seal.ParseSignature(wrong)
		if err != nil {
			continue
		}
		if failed(s.Verify(context.Background(), document, w.trust, nil)) == "" {
			t.Errorf("byte %d of %d can be changed", i, len(der))
		}
	}
}

// TestOpenSSLVerifies has OpenSSL take the seal apart by its structure and verify
// the maker's signature over the DER of eSealInfo alone, as the standard says.
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, b []byte) {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	der := w.make(t).DER
	write("seal.der", der)
	listing := tooltest.Run(t, "openssl", "asn1parse", "-inform", "DER", "-in", path("seal.der"))
	// The members of the outer SEQUENCE are at depth 1.
	member := regexp.MustCompile(`(?m)^ *(\d+):d=1 +hl=(\d+) +l= *(\d+) (?:prim|cons): *([A-Z]+(?: [A-Z]+)*)`)
	found := member.FindAllStringSubmatch(listing, -1)
	if len(found) != 4 || found[0][4] != "SEQUENCE" || found[1][4] != "OCTET STRING" || found[2][4] != "OBJECT" || found[3][4] != "BIT STRING" {
		t.Fatalf("OpenSSL does not see the four members of version 4: %q\n%s", found, listing)
	}
	for _, want := range []string{":SM2-with-SM3", ":ES", ":34010000000001", ":SVG", ":elicence"} {
		if !strings.Contains(listing, want) {
			t.Errorf("OpenSSL does not print %q", want)
		}
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	part := func(i int, withHeader bool) []byte {
		from, header, length := number(found[i][1]), number(found[i][2]), number(found[i][3])
		if withHeader {
			return der[from : from+header+length]
		}
		return der[from+header : from+header+length]
	}
	write("info.der", part(0, true))
	write("maker.der", part(1, false))
	write("sig.der", part(3, false)[1:]) // behind the count of unused bits
	write("key.pem", []byte(tooltest.Run(t, "openssl", "x509", "-inform", "DER", "-in", path("maker.der"), "-noout", "-pubkey")))
	verify := func() (string, error) {
		return tooltest.Try(t, "openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", path("key.pem"), "-signature", path("sig.der"), path("info.der"))
	}
	if out, err := verify(); err != nil || !strings.Contains(out, "Verified OK") {
		t.Errorf("OpenSSL refuses the maker's signature: %s %v", out, err)
	}
	write("info.der", part(1, true))
	if out, err := verify(); err == nil {
		t.Errorf("OpenSSL accepts the signature over something else: %s", out)
	}
}

// refuses is a second opinion that accepts nothing.
type refuses struct{}

func (refuses) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return false, nil }

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	for name, change := range map[string]func(*seal.Particulars){
		"code of 13 digits":     func(p *seal.Particulars) { p.ID = "3401000000001" },
		"no name":               func(p *seal.Particulars) { p.Name = "" },
		"name that hides":       func(p *seal.Particulars) { p.Name = "合肥\u202e局" },
		"no certificate":        func(p *seal.Particulars) { p.Certificate = nil },
		"no width":              func(p *seal.Particulars) { p.Picture.WidthMM = 0 },
		"wider than a page":     func(p *seal.Particulars) { p.Picture.WidthMM = 300 },
		"no picture":            func(p *seal.Particulars) { p.Picture.Data = nil },
		"picture of no type":    func(p *seal.Particulars) { p.Picture.Type = "EXE" },
		"ends before it begins": func(p *seal.Particulars) { p.ValidUntil = p.ValidFrom },
	} {
		p := w.particulars()
		change(&p)
		if _, err := seal.Make(p, w.maker, w.makerKey, second.Opinion{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := seal.Make(w.particulars(), w.maker, w.signerKey, second.Opinion{}); !errors.Is(err, pki.ErrSelfCheck) {
		t.Errorf("a key that is not the maker's: %v, want ErrSelfCheck", err)
	}
	if _, err := seal.Make(w.particulars(), w.maker, w.makerKey, refuses{}); !errors.Is(err, pki.ErrSelfCheck) {
		t.Errorf("a signature that the second implementation refuses: %v, want ErrSelfCheck", err)
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	r := seal.Record{AppliedBy: "甲"}
	for _, by := range []string{"甲", "\u3000甲"} {
		if err := r.CheckApproval(by); !errors.Is(err, seal.ErrSamePerson) {
			t.Errorf("the same person %q: %v, want ErrSamePerson", by, err)
		}
	}
	if err := r.CheckApproval("乙"); err != nil {
		t.Errorf("another person: %v", err)
	}
	r.SESeal = []byte{1}
	if err := r.CheckApproval("乙"); !errors.Is(err, seal.ErrState) {
		t.Errorf("twice: %v, want ErrState", err)
	}
}

func TestOtherVersionsAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	der := w.make(t).DER
	// header: IA5String ES, INTEGER 4.
	i := bytes.Index(der, []byte{0x16, 2, 'E', 'S', 2, 1, 4})
	der = bytes.Clone(der)
	der[i+6] = 5
	if _, err := seal.Parse(der); !errors.Is(err, seal.ErrMalformed) || !strings.Contains(fmt.Sprint(err), "version 5") {
		t.Errorf("Parse of version 5 = %v, want ErrMalformed that names the version", err)
	}
}

func FuzzParseSignature(f *testing.F) {
	w := newWorkshop(f)
	der := w.sign(f, "document")
	f.Add(der)
	f.Add(der[:200])
	f.Add(w.make(f).DER)
	trust := w.trust
	f.Fuzz(func(t *testing.T, der []byte) {
		if s, err := seal.ParseSignature(der); err == nil {
			if f := failed(s.Verify(context.Background(), sm3.Sum([]byte("never signed")), trust, nil)); f == "" {
				t.Error("a document that was never signed verifies")
			}
		}
		if s, err := seal.Parse(der); err == nil && s.Maker == nil {
			t.Error("a seal without a maker is accepted")
		}
	})
}
