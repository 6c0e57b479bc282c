package path_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// now is the moment that the worlds of these tests are judged for.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// keyPair signs certificates of one of two kinds. The worlds are built with SM2 for
// us and, certificate for certificate, with P-256 for OpenSSL, whose release 3.0
// cannot verify a path of several SM2 links.
type keyPair struct {
	sm2  *pki.Key
	p256 *ecdsa.PrivateKey
}

func newKeyPair(tb testing.TB) keyPair {
	tb.Helper()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return keyPair{pkitest.NewKey(tb), p256}
}

// spec is a certificate to be, defects and all.
type spec struct {
	serial     int64
	issuer     []byte // DER of a Name
	subject    []byte
	from, to   time.Time
	version    int64
	key        keyPair
	signer     keyPair
	extensions []extension
	spoil      bool // the signature is of other bytes
}

type extension struct {
	id       oid.ID
	critical bool
	value    []byte
}

// node is a certificate in both kinds, with its key.
type node struct {
	spec spec
	c    *cert.Certificate
	pem  []byte // with P-256
}

// mod changes a certificate before it is made.
type mod func(*spec)

// world makes certificates that are sound unless a mod breaks them.
type world struct {
	tb     testing.TB
	serial int64
}

func newWorld(tb testing.TB) *world { return &world{tb: tb} }

// root makes a root.
func (w *world) root(name string, mods ...mod) *node {
	key := newKeyPair(w.tb)
	return w.make(spec{issuer: dn(name), subject: dn(name), key: key, signer: key}, append([]mod{ca(-1)}, mods...))
}

// authority makes an intermediate authority.
func (w *world) authority(parent *node, name string, mods ...mod) *node {
	return w.make(spec{issuer: parent.spec.subject, subject: dn(name), key: newKeyPair(w.tb), signer: parent.spec.key}, append([]mod{ca(-1)}, mods...))
}

// end makes an end certificate.
func (w *world) end(parent *node, name string, mods ...mod) *node {
	return w.make(spec{issuer: parent.spec.subject, subject: dn(name), key: newKeyPair(w.tb), signer: parent.spec.key},
		append([]mod{usage(cert.DigitalSignature | cert.NonRepudiation)}, mods...))
}

func (w *world) make(s spec, mods []mod) *node {
	w.tb.Helper()
	w.serial++
	s.serial, s.version = w.serial, 2
	s.from, s.to = now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
	for _, m := range mods {
		m(&s)
	}
	n := &node{spec: s}
	var err error
	tbs := s.tbs(w.tb, s.key.sm2.Public().SPKI(), cert.KeyID(s.key.sm2.Public()), cert.KeyID(s.signer.sm2.Public()), oid.SM2WithSM3)
	signed := tbs
	if s.spoil {
		signed = append(tbs[:len(tbs):len(tbs)], 0)
	}
	sig, err := s.signer.sm2.Sign(signed)
	if err != nil {
		w.tb.Fatal(err)
	}
	der, err := cert.Assemble(tbs, sig)
	if err != nil {
		w.tb.Fatal(err)
	}
	if n.c, err = cert.Parse(der); err != nil {
		w.tb.Fatal(err)
	}
	n.pem = s.twin(w.tb)
	return n
}

// twin makes the certificate with P-256.
func (s *spec) twin(tb testing.TB) []byte {
	tb.Helper()
	ecdsaWithSHA256 := oid.Of(1, 2, 840, 10045, 4, 3, 2)
	id := func(k keyPair) []byte { return cert.KeyID(k.sm2.Public()) } // any octets do
	spki, err := x509.MarshalPKIXPublicKey(&s.key.p256.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	tbs := s.tbs(tb, spki, id(s.key), id(s.signer), ecdsaWithSHA256)
	signed := tbs
	if s.spoil {
		signed = append(tbs[:len(tbs):len(tbs)], 0)
	}
	digest := sha256.Sum256(signed)
	sig, err := s.signer.p256.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		oid.AddAlgorithm(b, ecdsaWithSHA256)
		b.AddASN1BitString(sig)
	})
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.BytesOrPanic()})
}

func (s *spec) tbs(tb testing.TB, spki, keyID, issuerID []byte, algorithm oid.ID) []byte {
	tb.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if s.version > 0 {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1Int64(s.version) })
		}
		b.AddASN1BigInt(big.NewInt(s.serial))
		oid.AddAlgorithm(b, algorithm)
		b.AddBytes(s.issuer)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			cert.AddTime(b, s.from)
			cert.AddTime(b, s.to)
		})
		b.AddBytes(s.subject)
		b.AddBytes(spki)
		if s.version < 2 {
			return
		}
		b.AddASN1(cbasn1.Tag(3).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				cert.AddAuthorityKeyID(b, issuerID)
				cert.AddExtension(b, oid.SubjectKeyID, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(keyID) })
				for _, e := range s.extensions {
					cert.AddExtension(b, e.id, e.critical, func(b *cryptobyte.Builder) { b.AddBytes(e.value) })
				}
			})
		})
	})
	return b.BytesOrPanic()
}

