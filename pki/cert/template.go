package cert

import (
	"crypto/sha1" //nolint:gosec // names a key in SKI and AKI, as the profile says; nothing is protected by it
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
)

// OIDs of the profile.
var (
	oidSM2WithSM3       = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 501}
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidOrganizationCode = asn1.ObjectIdentifier{1, 2, 156, 10260, 4, 1, 4}
)

// KeyUsage is the keyUsage bit string, most significant bit first
// (RFC 5280, 4.2.1.3).
type KeyUsage uint16

// The bits that our profiles use.
const (
	DigitalSignature KeyUsage = 1 << 15
	NonRepudiation   KeyUsage = 1 << 14
	KeyCertSign      KeyUsage = 1 << 10
	CRLSign          KeyUsage = 1 << 9
)

// Serial is a certificate's serial number: 128 bits, of which the first is zero.
type Serial [16]byte

// Template is everything of a certificate but its signature.
type Template struct {
	Serial           Serial
	Issuer, Subject  Name
	NotBefore        time.Time // UTC, whole seconds
	NotAfter         time.Time
	Key              *pki.PublicKey // the subject's
	IssuerKey        *pki.PublicKey
	IsCA             bool
	PathLen          int // of a CA: how many CAs may follow
	Usage            KeyUsage
	OrganizationCode string // unified social credit code, or empty
}

// TBS returns the DER of the TBSCertificate, the bytes that are signed.
func (t *Template) TBS() ([]byte, error) {
	if err := errors.Join(t.Issuer.Check(), t.Subject.Check()); err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", t.Subject, err)
	}
	if t.Serial[0]&0x80 != 0 || new(big.Int).SetBytes(t.Serial[:]).BitLen() < 64 {
		return nil, fmt.Errorf("certificate for %s: serial number is negative or short", t.Subject)
	}
	if !t.NotAfter.After(t.NotBefore) {
		return nil, fmt.Errorf("certificate for %s ends before it begins", t.Subject)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
		b.AddASN1BigInt(new(big.Int).SetBytes(t.Serial[:]))
		addAlgorithm(b)
		t.Issuer.marshal(b)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, t.NotBefore)
			addTime(b, t.NotAfter)
		})
		t.Subject.marshal(b)
		b.AddBytes(t.Key.SPKI())
		b.AddASN1(cbasn1.Tag(3).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, t.addExtensions)
		})
	})
	return b.Bytes()
}

func (t *Template) addExtensions(b *cryptobyte.Builder) {
	addExtension(b, oidAuthorityKeyID, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(keyID(t.IssuerKey)) })
		})
	})
	addExtension(b, oidSubjectKeyID, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(keyID(t.Key)) })
	if t.IsCA {
		addExtension(b, oidBasicConstraints, true, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Boolean(true)
				b.AddASN1Int64(int64(t.PathLen))
			})
		})
	}
	addExtension(b, oidKeyUsage, true, func(b *cryptobyte.Builder) {
		bits := []byte{byte(t.Usage >> 8), byte(t.Usage)}
		if bits[1] == 0 {
			bits = bits[:1]
		}
		unused := 0
		for bits[len(bits)-1]>>unused&1 == 0 {
			unused++
		}
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
			b.AddUint8(uint8(unused))
			b.AddBytes(bits)
		})
	})
	if t.OrganizationCode != "" {
		addExtension(b, oidOrganizationCode, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.PrintableString, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.OrganizationCode)) })
		})
	}
}

func addExtension(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, critical bool, value func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1(cbasn1.OCTET_STRING, value)
	})
}

func addAlgorithm(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidSM2WithSM3) })
}

func addTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}

// keyID is SHA-1 over the 65 bytes of the public key (RFC 5280, 4.2.1.2, method
// 1; GM/T 0015 keeps it).
func keyID(k *pki.PublicKey) []byte {
	sum := sha1.Sum(k.Uncompressed()) //nolint:gosec // see the import
	return sum[:]
}

// Assemble joins the signed part and its signature to a certificate.
func Assemble(tbs []byte, sig pki.Signature) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		addAlgorithm(b)
		b.AddASN1BitString(sig.DER())
	})
	return b.Bytes()
}
