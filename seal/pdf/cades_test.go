package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/seen"
)

// cadesStamp is the stamp for a seal in CMS.
func (s *signers) cadesStamp(tb testing.TB, x float64) Stamp {
	tb.Helper()
	size, err := s.seal.CAdESSize([]*cert.Certificate{s.sealCert})
	if err != nil {
		tb.Fatal(err)
	}
	stamp := s.stamp(x)
	stamp.Filter, stamp.SubFilter, stamp.ContentsSize = FilterCAdES, SubFilterCAdES, size+seen.Size(16)
	return stamp
}

// cadesContents signs with the seal in CMS.
func (s *signers) cadesContents(tb testing.TB, p *Prepared) []byte {
	tb.Helper()
	stamp, err := p.SealStamp(signingTime)
	if err != nil {
		tb.Fatal(err)
	}
	contents, err := ses.SignCAdES(s.seal, stamp, []*cert.Certificate{s.sealCert}, s.sealKey)
	if err != nil {
		tb.Fatal(err)
	}
	return contents
}

// crafted signs as anybody can who has a key: CMS with attributes and what else is set.
func crafted(key *pki.Key, chain []*cert.Certificate, set func(*cms.Template)) func(testing.TB, *Prepared) []byte {
	return func(tb testing.TB, p *Prepared) []byte {
		tb.Helper()
		t := cms.Template{Chain: chain, Attributes: []cms.Attribute{{Type: oid.Seen, Values: [][]byte{statement(tb, p)}}}}
		set(&t)
		der, err := t.Sign(p.Digest(), key)
		if err != nil {
			tb.Fatal(err)
		}
		return der
	}
}

// withSeal adds seals to what is signed.
func withSeal(ders ...[]byte) func(*cms.Template) {
	return func(t *cms.Template) {
		t.Attributes = append(t.Attributes, cms.Attribute{Type: oid.Seal, Values: ders})
	}
}

