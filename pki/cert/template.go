package cert

import (
	"crypto/sha1" //nolint:gosec // names a key in SKI and AKI, as the profile says; nothing is protected by it
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// KeyUsage is the keyUsage bit string, most significant bit first
// (RFC 5280, 4.2.1.3).
type KeyUsage uint16

// The bits that our profiles use.
const (
	DigitalSignature KeyUsage = 1 << 15
	NonRepudiation   KeyUsage = 1 << 14
	KeyEncipherment  KeyUsage = 1 << 13
	DataEncipherment KeyUsage = 1 << 12
	KeyAgreement     KeyUsage = 1 << 11
	KeyCertSign      KeyUsage = 1 << 10
	CRLSign          KeyUsage = 1 << 9
)

// Template is everything of a certificate but its signature. What is empty is
// left out.
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
	UsageOptional    bool     // keyUsage is not critical (holders of one certificate, GB/T 20518)
	ExtUsages        []oid.ID // extendedKeyUsage
	ExtUsageCritical bool     // RFC 3161, 2.3 wants it for time stamps
	Policies         []oid.ID // certificate policies without qualifiers
	NameConstraints  *NameConstraints
	DNSNames         []string
	IPs              []netip.Addr
	CRLPoints        []string // URIs of the CRL of this certificate's shard
	FreshestCRL      []string // URIs of its delta CRL
	OCSP             []string // URIs of the OCSP responder
	CAIssuers        []string // URIs of the issuer's certificate
	StatusEntry      StatusEntry
	OCSPNoCheck      bool // RFC 6960, 4.2.2.2.1: a responder's certificate is not asked about
	// The public numbers of an organisation (GB/T 20518): its unified social credit
	// code, and its insurance, registration and tax numbers.
	OrganizationCode   string
	InsuranceNumber    string
	RegistrationNumber string
	TaxationNumber     string
	// For a cross-certificate: the subject's name and key identifier exactly as the
	// other authority writes them. Subject is then what a person reads.
	SubjectDER   []byte
	SubjectKeyID []byte
}

// NameConstraints limit the names below a CA (RFC 5280, 4.2.1.10). Directory names
// are given as the DER of a Name whose attributes a subject must begin with.
type NameConstraints struct {
	PermittedDirectories, ExcludedDirectories [][]byte
	PermittedDNS, ExcludedDNS                 []string
}

// TBS returns the DER of the TBSCertificate, the bytes that are signed.
func (t *Template) TBS() ([]byte, error) {
	if err := errors.Join(t.Issuer.Check(), t.Subject.Check()); err != nil {
		return nil, fmt.Errorf("building a certificate: %w", err)
	}
	if t.Serial[0]&0x80 != 0 || new(big.Int).SetBytes(t.Serial[:]).BitLen() < 64 {
		return nil, errors.New("building a certificate: serial number is negative or short")
	}
	if !t.NotAfter.After(t.NotBefore) {
		return nil, errors.New("building a certificate: it ends before it begins")
	}
	if t.Usage == 0 {
		return nil, errors.New("building a certificate: it has no key usage")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
		b.AddASN1BigInt(new(big.Int).SetBytes(t.Serial[:]))
		oid.AddAlgorithm(b, oid.SM2WithSM3)
		t.Issuer.marshal(b)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddTime(b, t.NotBefore)
			AddTime(b, t.NotAfter)
		})
		if t.SubjectDER != nil {
			b.AddBytes(t.SubjectDER)
		} else {
			t.Subject.marshal(b)
		}
		b.AddBytes(t.Key.SPKI())
		b.AddASN1(context(3), func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, t.addExtensions) })
	})
	return b.Bytes()
}

// AddTime writes a time as certificates, CRLs and CMS have it (RFC 5280, 4.1.2.5):
// UTCTime through 2049, then GeneralizedTime.
func AddTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}

// ReadTime reads a time as [AddTime] writes it and in no other form: seconds and Z
// are there, and GeneralizedTime begins with the year 2050.
func ReadTime(s *cryptobyte.String) (time.Time, bool) {
	var digits cryptobyte.String
	if s.PeekASN1Tag(cbasn1.GeneralizedTime) {
		t, ok := ReadGeneralizedTime(s)
		return t, ok && t.Year() >= 2050
	}
	if !s.ReadASN1(&digits, cbasn1.UTCTime) || len(digits) != len("YYMMDDhhmmssZ") {
		return time.Time{}, false
	}
	century := "20"
	if digits[0] >= '5' {
		century = "19"
	}
	return parseTime(century + string(digits))
}

// ReadGeneralizedTime reads a GeneralizedTime in whole seconds of UTC, as OCSP and
// the invalidity date of CRLs have it for every year.
func ReadGeneralizedTime(s *cryptobyte.String) (time.Time, bool) {
	var digits cryptobyte.String
	if !s.ReadASN1(&digits, cbasn1.GeneralizedTime) || len(digits) != len("YYYYMMDDhhmmssZ") {
		return time.Time{}, false
	}
	return parseTime(string(digits))
}

// parseTime reads YYYYMMDDhhmmssZ. time.Parse refuses what no calendar has, and
// takes a fraction only where more characters follow.
func parseTime(digits string) (time.Time, bool) {
	t, err := time.Parse("20060102150405Z", digits)
	return t, err == nil
}

// KeyID names a key in certificates, CRLs and OCSP: SHA-1 over the 65 bytes of the
// public key (RFC 5280, 4.2.1.2, method 1; GM/T 0015 keeps it).
func KeyID(k *pki.PublicKey) []byte {
	sum := sha1.Sum(k.Uncompressed()) //nolint:gosec // see the import
	return sum[:]
}

// Assemble joins the signed part and its signature to a certificate or a CRL,
// which have the same outer form.
func Assemble(tbs []byte, sig pki.Signature) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		oid.AddAlgorithm(b, oid.SM2WithSM3)
		b.AddASN1BitString(sig.DER())
	})
	return b.Bytes()
}
