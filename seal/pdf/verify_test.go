package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// signers are an organisation with its seal and a person, and the trust in both.
type signers struct {
	profile   ses.Profile // in which the seal signs; empty: SES
	seal      *ses.Seal
	sealKey   *pki.Key
	fastKey   *pki.Key // the same, as keys sign that sign much
	sealCert  *cert.Certificate
	maker     *cert.Certificate
	makerKey  *pki.Key
	personKey *pki.Key
	chain     []*cert.Certificate // the person's
	root      *cert.Certificate
	sealsCA   *cert.Certificate
	trust     Trust
}

func newSigners(tb testing.TB) *signers {
	tb.Helper()
	p := pkitest.New(tb, signingTime.Add(-time.Hour))
	persons := p.Authority(tb, "自然人")
	s := &signers{personKey: pkitest.NewKey(tb), root: p.Root.Certificate(), sealsCA: p.CA.Certificate()}
	s.sealKey, s.fastKey = pkitest.NewKeyTwice(tb)
	s.sealCert = pkitest.Certify(tb, p.CA, ca.ProfileOrganizationSeal, "34010000000001", s.sealKey)
	s.chain = []*cert.Certificate{pkitest.Certify(tb, persons, ca.ProfilePerson, "张样例", s.personKey), persons.Certificate()}
	s.makerKey = pkitest.NewKey(tb)
	s.maker = pkitest.Certify(tb, p.CA, ca.ProfileSealMaker, "印章制作系统", s.makerKey)
	made, err := ses.Make(ses.Particulars{
		ID: "34010000000001", Name: "合肥市样例局", Kind: 1, Certificate: s.sealCert,
		Created: signingTime.Add(-30 * time.Minute), ValidFrom: signingTime.Add(-30 * time.Minute), ValidUntil: signingTime.AddDate(0, 11, 0),
		Picture: ses.Picture{Type: "SVG", Data: []byte("<svg/>"), WidthMM: 42, HeightMM: 42},
	}, s.maker, s.makerKey, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	if s.seal, err = ses.Parse(made); err != nil {
		tb.Fatal(err)
	}
	s.trust = Trust{
		Seals:   ses.Trust{Path: pkitest.Verifier(tb, p.CA), Makers: []pki.Point{s.makerKey.Public().Point()}},
		Persons: pkitest.Verifier(tb, persons), Second: second.Opinion{},
	}
	return s
}

// eachProfile runs a test with a seal that signs in each of the profiles.
func eachProfile(t *testing.T, test func(*testing.T, *signers)) {
	t.Parallel()
	for _, p := range ses.Profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			test(t, newSigners(t).in(p))
		})
	}
}

// stamp is at(1, x, 200, 42) with room for a real signature.
func (s *signers) stamp(x float64) Stamp {
	stamp := at(1, x, 200, 42)
	stamp.ContentsSize = s.seal.SignatureSize(s.sealCert)
	if s.profile == ses.ProfileCAdES {
		stamp.Filter, stamp.SubFilter = FilterCAdES, SubFilterCAdES
		stamp.ContentsSize += 1024 // TestCAdES says how much it is
	}
	return stamp
}

// sealContents signs with the seal.
func (s *signers) sealContents(tb testing.TB, p *Prepared) []byte {
	tb.Helper()
	stamp, err := p.SealStamp(signingTime)
	if err != nil {
		tb.Fatal(err)
	}
	return s.sign(tb, stamp)
}

