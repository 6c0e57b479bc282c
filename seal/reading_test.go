package seal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/seal"
)

// vendor writes seals as other products do. It shares nothing with what writes ours.
type vendor struct {
	version     int
	utcTimes    bool // dates as UTCTime
	digests     bool // certListType 2
	digest      func([]byte) []byte
	raw         bool       // signatures as r ‖ s
	padded      bool       // integers with a byte too many
	explicit    bool       // critical FALSE written out
	tagged      bool       // extDatas of the seal under [0]
	strings     cbasn1.Tag // of identifiers
	octetDigest bool       // dataHash as OCTET STRING
	timeText    string     // timeInfo of version 1
	algorithm   oid.ID
	picture     seal.Picture
	change      func(toSign []byte) []byte // after signing
	headVersion int
}

func usual(version int) vendor {
	return vendor{
		version: version, headVersion: version, strings: cbasn1.IA5String, algorithm: oid.SM2WithSM3, timeText: now.Format("2006-01-02T15:04:05.000Z"),
		digest:  func(der []byte) []byte { d := sm3.Sum(der); return d[:] },
		picture: seal.Picture{Type: "ofd", Data: []byte("PK"), WidthMM: 40, HeightMM: 30},
	}
}

func built(tb testing.TB, f func(*cryptobyte.Builder)) []byte {
	tb.Helper()
	var b cryptobyte.Builder
	f(&b)
	out, err := b.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func sequence(tb testing.TB, parts ...[]byte) []byte {
	tb.Helper()
	return built(tb, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
	})
}

func tagged(tb testing.TB, tag cbasn1.Tag, content []byte) []byte {
	tb.Helper()
	return built(tb, func(b *cryptobyte.Builder) { b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(content) }) })
}

func integer(tb testing.TB, n int) []byte {
	tb.Helper()
	return built(tb, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(n)) })
}

func octets(tb testing.TB, content []byte) []byte { return tagged(tb, cbasn1.OCTET_STRING, content) }

func bits(tb testing.TB, content []byte) []byte {
	return tagged(tb, cbasn1.BIT_STRING, append([]byte{0}, content...))
}

func (v vendor) oid(tb testing.TB) []byte {
	return built(tb, func(b *cryptobyte.Builder) { oid.Add(b, v.algorithm) })
}

func (v vendor) text(tb testing.TB, s string) []byte { return tagged(tb, v.strings, []byte(s)) }

func (v vendor) date(tb testing.TB, t time.Time) []byte {
	if v.utcTimes {
		return tagged(tb, cbasn1.UTCTime, []byte(t.UTC().Format("060102150405Z")))
	}
	return tagged(tb, cbasn1.GeneralizedTime, []byte(t.UTC().Format("20060102150405Z")))
}

// signature writes a signature's bytes.
func (v vendor) signature(tb testing.TB, sig pki.Signature) []byte {
	tb.Helper()
	if v.raw {
		return sig[:]
	}
	if v.padded {
		return sequence(tb, tagged(tb, cbasn1.INTEGER, append([]byte{0, 0}, sig[:32]...)), tagged(tb, cbasn1.INTEGER, append([]byte{0}, sig[32:]...)))
	}
	return sig.DER()
}

func (v vendor) sign(tb testing.TB, key *pki.Key, message []byte) []byte {
	tb.Helper()
	sig, err := key.Sign(message)
	if err != nil {
		tb.Fatal(err)
	}
	return bits(tb, v.signature(tb, sig))
}

func (v vendor) extensions(tb testing.TB) []byte {
	critical := []byte{}
	if v.explicit {
		critical = tagged(tb, cbasn1.BOOLEAN, []byte{0})
	}
	id := built(tb, func(b *cryptobyte.Builder) { oid.Add(b, oid.Of(1, 2, 156, 10197, 6, 7, 2, 2, 1)) })
	return sequence(tb, sequence(tb, id, critical, octets(tb, []byte("2.1"))), sequence(tb, id, tagged(tb, cbasn1.BOOLEAN, []byte{0xff}), octets(tb, nil)))
}

