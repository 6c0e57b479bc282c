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

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// in is the same organisation whose seal signs in a profile.
func (s *signers) in(p ses.Profile) *signers {
	other := *s
	other.profile = p
	return &other
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

// countersignature is the attribute of RFC 5652, 11.4.
var countersignature = oid.Of(1, 2, 840, 113549, 1, 9, 6)

// explicit is the tag [0] of CMS.
var explicit = cbasn1.Tag(0).Constructed().ContextSpecific()

// opened are the parts of a CMS signature that others can be put into: all before the
// certificates, the certificates, and the signers.
func opened(tb testing.TB, der []byte) ([]byte, []byte, []byte) {
	tb.Helper()
	input := cryptobyte.String(der)
	var info, id, content, data, certificates, signers cryptobyte.String
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1Element(&id, cbasn1.OBJECT_IDENTIFIER) || !info.ReadASN1(&content, explicit) ||
		!content.ReadASN1(&data, cbasn1.SEQUENCE) {
		tb.Fatal("not CMS")
	}
	whole := data
	if !data.SkipASN1(cbasn1.INTEGER) || !data.SkipASN1(cbasn1.SET) || !data.SkipASN1(cbasn1.SEQUENCE) {
		tb.Fatal("not SignedData")
	}
	head := whole[:len(whole)-len(data)]
	if !data.ReadASN1(&certificates, explicit) || !data.ReadASN1(&signers, cbasn1.SET) {
		tb.Fatal("no certificates, or no signers")
	}
	return head, certificates, signers
}

// twoSigners is a CMS signature with the certificates and the signer of another one beside
// its own.
func twoSigners(tb testing.TB, one, other []byte) []byte {
	tb.Helper()
	head, certificates, signers := opened(tb, one)
	_, otherCertificates, otherSigners := opened(tb, other)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, oid.SignedData)
		b.AddASN1(explicit, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(head)
				b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(certificates, otherCertificates)) })
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(signers, otherSigners)) })
			})
		})
	})
	return b.BytesOrPanic()
}

