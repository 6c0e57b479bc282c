package ocsp

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // names an issuer, as RFC 5019 wants it; nothing is protected by it
	"crypto/sha256"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

const (
	maxSerial = 20 // octets (RFC 5280, 4.1.2.2)
	maxHash   = 64 // octets
)

// CertID names a certificate by hashes of its issuer and its serial number
// (RFC 6960, 4.1.1).
type CertID struct {
	Hash     oid.ID // SHA1, SHA256 or SM3; what is read may have another
	NameHash []byte // over the DER of the issuer's name
	KeyHash  []byte // over the 65 bytes of the issuer's key
	Serial   []byte // magnitude, big-endian, without leading zeros
	der      []byte
}

// Hashes are the algorithms that issuers are named with here.
func Hashes() []oid.ID { return []oid.ID{oid.SHA1, oid.SHA256, oid.SM3} }

// digestSize returns the octets of a hash's digest, or 0 for a hash that issuers are not
// named with here.
func digestSize(hash oid.ID) int {
	switch hash {
	case oid.SHA1:
		return sha1.Size
	case oid.SHA256:
		return sha256.Size
	case oid.SM3:
		return sm3.Size
	}
	return 0
}

func digest(hash oid.ID, b []byte) []byte {
	switch hash {
	case oid.SHA1:
		sum := sha1.Sum(b) //nolint:gosec // see the import
		return sum[:]
	case oid.SHA256:
		sum := sha256.Sum256(b)
		return sum[:]
	case oid.SM3:
		sum := sm3.Sum(b)
		return sum[:]
	}
	return nil
}

// issuerID is what a CertID says of the issuer, as a key of maps that costs no memory to
// make: both digests, and zeros behind those that are shorter.
type issuerID struct {
	hash      oid.ID
	name, key [sm3.Size]byte
}

func newIssuerID(hash oid.ID, name []byte, key *pki.PublicKey) issuerID {
	id := issuerID{hash: hash}
	copy(id.name[:], digest(hash, name))
	copy(id.key[:], digest(hash, key.Uncompressed()))
	return id
}

// issuer returns what maps know the issuer by, if the hash is one of [Hashes]: the
// digests then have its size.
func (id *CertID) issuer() (issuerID, bool) {
	i := issuerID{hash: id.Hash}
	copy(i.name[:], id.NameHash)
	copy(i.key[:], id.KeyHash)
	return i, digestSize(id.Hash) > 0
}

// NewCertID names a certificate of an issuer by its serial number, with one of
// [Hashes].
func NewCertID(hash oid.ID, issuer *cert.Certificate, serial []byte) (CertID, error) {
	if digestSize(hash) == 0 {
		return CertID{}, fmt.Errorf("issuers are not named with hash %s", hash)
	}
	return newIssuerID(hash, issuer.RawSubject(), issuer.Key).certID(serial)
}

func (i issuerID) certID(serial []byte) (CertID, error) {
	serial = bytes.TrimLeft(serial, "\x00")
	size := digestSize(i.hash)
	id := CertID{Hash: i.hash, NameHash: i.name[:size], KeyHash: i.key[:size], Serial: serial}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid.Add(b, i.hash)
			b.AddASN1NULL() // as all clients write it, and some compare it
		})
		b.AddASN1OctetString(id.NameHash)
		b.AddASN1OctetString(id.KeyHash)
		b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) {
			if len(serial) == 0 || serial[0]&0x80 != 0 {
				b.AddUint8(0)
			}
			b.AddBytes(serial)
		})
	})
	var err error
	if id.der, err = b.Bytes(); err != nil {
		return CertID{}, fmt.Errorf("writing a CertID: %w", err)
	}
	return id, nil
}

// readCertID reads a CertID and keeps its bytes, which an answer must repeat.
func readCertID(s *cryptobyte.String) (CertID, bool) {
	var id CertID
	var element, content, name, key, number cryptobyte.String
	if !s.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return id, false
	}
	id.der = element
	ok := element.ReadASN1(&content, cbasn1.SEQUENCE)
	if !ok {
		return id, false
	}
	if id.Hash, ok = oid.ReadAlgorithm(&content); !ok {
		return id, false
	}
	if !content.ReadASN1(&name, cbasn1.OCTET_STRING) || !content.ReadASN1(&key, cbasn1.OCTET_STRING) ||
		!content.ReadASN1Element(&number, cbasn1.INTEGER) || !content.Empty() {
		return id, false
	}
	if want := digestSize(id.Hash); len(name) != len(key) || len(name) == 0 || len(name) > maxHash || want != 0 && len(name) != want {
		return id, false
	}
	id.NameHash, id.KeyHash = name, key
	if len(number) > 2+maxSerial || !number.ReadASN1Integer(&id.Serial) {
		return id, false
	}
	id.Serial = bytes.TrimLeft(id.Serial, "\x00") // zero has no bytes
	return id, true
}

// Names reports whether the CertID names the certificate as one of the issuer's.
func (id *CertID) Names(c, issuer *cert.Certificate) bool {
	named, known := id.issuer()
	return known && bytes.Equal(id.Serial, c.SerialNumber()) && bytes.Equal(c.RawIssuer(), issuer.RawSubject()) &&
		named == newIssuerID(id.Hash, issuer.RawSubject(), issuer.Key)
}
