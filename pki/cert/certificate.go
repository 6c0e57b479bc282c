package cert

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// MaxSize bounds the DER of a certificate that is read, in bytes.
const MaxSize = 16 << 10

// ErrBadCertificate says that bytes are not a certificate of this profile.
var ErrBadCertificate = bilingual.New("不是 SM2 证书", "not an SM2 certificate")

// Certificate is a parsed certificate. Nothing about it is verified until package
// path has done so.
type Certificate struct {
	DER     []byte
	Key     *pki.PublicKey
	Subject Name
	Issuer  Name

	sum                               [sm3.Size]byte // of DER
	x509                              *smx509.Certificate
	canonicalSubject, canonicalIssuer CanonicalName
	extensions                        []Extension
	constraints                       constraints
}

// Parse reads a certificate with an SM2 key that is signed with SM2 and SM3.
func Parse(der []byte) (*Certificate, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(der), MaxSize, ErrBadCertificate)
	}
	if err := checkShape(der); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCertificate, err)
	}
	x, err := smx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCertificate, err)
	}
	if x.SignatureAlgorithm != smx509.SM2WithSM3 {
		return nil, fmt.Errorf("signed with %v: %w", x.SignatureAlgorithm, ErrBadCertificate)
	}
	key, err := pki.ParseSPKI(x.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCertificate, err)
	}
	subject, err := parseName(x.RawSubject)
	if err != nil {
		return nil, fmt.Errorf("subject: %w: %w", ErrBadCertificate, err)
	}
	issuer, err := parseName(x.RawIssuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w: %w", ErrBadCertificate, err)
	}
	c := &Certificate{DER: bytes.Clone(der), Key: key, Subject: subject, Issuer: issuer, sum: sm3.Sum(der), x509: x}
	if c.canonicalSubject, err = Canonical(x.RawSubject); err != nil {
		return nil, fmt.Errorf("subject: %w: %w", ErrBadCertificate, err)
	}
	if c.canonicalIssuer, err = Canonical(x.RawIssuer); err != nil {
		return nil, fmt.Errorf("issuer: %w: %w", ErrBadCertificate, err)
	}
	for _, e := range x.Extensions {
		c.extensions = append(c.extensions, Extension{oid.Of(e.Id...), e.Critical, e.Value})
	}
	if err := c.readConstraints(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCertificate, err)
	}
	return c, nil
}

// ParsePEM reads one certificate in PEM and nothing else.
func ParsePEM(b []byte) (*Certificate, error) {
	block, rest := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("not exactly one PEM certificate: %w", ErrBadCertificate)
	}
	return Parse(block.Bytes)
}

// PEM returns the certificate in PEM.
func (c *Certificate) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER})
}

// SM3 returns the digest of the DER.
func (c *Certificate) SM3() [sm3.Size]byte { return c.sum }

// Equal reports whether two certificates are the same bytes.
func (c *Certificate) Equal(other *Certificate) bool { return bytes.Equal(c.DER, other.DER) }

// Serial returns the serial number in lower-case hexadecimal.
func (c *Certificate) Serial() string { return fmt.Sprintf("%032x", c.x509.SerialNumber) }

// NotBefore returns the first moment of validity.
func (c *Certificate) NotBefore() time.Time { return c.x509.NotBefore }

// NotAfter returns the last moment of validity.
func (c *Certificate) NotAfter() time.Time { return c.x509.NotAfter }

// IsCA reports whether the certificate may sign others.
func (c *Certificate) IsCA() bool {
	return c.constraints.basic.ca && c.x509.KeyUsage&smx509.KeyUsageCertSign != 0
}

// DNSNames returns the host names of the subject's alternative names.
func (c *Certificate) DNSNames() []string { return c.x509.DNSNames }

// IPs returns the addresses of the subject's alternative names.
func (c *Certificate) IPs() []netip.Addr {
	var all []netip.Addr
	for _, ip := range c.x509.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			all = append(all, a)
		}
	}
	return all
}

// MaySign reports whether the key may sign data: its usage has digitalSignature
// or nonRepudiation, and it is not an authority's.
func (c *Certificate) MaySign() bool {
	return !c.IsCA() && c.x509.KeyUsage&(smx509.KeyUsageDigitalSignature|smx509.KeyUsageContentCommitment) != 0
}

// RawIssuer returns the DER of the issuer's name.
func (c *Certificate) RawIssuer() []byte { return c.x509.RawIssuer }

// SerialDER returns the serial number as the content of its DER INTEGER.
func (c *Certificate) SerialDER() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1BigInt(c.x509.SerialNumber)
	return b.Bytes()
}