// TestCAdESSeal: a seal in CMS is judged and shown as one of GB/T 38540, among others.
func TestCAdESSeal(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	own := bureau(t, "合肥市样例局")
	s.withPicture(t, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	first, second := s.in(ses.ProfileCAdES).stamp(120), s.stamp(60)
	first.Marks[0].Appearance, second.Marks[0].Appearance = vectors(own), vectors(own)
	file := put(t, put(t, put(t, victim.bytes(), first, s.in(ses.ProfileCAdES).sealContents), second, s.sealContents), personStamp(), s.personContents)
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
	s, strangers := newSigners(t).in(ses.ProfileCAdES), newSigners(t).in(ses.ProfileCAdES)
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
	importing := func(makers ...*cert.Certificate) Trust { // the strangers, beside ours
		trust := s.trust
		trust.Seals.Imported = strangers.imported(t, makers...)
		return trust
	}

	stamp := func(subFilter string, change func(*Stamp)) Stamp {
		stamp := s.stamp(120)
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
		return put(t, victim.bytes(), stamp(SubFilterCAdES, func(s *Stamp) { s.Time = at }), s.sealContents)
	}
	good := as(SubFilterCAdES, s.sealContents)
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
		"a maker under an imported root that is not imported": {as(SubFilterCAdES, crafted(strangers.sealKey, []*cert.Certificate{strangers.sealCert}, withSeal(strangers.seal.DER))),
			importing(), SignerSeal, "seal", ses.ErrMaker, ""},
		"our seal in the signature of an imported one": {as(SubFilterCAdES, crafted(strangers.sealKey, []*cert.Certificate{strangers.sealCert}, withSeal(s.seal.DER))),
			importing(strangers.maker), SignerSeal, "certificate list", ses.ErrNotListed, ""},
		"an imported seal in our signature": {as(SubFilterCAdES, crafted(s.sealKey, chain, withSeal(strangers.seal.DER))),
			importing(strangers.maker), SignerSeal, "certificate list", ses.ErrNotListed, ""},
		"an imported seal in the signature of a person beside it": {as(SubFilterCAdES, crafted(strangers.personKey, strangers.chain, withSeal(strangers.seal.DER))),
			importing(strangers.maker), SignerSeal, "certificate list", ses.ErrNotListed, ""},
		"the attribute left out": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(*cms.Template) {})), s.trust,
			SignerPerson, "certificate", path.ErrUntrusted, ""},
		"the attribute unsigned": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) {
			t.Unsigned = []cms.Attribute{{Type: oid.Seal, Values: [][]byte{s.seal.DER}}}
		})), s.trust, SignerPerson, "certificate", path.ErrUntrusted, ""},
		"the attribute renamed": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			return bytes.Replace(s.sealContents(tb, p), []byte(oid.Seal), []byte(later), 1)
		}), s.trust, SignerPerson, "signature", cms.ErrWrongSignature, ""},
		"the seal swapped": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			return bytes.Replace(s.sealContents(tb, p), original.DER, swapped.DER, 1)
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
		"two signers": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			return twoSigners(tb, s.sealContents(tb, p), s.personContents(tb, p))
		}), s.trust, SignerUnknown, "signature", cms.ErrMalformed, "not exactly one signer"},
		"in BER": {as(SubFilterCAdES, func(tb testing.TB, p *Prepared) []byte {
			der := s.sealContents(tb, p)
			return append(append([]byte{0x30, 0x80}, der[4:]...), 0, 0)
		}), s.trust, SignerUnknown, "signature", ses.ErrMalformed, ""},
		"no seal in it":   {as(SubFilterCAdES, crafted(s.sealKey, chain, withSeal([]byte{0x30, 0}))), s.trust, SignerUnknown, "signature", ses.ErrMalformed, "four members"},
		"a claim of time": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) { withSeal(original.DER)(t); t.SigningTime = signingTime })), s.trust, SignerUnknown, "signature", ses.ErrMalformed, "signing-time"},
		"nothing named as seen twice": {as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) {
			withSeal(original.DER)(t)
			t.Attributes[0].Values = append(t.Attributes[0].Values, []byte{0x30, 0})
		})), s.trust, SignerUnknown, "signature", ses.ErrMalformed, "2 statements"},
		"another document's": {as(SubFilterCAdES, func(tb testing.TB, _ *Prepared) []byte {
			_, p := unsigned(tb, sample{}.bytes(), stamp(SubFilterCAdES, nil))
			return s.sealContents(tb, p)
		}), s.trust, SignerSeal, "document", ses.ErrChanged, ""},
		"before the seal was":   {signedAt(s.seal.ValidFrom.Add(-time.Minute)), s.trust, SignerSeal, "time", ses.ErrSealDates, ""},
		"when the seal expired": {signedAt(s.seal.ValidUntil.Add(time.Second)), s.trust, SignerSeal, "time", ses.ErrSealDates, ""},
		"the picture of another": {put(t, victim.bytes(), stamp(SubFilterCAdES, func(s *Stamp) {
			s.Marks[0].Appearance = vectors(bureau(t, "芜湖市样例局"))
		}), s.sealContents), s.trust, SignerSeal, "picture", ErrPicture, ""},
		"moved afterwards": {updated(t, good, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "Rect", numbers([]float64{0, 0, 119, 119}))
		}), s.trust, SignerSeal, "seen", ErrSeen, ""},
		"text over it afterwards": {updated(t, good, func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) }), s.trust, SignerSeal, "changes", ErrModified, ""},
		"a byte flipped":          {swap(t, bytes.Clone(good), "contents of the page", "contents of the pagf"), s.trust, SignerSeal, "document", ses.ErrChanged, ""},
		"another time":            {swap(t, bytes.Clone(good), "(D:202611230930", "(D:202611230945"), s.trust, SignerSeal, "document", ses.ErrChanged, ""},
		"SES under its name":      {as(SubFilterCAdES, s.in(ses.ProfileSES).sealContents), s.trust, SignerUnknown, "signature", cms.ErrMalformed, ""},
		"under the name of SES":   {as(SubFilterSeal, s.sealContents), s.trust, SignerUnknown, "signature", ses.ErrMalformed, ""},
		"under an older name":     {as(subFilterPKCS7, s.sealContents), s.trust, SignerUnknown, "format", ErrUnknownFormat, "a seal in CMS under the name adbe.pkcs7.detached"},
		"under the name of GB/T 35275": {as(subFilterGM, s.sealContents), s.trust, SignerUnknown, "format", ErrUnknownFormat,
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

	// What nobody signed says nothing, whatever it is: the seal that is signed counts.
	noted := as(SubFilterCAdES, crafted(s.sealKey, chain, func(t *cms.Template) {
		withSeal(original.DER)(t)
		t.Unsigned = []cms.Attribute{{Type: oid.Seal, Values: [][]byte{swapped.DER}}, {Type: countersignature, Values: [][]byte{{0x30, 0}}}}
	}))
	if report, signed := verified(t, noted, s.trust, "Seal1"); !report.Valid() || signed.Kind != SignerSeal || !bytes.Equal(signed.Seal.DER, original.DER) {
		t.Errorf("a seal with another one unsigned: %v, %+v", report.Err(), signed)
	}

	// Beside a person's own signature an unsigned seal says nothing: it is the person's.
	file := as(SubFilterCAdES, crafted(s.personKey, s.chain, func(t *cms.Template) {
		t.Unsigned = []cms.Attribute{{Type: oid.Seal, Values: [][]byte{s.seal.DER}}}
	}))
	if report, signed := verified(t, file, s.trust, "Seal1"); !report.Valid() || signed.Kind != SignerPerson || signed.Seal != nil || signed.Profile != "" {
		t.Errorf("a person's signature with an unsigned seal: %v, %+v", report.Err(), signed)
	}
}

// TestCAdESTimeChanged: when it was sealed is said by the file alone, and is what was signed:
// a later revision does not change it, be the time in the signature dictionary or, as a
// stranger may have it, in an object of its own.
func TestCAdESTimeChanged(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	later := syntax.String("D:20261124000000+08'00'")
	elsewhere := victim
	elsewhere.objects = append(slices.Clone(victim.objects), "(D:20261123093000+08'00')")
	file := updatedUnsigned(t, elsewhere.bytes(), func(a attacker) {
		v := a.made(fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M 9 0 R/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
			SubFilterCAdES, strings.Repeat("00", tokenRoom)))
		w := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal1)/F 132/Rect[0 0 0 0]/P 10 0 R/V %d 0 R>>", v.Num))
		a.add(7, "Fields", w)
		a.add(10, "Annots", w)
	})
	file = filled(t, file, func(digest [32]byte) []byte { return s.sign(t, ses.Stamp{Document: digest}) })
	for _, tt := range []attacked{
		{"in the dictionary", put(t, victim.bytes(), s.stamp(120), s.sealContents), func(a attacker) { a.set(uint32(a.sig.Object), "M", later) }, "signature Seal1: "},
		{"in an object of its own", file, func(a attacker) { a.Put(syntax.Ref{Num: 9}, later) }, "signature Seal1: changes: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, s, tt)
		})
	}
}