func (v vendor) seal(tb testing.TB, w *workshop) []byte {
	tb.Helper()
	list := sequence(tb, octets(tb, w.signer.DER))
	kind := integer(tb, 1)
	if v.digests {
		list, kind = sequence(tb, sequence(tb, tagged(tb, cbasn1.PrintableString, []byte("SM3")), octets(tb, v.digest(w.signer.DER)))), integer(tb, 2)
	}
	if v.version == 1 {
		kind = nil
	}
	extensions := v.extensions(tb)
	if v.tagged {
		extensions = tagged(tb, cbasn1.Tag(0).Constructed().ContextSpecific(), extensions)
	}
	info := sequence(tb,
		sequence(tb, v.text(tb, "ES"), integer(tb, v.headVersion), v.text(tb, "GOMAIN")),
		v.text(tb, "es_0123"),
		sequence(tb, integer(tb, 6), tagged(tb, cbasn1.UTF8String, []byte("不动产登记专用章")), kind, list,
			v.date(tb, now.Add(-time.Hour)), v.date(tb, now.Add(-time.Hour)), v.date(tb, now.AddDate(1, 0, 0))),
		sequence(tb, v.text(tb, v.picture.Type), octets(tb, v.picture.Data), integer(tb, v.picture.WidthMM), integer(tb, v.picture.HeightMM)),
		extensions)
	if v.version == 1 {
		signed := sequence(tb, info, octets(tb, w.maker.DER), v.oid(tb))
		return sequence(tb, info, sequence(tb, octets(tb, w.maker.DER), v.oid(tb), v.sign(tb, w.makerKey, signed)))
	}
	var stamp []byte
	if v.version == 5 {
		stamp = tagged(tb, cbasn1.Tag(0).Constructed().ContextSpecific(), bits(tb, []byte("any")))
	}
	return sequence(tb, info, octets(tb, w.maker.DER), v.oid(tb), v.sign(tb, w.makerKey, info), stamp)
}

func (v vendor) seals(tb testing.TB, w *workshop, document string) []byte {
	tb.Helper()
	digest := sm3.Sum([]byte(document))
	hash := bits(tb, digest[:])
	if v.octetDigest {
		hash = octets(tb, digest[:])
	}
	property := v.text(tb, "/Doc_0/Signs/Sign_0/Signature.xml")
	if v.version == 1 {
		toSign := sequence(tb, integer(tb, v.headVersion), v.seal(tb, w), bits(tb, []byte(v.timeText)), hash, property, octets(tb, w.signer.DER), v.oid(tb))
		return sequence(tb, v.changed(toSign), v.sign(tb, w.signerKey, toSign))
	}
	extensions := tagged(tb, cbasn1.Tag(0).Constructed().ContextSpecific(), v.extensions(tb))
	toSign := sequence(tb, integer(tb, v.headVersion), v.seal(tb, w), v.date(tb, now), hash, property, extensions)
	return sequence(tb, v.changed(toSign), octets(tb, w.signer.DER), v.oid(tb), v.sign(tb, w.signerKey, toSign))
}

func (v vendor) changed(toSign []byte) []byte {
	if v.change == nil {
		return toSign
	}
	return v.change(bytes.Clone(toSign))
}

