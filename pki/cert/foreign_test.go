package cert_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// strange writes a certificate of whatever is given. Everything has a sound default.
type strange struct {
	serial     []byte // content of the INTEGER
	parameters []byte // of the signature algorithm
	email      []byte // content of an IA5String
	org        []byte // content under orgTag
	orgTag     cbasn1.Tag
	dates      []byte // two times
	altName    []byte // value of the extension
	spki       []byte
	behind     []byte // behind the signature
}

func builder(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func (s strange) der(tb testing.TB, key *pki.Key) []byte {
	tb.Helper()
	if s.serial == nil {
		s.serial = []byte{0x40, 1, 2, 3, 4, 5, 6, 7, 8}
	}
	if s.orgTag == 0 {
		s.org, s.orgTag = []byte("某局"), cbasn1.UTF8String
	}
	if s.dates == nil {
		s.dates = []byte("\x17\x0d250101000000Z\x17\x0d260101000000Z")
	}
	if s.spki == nil {
		s.spki = key.Public().SPKI()
	}
	algorithm := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid.Add(b, oid.SM2WithSM3)
			b.AddBytes(s.parameters)
		})
	}
	attribute := func(b *cryptobyte.Builder, id oid.ID, tag cbasn1.Tag, value []byte) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.Add(b, id)
				b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
			})
		})
	}
	name := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			attribute(b, oid.Of(2, 5, 4, 6), cbasn1.PrintableString, []byte("CN"))
			attribute(b, oid.Of(2, 5, 4, 10), s.orgTag, s.org)
			if s.email != nil {
				attribute(b, oid.Of(1, 2, 840, 113549, 1, 9, 1), cbasn1.IA5String, s.email)
			}
		})
	}
	tbs := builder(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
			b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(s.serial) })
			algorithm(b)
			name(b)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(s.dates) })
			name(b)
			b.AddBytes(s.spki)
			b.AddASN1(cbasn1.Tag(3).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					cert.AddExtension(b, oid.KeyUsage, true, func(b *cryptobyte.Builder) { b.AddASN1BitString([]byte{0xc0}) })
					if s.altName != nil {
						cert.AddExtension(b, oid.SubjectAltName, false, func(b *cryptobyte.Builder) { b.AddBytes(s.altName) })
					}
				})
			})
		})
	})
	sig, err := key.Sign(tbs)
	if err != nil {
		tb.Fatal(err)
	}
	return builder(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(tbs)
			algorithm(b)
			b.AddASN1BitString(sig.DER())
			b.AddBytes(s.behind)
		})
	})
}