// SerialNumber returns the serial number as it stands in CRLs and OCSP: its
// magnitude in big-endian bytes without leading zeros.
func (c *Certificate) SerialNumber() []byte { return c.x509.SerialNumber.Bytes() }

// RawSubject returns the DER of the subject's name.
func (c *Certificate) RawSubject() []byte { return c.x509.RawSubject }

// CanonicalSubject returns the subject's name for comparison.
func (c *Certificate) CanonicalSubject() CanonicalName { return c.canonicalSubject }

// CanonicalIssuer returns the issuer's name for comparison.
func (c *Certificate) CanonicalIssuer() CanonicalName { return c.canonicalIssuer }

// SelfIssued reports whether subject and issuer are one name (RFC 5280, 6.1): a
// root, or an authority's certificate for its own new key.
func (c *Certificate) SelfIssued() bool { return c.canonicalSubject.Equal(c.canonicalIssuer) }

// TBS returns the DER of the signed part.
func (c *Certificate) TBS() []byte { return c.x509.RawTBSCertificate }

// SubjectKeyID returns the subject key identifier, or nil.
func (c *Certificate) SubjectKeyID() []byte { return c.x509.SubjectKeyId }

// AuthorityKeyID returns the key identifier of the issuer, or nil.
func (c *Certificate) AuthorityKeyID() []byte { return c.x509.AuthorityKeyId }

// Usage returns the key usage; 0 means that the certificate does not say.
func (c *Certificate) Usage() KeyUsage {
	var u KeyUsage
	for i := range 9 {
		if c.x509.KeyUsage&(1<<i) != 0 {
			u |= 1 << (15 - i)
		}
	}
	return u
}

// ExtUsages returns the extended key usages; none means that the certificate does
// not say.
func (c *Certificate) ExtUsages() []oid.ID { return c.constraints.extUsages }

// CRLPoints returns the URIs of the CRL that this certificate would stand in.
func (c *Certificate) CRLPoints() []string { return c.x509.CRLDistributionPoints }

// OCSP returns the URIs of the OCSP responder.
func (c *Certificate) OCSP() []string { return c.x509.OCSPServer }

// Extension returns the value of an extension and whether it is critical.
func (c *Certificate) Extension(id oid.ID) (value []byte, critical, found bool) {
	for i := range c.extensions {
		if e := &c.extensions[i]; e.ID == id {
			return e.Value, e.Critical, true
		}
	}
	return nil, false, false
}

// OrganizationCode returns the organisation's code of the GB/T 20518 extension,
// or the empty string.
func (c *Certificate) OrganizationCode() string { return c.Number(oid.OrganizationCode) }

// Number returns one of the public numbers of an organisation (GB/T 20518) by the
// identifier of its extension, or the empty string.
func (c *Certificate) Number(id oid.ID) string {
	found, _, _ := c.Extension(id)
	value := cryptobyte.String(found)
	var code cryptobyte.String
	if !value.ReadASN1(&code, cbasn1.PrintableString) || !value.Empty() {
		return ""
	}
	return string(code)
}

// SignedBy verifies the certificate's signature with an issuer's key. With a
// second opinion both implementations must accept.
func (c *Certificate) SignedBy(issuer *pki.PublicKey, second pki.SecondOpinion) error {
	sig, err := pki.ParseSignatureDER(c.x509.Signature)
	if err != nil {
		return fmt.Errorf("certificate of %s: %w", c.Subject, err)
	}
	if err := pki.Unanimous(issuer, c.x509.RawTBSCertificate, sig, second).Err(errNotSigned); err != nil {
		return fmt.Errorf("certificate of %s: %w", c.Subject, err)
	}
	return nil
}

// Judge verifies the certificate's signature with an issuer's key, as [pki.Judge]
// does: the second opinion is asked about what the fast implementation refuses.
func (c *Certificate) Judge(issuer *pki.PublicKey, second pki.SecondOpinion) pki.Outcome {
	sig, err := pki.ParseSignatureDER(c.x509.Signature)
	if err != nil {
		return pki.Bad
	}
	return pki.Judge(issuer, c.x509.RawTBSCertificate, sig, second)
}

var errNotSigned = errors.New("the signature is not its issuer's")

// parseName reads the attributes that we know; others are left out.
func parseName(der []byte) (Name, error) {
	rdns, err := readName(der)
	if err != nil {
		return Name{}, err
	}
	var n Name
	targets := n.targets()
	for _, rdn := range rdns {
		for _, a := range rdn {
			if target := targets[a.id]; target != nil {
				*target, _ = a.text() // the library has refused what is no text
			}
		}
	}
	return n, nil
}