// sign signs with the seal in its profile.
func (s *signers) sign(tb testing.TB, stamp ses.Stamp) []byte {
	tb.Helper()
	var contents []byte
	var err error
	if s.profile == ses.ProfileCAdES {
		contents, err = ses.SignCAdES(s.seal, stamp, []*cert.Certificate{s.sealCert}, s.sealKey)
	} else {
		contents, err = ses.Sign(s.seal, stamp, s.sealCert, s.sealKey)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return contents
}

// statement is what a prepared stamp shows.
func statement(tb testing.TB, p *Prepared) []byte {
	tb.Helper()
	der, err := p.Seen()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// sealNaming signs with the seal and a statement of what is seen, nil for none.
func (s *signers) sealNaming(tb testing.TB, p *Prepared, statement []byte) []byte {
	tb.Helper()
	stamp := ses.Stamp{Time: signingTime, Document: p.Digest(), Property: Property(p.ByteRange())}
	if statement != nil {
		stamp.Extensions = []ses.Extension{{ID: oid.Seen, Value: statement}}
	}
	return s.sign(tb, stamp)
}

// personContents signs as the person.
func (s *signers) personContents(tb testing.TB, p *Prepared) []byte {
	tb.Helper()
	attributes, err := p.Message(s.chain[0])
	if err != nil {
		tb.Fatal(err)
	}
	signature, err := s.personKey.Sign(attributes)
	if err != nil {
		tb.Fatal(err)
	}
	contents, err := cms.Assemble(attributes, signature, s.chain)
	if err != nil {
		tb.Fatal(err)
	}
	return contents
}

// put stamps a file with what sign makes of the prepared stamp.
func put(tb testing.TB, file []byte, stamp Stamp, sign func(testing.TB, *Prepared) []byte) []byte {
	tb.Helper()
	p, err := open(tb, file).Prepare(stamp)
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.Complete(sign(tb, p)); err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := p.WriteTo(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// personStamp is where and how the person signs.
func personStamp() Stamp {
	stamp := at(1, 60, 100, 30)
	stamp.Filter, stamp.SubFilter, stamp.ContentsSize = FilterPerson, SubFilterPerson, 4096
	return stamp
}

// TestVerify: two seals and a person's signature count, and whatever is wrong is
// found by the step that looks at it, with the name of the signature it breaks.
func TestVerify(t *testing.T) {
	t.Parallel()
	s, strangers := newSigners(t), newSigners(t)
	sealed := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	whole := put(t, put(t, sealed, s.stamp(60), s.sealContents), personStamp(), s.personContents)
	report, err := open(t, whole).Verify(context.Background(), s.trust)
	if err != nil || !report.Valid() || len(report.Signatures) != 3 {
		t.Fatalf("the good file: %v, %+v", err, report)
	}
	if first, last := report.Signatures[0], report.Signatures[2]; first.Kind != SignerSeal || first.Seal.Name != "合肥市样例局" ||
		!first.SignedAt.Equal(signingTime) || last.Kind != SignerPerson || last.Signer.Subject.CommonName != "张样例" {
		t.Errorf("read back %+v and %+v", first, last)
	}

	// What is remembered of good files makes no other one good.
	pictures, known, keys := likeness.NewMemory(), ses.NewMemory(), fixedkey.NewKeys(4, nil)
	remembering := func(t Trust) Trust {
		t.Pictures, t.Seals.Known, t.Seals.Judge = pictures, known, keys.Judge
		return t
	}
	for range 40 { // the key earns its tables
		if report, err := open(t, whole).Verify(context.Background(), remembering(s.trust)); err != nil || !report.Valid() {
			t.Fatalf("the good file once more: %v, %v", err, report.Err())
		}
	}

	onlySeals, onlyPersons := s.trust, s.trust
	onlySeals.Persons = strangers.trust.Persons
	onlyPersons.Seals = strangers.trust.Seals
	unknown := s.stamp(120)
	unknown.SubFilter = "adbe.x509.rsa_sha1"
	sealAsPerson := personStamp()
	sealAsPerson.SubFilter, sealAsPerson.ContentsSize = SubFilterPerson, s.stamp(0).ContentsSize
	for _, tc := range []struct {
		name  string
		file  []byte
		trust Trust
		want  string // in the error
		is    error
	}{
		{"strangers trust nobody here", whole, strangers.trust, "signature Seal1: seal: maker of seal", nil},
		{"persons of another authority", whole, onlySeals, "signature Seal3: certificate: ", path.ErrUntrusted},
		{"seals of another authority", whole, onlyPersons, "signature Seal1: ", nil},
		{"no signature in it", put(t, victim.bytes(), s.stamp(120), func(testing.TB, *Prepared) []byte { return der(500) }), s.trust, "signature Seal1: signature: ", nil},
		{"another document's signature", put(t, victim.bytes(), s.stamp(120), func(tb testing.TB, p *Prepared) []byte {
			return s.transplanted(tb, Property(p.ByteRange()))
		}), s.trust, "signature Seal1: document: ", nil},
		{"another byte range named", put(t, victim.bytes(), s.stamp(120), func(tb testing.TB, p *Prepared) []byte {
			r := p.ByteRange()
			r[3]--
			contents, err := ses.Sign(s.seal, ses.Stamp{Time: signingTime, Document: p.Digest(), Property: Property(r)}, s.sealCert, s.sealKey)
			if err != nil {
				tb.Fatal(err)
			}
			return contents
		}), s.trust, "signature Seal1: property: ", ErrProperty},
		{"an unknown format", put(t, victim.bytes(), unknown, s.sealContents), s.trust, "signature Seal1: format: adbe.x509.rsa_sha1: ", ErrUnknownFormat},
		{"a seal that says it is CMS", put(t, victim.bytes(), sealAsPerson, s.sealContents), s.trust, "signature Seal1: signature: ", cms.ErrMalformed},
		{"signed by nobody's key", put(t, victim.bytes(), personStamp(), strangers.personContents), s.trust, "signature Seal1: certificate: ", path.ErrUntrusted},
		{"text over it afterwards", updated(t, sealed, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) }), s.trust, "signature Seal1: changes: ", ErrModified},
		{"an empty line behind the end", append(bytes.Clone(whole), '\n'), s.trust, "the file goes on behind its last signature", ErrModified},
		{"something behind the end", append(bytes.Clone(whole), "% more"...), s.trust, "", ErrModified},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			afresh, err := open(t, tc.file).Verify(context.Background(), tc.trust)
			if err != nil {
				t.Fatal(err)
			}
			report, err := open(t, tc.file).Verify(context.Background(), remembering(tc.trust))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(report.Err()), fmt.Sprint(afresh.Err()); got != want {
				t.Errorf("with what is remembered: %s; without: %s", got, want)
			}
			err = report.Err()
			if err == nil || report.Valid() {
				t.Fatal("the file is valid")
			}
			if !strings.HasPrefix(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%v, want %q and %v", err, tc.want, tc.is)
			}
		})
	}
}

// transplanted is a good seal signature of some other document.
func (s *signers) transplanted(tb testing.TB, property string) []byte {
	tb.Helper()
	contents, err := ses.Sign(s.seal, ses.Stamp{Time: signingTime, Document: sm3.Sum([]byte("other")), Property: property}, s.sealCert, s.sealKey)
	if err != nil {
		tb.Fatal(err)
	}
	return contents
}

// TestUnsignedIsNotValid: a file without signatures has nothing wrong, and is not
// valid.
func TestUnsignedIsNotValid(t *testing.T) {
	t.Parallel()
	report, err := open(t, victim.bytes()).Verify(context.Background(), newSigners(t).trust)
	if err != nil || report.Err() != nil || report.Valid() || len(report.Signatures) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