func TestReadForeign(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	point := key.Public().Uncompressed()
	spki := func(algorithm func(b *cryptobyte.Builder), point []byte) []byte {
		return builder(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, algorithm)
				b.AddASN1BitString(point)
			})
		})
	}
	from, to := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		in       strange
		subject  string
		accepted bool // by Parse
		noKey    bool
	}{
		{name: "sound", subject: "C=CN, O=某局", accepted: true},
		{name: "NULL parameters", in: strange{parameters: []byte{5, 0}}, subject: "C=CN, O=某局", accepted: true},
		{name: "Chinese in IA5String", in: strange{email: []byte("张三@example.cn")}, subject: "C=CN, O=某局, EMAIL=张三@example.cn"},
		{name: "GBK in PrintableString", in: strange{orgTag: cbasn1.PrintableString, org: []byte{0xc4, 0xb3, 0xbe, 0xd6}}, subject: "C=CN, O=某局"},
		{name: "GBK in T61String", in: strange{orgTag: cbasn1.T61String, org: []byte{0xc4, 0xb3, 0xbe, 0xd6}}, subject: "C=CN, O=某局", accepted: true},
		{name: "UTF-8 in PrintableString", in: strange{orgTag: cbasn1.PrintableString, org: []byte("某局")}, subject: "C=CN, O=某局"},
		{name: "BMPString", in: strange{orgTag: 30, org: []byte{0x67, 0xd0, 0x5c, 0x40}}, subject: "C=CN, O=某局", accepted: true},
		{name: "neither UTF-8 nor GB 18030", in: strange{orgTag: cbasn1.UTF8String, org: []byte{0xff, 0xff, 0x00}}, subject: "C=CN, O=#ffff00"},
		{name: "a value that plays two", in: strange{orgTag: cbasn1.UTF8String, org: []byte("a, CN=b")}, subject: `C=CN, O=a\, CN\=b`, accepted: true},
		{name: "a value that turns the line", in: strange{orgTag: cbasn1.UTF8String, org: []byte("a\u202eb")}, subject: "C=CN, O=a\ufffdb", accepted: true},
		{name: "an alternative name of no form", in: strange{altName: []byte{0x30, 3, 0x8b, 1, 'x'}}, subject: "C=CN, O=某局"},
		{name: "an alternative name that is text", in: strange{altName: []byte("example.cn")}, subject: "C=CN, O=某局"},
		{name: "a negative serial number", in: strange{serial: []byte{0x80, 1}}, subject: "C=CN, O=某局"},
		{name: "a padded serial number", in: strange{serial: []byte{0, 0, 1}}, subject: "C=CN, O=某局"},
		{name: "dates without seconds", in: strange{dates: []byte("\x17\x0b2501010000Z\x17\x0b2601010000Z")}, subject: "C=CN, O=某局"},
		{name: "dates with an offset", in: strange{dates: []byte("\x17\x11250101080000+0800\x17\x11260101080000+0800")}, subject: "C=CN, O=某局"},
		{name: "dates with fractions", in: strange{dates: []byte("\x18\x1320250101000000.000Z\x18\x1320260101000000.000Z")}, subject: "C=CN, O=某局"},
		{name: "the algorithm of the table in GM/T 0015", in: strange{spki: spki(func(b *cryptobyte.Builder) { oid.Add(b, oid.SM2Curve) }, point)}, subject: "C=CN, O=某局"},
		{name: "a key off the curve", in: strange{spki: spki(func(b *cryptobyte.Builder) { oid.Add(b, oid.ECPublic); oid.Add(b, oid.SM2Curve) }, append(bytes.Clone(point[:64]), point[64]^1))}, subject: "C=CN, O=某局", noKey: true},
		{name: "another curve", in: strange{spki: spki(func(b *cryptobyte.Builder) { oid.Add(b, oid.ECPublic); oid.Add(b, oid.Of(1, 2, 840, 10045, 3, 1, 7)) }, point)}, subject: "C=CN, O=某局", noKey: true},
		{name: "something behind the signature", in: strange{behind: []byte{5, 0}}, subject: "C=CN, O=某局"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			der := tt.in.der(t, key)
			f, err := cert.ReadForeign(der)
			if err != nil {
				t.Fatal(err)
			}
			if f.Subject != tt.subject || f.Issuer != tt.subject {
				t.Errorf("subject %q, issuer %q, want %q", f.Subject, f.Issuer, tt.subject)
			}
			if (f.Refused == nil) != tt.accepted {
				t.Errorf("Parse says %v", f.Refused)
			}
			if !f.NotBefore.Equal(from) || !f.NotAfter.Equal(to) {
				t.Errorf("from %s to %s", f.NotBefore, f.NotAfter)
			}
			if (f.Key == nil) != tt.noKey || f.Key != nil && !f.Key.Equal(key.Public()) {
				t.Errorf("key %v", f.Key)
			}
			if !bytes.Contains(der, f.TBS) || !bytes.Contains(f.TBS, f.SPKI) || !bytes.Contains(f.TBS, f.Serial) {
				t.Error("parts are not those of the certificate")
			}
		})
	}
}

func TestNotEvenForeign(t *testing.T) {
	t.Parallel()
	whole := strange{}.der(t, pkitest.NewKey(t))
	for name, der := range map[string][]byte{
		"nothing": nil, "cut off": whole[:len(whole)-1], "something behind": append(bytes.Clone(whole), 0),
		"indefinite length": append(append([]byte{0x30, 0x80}, whole[4:]...), 0, 0),
		"too large":         append([]byte{0x30, 0x84, 0, 1, 0, 0}, bytes.Repeat([]byte{0}, 1<<16)...), "text": []byte("-----BEGIN CERTIFICATE-----"),
	} {
		if _, err := cert.ReadForeign(der); !errors.Is(err, cert.ErrNotCertificate) {
			t.Errorf("%s: %v, want ErrNotCertificate", name, err)
		}
	}
}

// TestParseIsStrict: what stands outside the signed part, or after its end, would give
// one certificate many digests.
func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	sound := strange{}.der(t, key)
	if _, err := cert.Parse(sound); err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][]byte{
		"something behind the signature": strange{behind: []byte{5, 0}}.der(t, key),
		"something behind it all":        append(bytes.Clone(sound), 5, 0),
		"an unknown alternative name":    strange{altName: []byte{0x30, 3, 0x8b, 1, 'x'}}.der(t, key),
		"an empty alternative name":      strange{altName: []byte{0x30, 0}}.der(t, key),
		"an address of three bytes":      strange{altName: []byte{0x30, 5, 0x87, 3, 1, 2, 3}}.der(t, key),
		"text behind alternative names":  strange{altName: []byte{0x30, 3, 0x82, 1, 'a', 5, 0}}.der(t, key),
	} {
		_, err := cert.Parse(der)
		if !errors.Is(err, cert.ErrBadCertificate) {
			t.Errorf("%s: %v, want ErrBadCertificate", name, err)
		}
	}
}