// TestTolerantReading: seals of every version and with the habits of real products are
// read, and verify over the bytes received.
func TestTolerantReading(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	with := func(version int, change func(*vendor)) vendor {
		v := usual(version)
		change(&v)
		return v
	}
	keep := func(*vendor) {}
	for name, v := range map[string]vendor{
		"version 1":               with(1, keep),
		"version 1 that says 11":  with(1, func(v *vendor) { v.headVersion = 11 }),
		"version 1, UTCTime":      with(1, func(v *vendor) { v.utcTimes = true }),
		"version 1, Chinese time": with(1, func(v *vendor) { v.timeText = now.Add(8 * time.Hour).Format("2006-01-02 15:04:05") }),
		"version 4":               with(4, keep),
		"version 5":               with(5, keep),
		"raw signatures":          with(4, func(v *vendor) { v.raw = true }),
		"padded integers":         with(4, func(v *vendor) { v.padded = true }),
		"FALSE written out":       with(4, func(v *vendor) { v.explicit = true }),
		"extensions with a tag":   with(4, func(v *vendor) { v.tagged = true }),
		"digests of certificates": with(4, func(v *vendor) { v.digests = true }),
		"SHA-256 of certificates": with(4, func(v *vendor) {
			v.digests = true
			v.digest = func(b []byte) []byte { d := sha256.Sum256(b); return d[:] }
		}),
		"UTF8String for identifiers": with(4, func(v *vendor) { v.strings = cbasn1.UTF8String }),
		"OCTET STRING for a digest":  with(4, func(v *vendor) { v.octetDigest = true }),
		"the other algorithm name":   with(4, func(v *vendor) { v.algorithm = oid.SM2Sign }),
		"an SVG": with(5, func(v *vendor) {
			v.picture = seal.Picture{Type: "SVG", Data: []byte("<svg/>"), WidthMM: 42, HeightMM: 42}
		}),
	} {
		der := v.seals(t, w, "document")
		s, err := seal.ParseSignatureTolerant(der)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := failed(s.Verify(context.Background(), sm3.Sum([]byte("document")), w.trust, nil)); got != "" {
			t.Errorf("%s: %s failed", name, got)
		}
		if s.Seal.Version != v.version || s.Seal.Name != "不动产登记专用章" || s.Seal.ID != "es_0123" || s.Seal.Vendor != "GOMAIN" || !s.Stamp.Time.Equal(now) ||
			len(s.Seal.Extensions) != 2 || !s.Seal.Extensions[1].Critical || s.Seal.Picture.Type != v.picture.Type {
			t.Errorf("%s: read as %+v at %v", name, s.Seal, s.Stamp.Time)
		}
		if got := failed(s.Verify(context.Background(), sm3.Sum([]byte("other")), w.trust, nil)); got != "document" {
			t.Errorf("%s, of another document: %q failed", name, got)
		}
		if _, err := seal.ParseSignature(der); err == nil && v.version != 4 {
			t.Errorf("%s: the strict reader takes it", name)
		}
		// Every bit counts: with one flipped it is not read, or a step fails. What is
		// in nobody's digest is the time stamp of version 5, which here is none.
		for i := 0; i < len(der); i += 7 {
			broken := bytes.Clone(der)
			broken[i] ^= 0x04
			s, err := seal.ParseSignatureTolerant(broken)
			if err != nil {
				continue
			}
			if failed(s.Verify(context.Background(), sm3.Sum([]byte("document")), w.trust, nil)) == "" {
				t.Errorf("%s: byte %d may be changed", name, i)
			}
		}
	}
}