// rdn is one relative name: attribute, string type, value.
type rdn struct {
	id    oid.ID
	tag   cbasn1.Tag
	value string
}

var (
	country      = oid.Of(2, 5, 4, 6)
	organization = oid.Of(2, 5, 4, 10)
	commonName   = oid.Of(2, 5, 4, 3)
	emailAddress = oid.Of(1, 2, 840, 113549, 1, 9, 1)
)

// name writes a Name of relative names with one attribute each.
func name(parts ...rdn) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, p := range parts {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { p.marshal(b) })
		}
	})
	return b.BytesOrPanic()
}

func (p rdn) marshal(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, p.id)
		b.AddASN1(p.tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.value)) })
	})
}

// dn is C=CN, O=Province, CN=name.
func dn(common string) []byte {
	return name(rdn{country, cbasn1.PrintableString, "CN"}, rdn{organization, cbasn1.UTF8String, "Province"}, rdn{commonName, cbasn1.UTF8String, common})
}

// with sets an extension, in place of what was there.
func with(id oid.ID, critical bool, value []byte) mod {
	return func(s *spec) {
		without(id)(s)
		s.extensions = append(s.extensions, extension{id, critical, value})
	}
}

func without(id oid.ID) mod {
	return func(s *spec) {
		var kept []extension
		for _, e := range s.extensions {
			if e.id != id {
				kept = append(kept, e)
			}
		}
		s.extensions = kept
	}
}

// all joins mods.
func all(mods ...mod) mod {
	return func(s *spec) {
		for _, m := range mods {
			m(s)
		}
	}
}

func der(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func sequence(f func(b *cryptobyte.Builder)) []byte {
	return der(func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, f) })
}

// ca makes an authority; a negative path length is left out.
func ca(pathLen int64) mod {
	value := sequence(func(b *cryptobyte.Builder) {
		b.AddASN1Boolean(true)
		if pathLen >= 0 {
			b.AddASN1Int64(pathLen)
		}
	})
	return all(with(oid.BasicConstraints, true, value), usage(cert.KeyCertSign|cert.CRLSign))
}

func usage(u cert.KeyUsage) mod {
	var unused uint8
	for u>>8&(1<<unused) == 0 {
		unused++
	}
	return with(oid.KeyUsage, true, der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes([]byte{unused, byte(u >> 8)}) })
	}))
}

func extUsage(critical bool, ids ...oid.ID) mod {
	return with(oid.ExtKeyUsage, critical, sequence(func(b *cryptobyte.Builder) {
		for _, id := range ids {
			oid.Add(b, id)
		}
	}))
}

func policies(ids ...oid.ID) mod {
	return with(oid.Policies, false, sequence(func(b *cryptobyte.Builder) {
		for _, id := range ids {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { oid.Add(b, id) })
		}
	}))
}

func dates(from, to time.Time) mod { return func(s *spec) { s.from, s.to = from, to } }

func subject(der []byte) mod { return func(s *spec) { s.subject = der } }

func issuer(der []byte) mod { return func(s *spec) { s.issuer = der } }

func spoiled(s *spec) { s.spoil = true }

func version1(s *spec) { s.version = 0 }

func sameKey(n *node) mod { return func(s *spec) { s.key = n.spec.key } }

// general writes a GeneralName.
func general(form cert.NameForm, value []byte) []byte {
	tag := cbasn1.Tag(form).ContextSpecific()
	if form == cert.FormDirectory || form == cert.FormOther {
		tag = tag.Constructed()
	}
	return der(func(b *cryptobyte.Builder) { b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) }) })
}

func text(form cert.NameForm, s string) []byte { return general(form, []byte(s)) }

func altNames(critical bool, names ...[]byte) mod {
	return with(oid.SubjectAltName, critical, sequence(func(b *cryptobyte.Builder) {
		for _, n := range names {
			b.AddBytes(n)
		}
	}))
}

func constrained(permitted, excluded [][]byte) mod {
	return with(oid.NameConstraints, true, sequence(func(b *cryptobyte.Builder) {
		for i, list := range [][][]byte{permitted, excluded} {
			if len(list) == 0 {
				continue
			}
			b.AddASN1(cbasn1.Tag(i).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				for _, base := range list {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(base) })
				}
			})
		}
	}))
}

func permit(bases ...[]byte) mod  { return constrained(bases, nil) }
func exclude(bases ...[]byte) mod { return constrained(nil, bases) }