// TestCAdESSeal: a seal in CMS is judged and shown as one of GB/T 38540, among others.
func TestCAdESSeal(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	own := bureau(t, "合肥市样例局")
	s.withPicture(t, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	first, second := s.cadesStamp(t, 120), s.stamp(60)
	first.Marks[0].Appearance, second.Marks[0].Appearance = vectors(own), vectors(own)
	file := put(t, put(t, put(t, victim.bytes(), first, s.cadesContents), second, s.sealContents), personStamp(), s.personContents)
	trust := s.trust
	trust.Pictures, trust.Seals.Known = likeness.NewMemory(), ses.NewMemory()
	for range 2 { // the second time from memory
		report, err := open(t, file).Verify(context.Background(), trust)
		if err != nil || !report.Valid() || len(report.Signatures) != 3 {
			t.Fatalf("%v, %+v", err, report.Err())
		}
		var profiles []ses.Profile
		for _, signed := range report.Signatures {
			profiles = append(profiles, signed.Profile)
		}
		if want := []ses.Profile{ses.ProfileCAdES, ses.ProfileSES, ""}; !slices.Equal(profiles, want) {
			t.Errorf("profiles %q, want %q", profiles, want)
		}
		sealed, other := report.Signatures[0], report.Signatures[1]
		if sealed.Kind != SignerSeal || !bytes.Equal(sealed.Seal.DER, s.seal.DER) || !bytes.Equal(sealed.Signer.DER, s.sealCert.DER) ||
			!sealed.SignedAt.Equal(signingTime) || sealed.Picture.State != PictureSame || len(sealed.Seen) != 1 {
			t.Errorf("read back %+v", sealed)
		}
		names := func(s Signed) (out []string) {
			for _, c := range s.Checks {
				if c.Name != "property" {
					out = append(out, c.Name)
				}
			}
			return out
		}
		if got, want := names(sealed), names(other); !slices.Equal(got, want) {
			t.Errorf("checks %q, of the other profile %q", got, want)
		}
	}
}

// TestCAdESSealAttacked: what is not a seal's own signature in the one form does not count,
// and the step that looks at it says so.
func TestCAdESSealAttacked(t *testing.T) {
	t.Parallel()
	s, strangers := newSigners(t), newSigners(t)
	own := bureau(t, "合肥市样例局")
	picture := ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42}
	s.withPicture(t, picture)
	original := s.seal
	// The same picture and certificate in another seal, as when one is made anew: as long, so that
	// it can be put in the other's place.
	swapped := original
	for len(swapped.DER) != len(original.DER) || bytes.Equal(swapped.DER, original.DER) {
		s.withPicture(t, picture)
		swapped = s.seal
	}
	s.seal = original
	otherKey := pkitest.NewKey(t)
	p := pkitest.New(t, signingTime.Add(-time.Hour))
	other := pkitest.Certify(t, p.CA, ca.ProfileOrganizationSeal, "34010000000002", otherKey)
	both := s.trust // and another organisation of good standing
	both.Seals.Path = pkitest.Verifier(t, p.CA)
	chain := []*cert.Certificate{s.sealCert}

	stamp := func(subFilter string, change func(*Stamp)) Stamp {
		stamp := s.cadesStamp(t, 120)
		stamp.SubFilter, stamp.ContentsSize, stamp.Marks[0].Appearance = subFilter, 2*stamp.ContentsSize, vectors(own)
		if change != nil {
			change(&stamp)
		}
		return stamp
	}
	as := func(subFilter string, sign func(testing.TB, *Prepared) []byte) []byte {
		return put(t, victim.bytes(), stamp(subFilter, nil), sign)
	}
	signedAt := func(at time.Time) []byte {
		return put(t, victim.bytes(), stamp(SubFilterCAdES, func(s *Stamp) { s.Time = at }), s.cadesContents)
	}
	good := as(SubFilterCAdES, s.cadesContents)
	later := oid.Of(1, 3, 6, 1, 4, 1, 32473, 1, 5) // becomes the seal's name
	for name, tt := range map[string]struct {
		file  []byte
		trust Trust
		kind  SignerKind
		check string // the first that is not passed
		is    error
		want  string
	}{
		"nobody trusts it": {good, strangers.trust, SignerSeal, "seal", ses.ErrMaker, ""},
		"somebody else's seal in one's own signature": {as(SubFilterCAdES, crafted(otherKey, []*cert.Certificate{other}, withSeal(s.seal.DER))), both,
			SignerSeal, "certificate list", ses.ErrNotListed, ""},
		"a seal in a person's signature": {as(SubFilterCAdES, crafted(s.personKey, s.chain, withSeal(s.seal.DER))), s.trust,
			SignerSeal, "certificate list", ses.ErrNotListed, ""},
		"a seal of another maker": {as(SubFilterCAdES, crafted(strangers.sealKey, []*cert.Certificate{strangers.sealCert}, withSeal(strangers.seal.DER))), s.trust,
			SignerSeal, "seal", ses.ErrMaker, ""},
		"the attribute left out": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(*cms.Template) {})), s.trust,
			SignerPerson, "certificate", path.ErrUntrusted, ""},
		"the attribute unsigned": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) {
			t.Unsigned = []cms.Attribute{{Type: oid.Seal, Values: [][]byte{s.seal.DER}}}
		})), s.trust, SignerPerson, "certificate", path.ErrUntrusted, ""},
		"the attribute renamed": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			return bytes.Replace(s.cadesContents(tb, p), []byte(oid.Seal), []byte(later), 1)
		}), s.trust, SignerPerson, "signature", cms.ErrWrongSignature, ""},
		"the seal swapped": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			return bytes.Replace(s.cadesContents(tb, p), original.DER, swapped.DER, 1)
		}), s.trust, SignerSeal, "signature", ses.ErrForged, ""},
		"two seals": {as(SubFilterCAdES, crafted(s.sealKey, chain, withSeal(original.DER, swapped.DER))), s.trust,
			SignerUnknown, "signature", ses.ErrMalformed, "2 seals in the attribute"},
		"the attribute twice": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			twice := crafted(s.sealKey, chain, func(t *cms.Template) {
				withSeal(original.DER)(t)
				t.Attributes = append(t.Attributes, cms.Attribute{Type: later, Values: [][]byte{swapped.DER}})
			})(tb, p)
			return bytes.Replace(twice, []byte(later), []byte(oid.Seal), 1)
		}), s.trust, SignerUnknown, "signature", cms.ErrMalformed, "1.3.6.1.4.1.32473.1.4 stands twice"},
		"no seal in it":   {as(SubFilterCAdES, crafted(s.sealKey, chain, withSeal([]byte{0x30, 0}))), s.trust, SignerUnknown, "signature", ses.ErrMalformed, "four members"},
		"a claim of time": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) { withSeal(original.DER)(t); t.SigningTime = signingTime })), s.trust, SignerUnknown, "signature", ses.ErrMalformed, "signing-time"},
		"nothing named as seen twice": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) {
			withSeal(original.DER)(t)
			t.Attributes[0].Values = append(t.Attributes[0].Values, []byte{0x30, 0})
		})), s.trust, SignerUnknown, "signature", ses.ErrMalformed, "2 statements"},
		"another document's": {as(SubFilterCAdES, func(tb testing.TB, _ *Prepared) []byte {
			_, p := unsigned(tb, sample{}.bytes(), stamp(SubFilterCAdES, nil))
			return s.cadesContents(tb, p)
		}), s.trust, SignerSeal, "document", ses.ErrChanged, ""},
		"before the seal was":   {signedAt(s.seal.ValidFrom.Add(-time.Minute)), s.trust, SignerSeal, "time", ses.ErrSealDates, ""},
		"when the seal expired": {signedAt(s.seal.ValidUntil.Add(time.Second)), s.trust, SignerSeal, "time", ses.ErrSealDates, ""},
		"the picture of another": {put(t, victim.bytes(), stamp(SubFilterCAdES, func(s *Stamp) {
			s.Marks[0].Appearance = vectors(bureau(t, "芜湖市样例局"))
		}), s.cadesContents), s.trust, SignerSeal, "picture", ErrPicture, ""},
		"moved afterwards": {updated(t, good, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "Rect", numbers([]float64{0, 0, 119, 119}))
		}), s.trust, SignerSeal, "seen", ErrSeen, ""},
		"text over it afterwards": {updated(t, good, func(a attacker) { a.putStream(ref{num: 3}, &dict{}, []byte(evil)) }), s.trust, SignerSeal, "changes", ErrModified, ""},
		"a byte flipped":          {swap(t, bytes.Clone(good), "contents of the page", "contents of the pagf"), s.trust, SignerSeal, "document", ses.ErrChanged, ""},
		"another time":            {swap(t, bytes.Clone(good), "(D:202611230930", "(D:202611230945"), s.trust, SignerSeal, "document", ses.ErrChanged, ""},
		"SES under its name":      {as(SubFilterCAdES, s.sealContents), s.trust, SignerUnknown, "signature", cms.ErrMalformed, ""},
		"under the name of SES":   {as(SubFilterSeal, s.cadesContents), s.trust, SignerUnknown, "signature", ses.ErrMalformed, ""},
		"under an older name":     {as(subFilterPKCS7, s.cadesContents), s.trust, SignerUnknown, "format", ErrUnknownFormat, "a seal in CMS under the name adbe.pkcs7.detached"},
		"under the name of GB/T 35275": {as(subFilterGM, s.cadesContents), s.trust, SignerUnknown, "format", ErrUnknownFormat,
			"a seal in CMS under the name GM.sm2cms.detached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, signed := verified(t, tt.file, tt.trust, "Seal1")
			if report.Valid() || signed.Err() == nil {
				t.Fatal("it is valid")
			}
			first := ""
			for _, c := range signed.Checks {
				if c.Err == nil {
					continue
				}
				// Outside of the seal's time its certificates are refused as well.
				if c.Name == tt.check || tt.check != "time" && first == "" {
					first = fmt.Sprint(c.Name, ": ", errors.Is(c.Err, tt.is), strings.Contains(c.Err.Error(), tt.want))
					break
				}
			}
			if first != tt.check+": true true" || signed.Kind != tt.kind {
				t.Errorf("a %s, %s; %v; want a %s and %s: %v", signed.Kind, first, signed.Err(), tt.kind, tt.check, tt.is)
			}
		})
	}

	// Beside a person's own signature an unsigned seal says nothing: it is the person's.
	file := as(SubFilterCAdES, crafted(s.personKey, s.chain, func(t *cms.Template) {
		t.Unsigned = []cms.Attribute{{Type: oid.Seal, Values: [][]byte{s.seal.DER}}}
	}))
	if report, signed := verified(t, file, s.trust, "Seal1"); !report.Valid() || signed.Kind != SignerPerson || signed.Seal != nil || signed.Profile != "" {
		t.Errorf("a person's signature with an unsigned seal: %v, %+v", report.Err(), signed)
	}
}