// TestTolerantReadingRefuses: tolerance is of forms, not of proofs.
func TestTolerantReadingRefuses(t *testing.T) {
	t.Parallel()
	w, stranger := newWorkshop(t), newWorkshop(t)
	good := usual(4).seals(t, w, "document")
	digest := sm3.Sum([]byte("document"))
	for name, tt := range map[string]struct {
		der  []byte
		want string // the steps that fail; "": not read
	}{
		"another signer":          {bytes.Replace(good, w.signer.DER, stranger.signer.DER, 2), ""},
		"a name changed":          {bytes.Replace(good, []byte("不动产登记专用章"), []byte("不动产登记专用张"), 1), "signature,seal"},
		"a digest of another":     {withDigest(t, w, stranger), "certificate list"},
		"version 2":               {func() []byte { v := usual(4); v.headVersion = 2; return v.seals(t, w, "document") }(), ""},
		"version 4 as 1":          {func() []byte { v := usual(1); v.headVersion = 4; return v.seals(t, w, "document") }(), ""},
		"version 1 as 4":          {func() []byte { v := usual(4); v.headVersion = 1; return v.seals(t, w, "document") }(), ""},
		"RSA":                     {func() []byte { v := usual(4); v.algorithm = oid.SM3; return v.seals(t, w, "document") }(), ""},
		"something behind":        {append(bytes.Clone(good), 0), ""},
		"cut off":                 {good[:len(good)-1], ""},
		"nothing":                 {nil, ""},
		"a time that is none":     {func() []byte { v := usual(1); v.timeText = "tomorrow"; return v.seals(t, w, "document") }(), "seal,certificate,time"},
		"changed after it":        {func() []byte { v := usual(4); v.change = flipLast; return v.seals(t, w, "document") }(), "signature"},
		"version 1 changed after": {func() []byte { v := usual(1); v.change = flipProperty; return v.seals(t, w, "document") }(), "signature"},
	} {
		s, err := seal.ParseSignatureTolerant(tt.der)
		if err != nil {
			if tt.want != "" || !errors.Is(err, seal.ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := failed(s.Verify(context.Background(), digest, w.trust, nil)); got != tt.want && !(tt.want == "" && got != "") {
			t.Errorf("%s: %q failed, want %q", name, got, tt.want)
		}
	}
}

func flipLast(b []byte) []byte { b[len(b)-3] ^= 1; return b }

func flipProperty(b []byte) []byte { return bytes.Replace(b, []byte("/Doc_0"), []byte("/Doc_1"), 1) }

func withDigest(tb testing.TB, w, stranger *workshop) []byte {
	tb.Helper()
	v := usual(4)
	v.digests = true
	v.digest = func([]byte) []byte { d := sm3.Sum(stranger.signer.DER); return d[:] }
	return v.seals(tb, w, "document")
}

// TestForeignCertificate: a certificate that is not read here shows, and leads nowhere.
func TestForeignCertificate(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	good := usual(4).seals(t, w, "document")
	// An unknown critical extension, say: here a name that is not UTF-8 any more.
	odd := bytes.Replace(w.signer.DER, []byte(w.signer.Subject.CommonName), append([]byte{0xff}, w.signer.Subject.CommonName[1:]...), 1)
	s, err := seal.ParseSignatureTolerant(bytes.ReplaceAll(good, w.signer.DER, odd))
	if err != nil {
		t.Fatal(err)
	}
	if s.Signer != nil || s.Foreign == nil || s.Foreign.Refused == nil {
		t.Fatalf("read as %+v", s.Signer)
	}
	checks := s.Verify(context.Background(), sm3.Sum([]byte("document")), w.trust, nil)
	for _, c := range checks {
		if c.Name == "certificate" && (!errors.Is(c.Err, path.ErrUntrusted) || !strings.Contains(c.Err.Error(), "not one that is read")) {
			t.Errorf("%v", c.Err)
		}
	}
	if failed(checks) == "" {
		t.Error("a certificate that nobody can read is good")
	}
}

// FuzzTolerant: nothing panics, and what the strict reader takes the tolerant one reads
// alike.
func FuzzTolerant(f *testing.F) {
	w := newWorkshop(f)
	f.Add(w.sign(f, "document"))
	for _, version := range []int{1, 4, 5} {
		f.Add(usual(version).seals(f, w, "document"))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		tolerant, err := seal.ParseSignatureTolerant(der)
		if err != nil && !errors.Is(err, seal.ErrMalformed) {
			t.Fatal(err)
		}
		if err == nil {
			tolerant.Verify(context.Background(), sm3.Sum(nil), w.trust, nil)
		}
		strict, strictErr := seal.ParseSignature(der)
		if strictErr != nil {
			return
		}
		if err != nil {
			t.Fatalf("only the strict reader takes it: %v", err)
		}
		if strict.Seal.ID != tolerant.Seal.ID || strict.Seal.Name != tolerant.Seal.Name || !strict.Stamp.Time.Equal(tolerant.Stamp.Time) || !bytes.Equal(strict.Value(), tolerant.Value()) {
			t.Fatal("the two readers disagree")
		}
	})
}
