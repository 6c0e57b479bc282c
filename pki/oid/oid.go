// Package oid names the object identifiers that several parts of the PKI write
// or read, and the AlgorithmIdentifier that carries them. An identifier that one
// package alone uses stays in that package.
//
// Algorithms are written with their parameters absent, as GB/T 20518 and GM/T
// 0009 have it. They are read with parameters absent or NULL: certified
// authorities of several provinces write NULL.
package oid

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ID is an object identifier, comparable and cheap to copy: the content octets of
// its DER.
type ID string

// Of returns the identifier of its arcs. It is for constants and panics on arcs
// that no identifier has.
func Of(arcs ...int) ID {
	der, err := asn1.Marshal(asn1.ObjectIdentifier(arcs))
	if err != nil {
		panic("oid: " + err.Error())
	}
	if len(der)-2 > maxLength {
		panic("oid: an identifier of more than 127 octets")
	}
	return ID(der[2:])
}

// ErrText says that a text is not an object identifier.
var ErrText = errors.New("not an object identifier in dotted decimals")

// Parse reads dotted decimals, of at most 32 arcs below 2^31. The error wraps [ErrText].
func Parse(text string) (ID, error) {
	var arcs []int
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != part || len(arcs) == 32 {
			return "", fmt.Errorf("%q: %w", text, ErrText)
		}
		arcs = append(arcs, int(n))
	}
	der, err := asn1.Marshal(asn1.ObjectIdentifier(arcs)) // knows how an identifier begins
	if err != nil || len(der)-2 > maxLength {
		return "", fmt.Errorf("%q: %w", text, ErrText)
	}
	return ID(der[2:]), nil
}

// Arcs returns the identifier in the form of the standard library.
func (id ID) Arcs() asn1.ObjectIdentifier {
	var arcs asn1.ObjectIdentifier
	der := append([]byte{byte(cbasn1.OBJECT_IDENTIFIER), byte(len(id))}, id...)
	if _, err := asn1.Unmarshal(der, &arcs); err != nil {
		return nil
	}
	return arcs
}

// String returns the identifier in dotted decimals.
func (id ID) String() string { return id.Arcs().String() }

// Algorithms.
var (
	SM2Curve   = Of(1, 2, 156, 10197, 1, 301)
	SM2Sign    = Of(1, 2, 156, 10197, 1, 301, 1) // another name of SM2 with SM3 in GB/T 35275
	SM2Encrypt = Of(1, 2, 156, 10197, 1, 301, 3)
	SM3        = Of(1, 2, 156, 10197, 1, 401)
	SM2WithSM3 = Of(1, 2, 156, 10197, 1, 501)
	SM4        = Of(1, 2, 156, 10197, 1, 104)
	SM4ECB     = Of(1, 2, 156, 10197, 1, 104, 1)
	ECPublic   = Of(1, 2, 840, 10045, 2, 1)
	SHA1       = Of(1, 3, 14, 3, 2, 26) // names of issuers and keys only
	SHA256     = Of(2, 16, 840, 1, 101, 3, 4, 2, 1)
)

// Certificate and CRL extensions (RFC 5280, 4.2 and 5.2).
var (
	SubjectKeyID       = Of(2, 5, 29, 14)
	KeyUsage           = Of(2, 5, 29, 15)
	SubjectAltName     = Of(2, 5, 29, 17)
	BasicConstraints   = Of(2, 5, 29, 19)
	CRLNumber          = Of(2, 5, 29, 20)
	CRLReason          = Of(2, 5, 29, 21)
	InvalidityDate     = Of(2, 5, 29, 24)
	DeltaCRL           = Of(2, 5, 29, 27)
	IssuingPoint       = Of(2, 5, 29, 28)
	CertificateIssuer  = Of(2, 5, 29, 29)
	NameConstraints    = Of(2, 5, 29, 30)
	CRLPoints          = Of(2, 5, 29, 31)
	Policies           = Of(2, 5, 29, 32)
	AnyPolicy          = Of(2, 5, 29, 32, 0)
	PolicyMappings     = Of(2, 5, 29, 33)
	AuthorityKeyID     = Of(2, 5, 29, 35)
	PolicyConstraints  = Of(2, 5, 29, 36)
	ExtKeyUsage        = Of(2, 5, 29, 37)
	FreshestCRL        = Of(2, 5, 29, 46)
	InhibitAnyPolicy   = Of(2, 5, 29, 54)
	AuthorityInfo      = Of(1, 3, 6, 1, 5, 5, 7, 1, 1)
	AccessOCSP         = Of(1, 3, 6, 1, 5, 5, 7, 48, 1)
	AccessCAIssuers    = Of(1, 3, 6, 1, 5, 5, 7, 48, 2)
	OCSPNoCheck        = Of(1, 3, 6, 1, 5, 5, 7, 48, 1, 5)
	OCSPNonce          = Of(1, 3, 6, 1, 5, 5, 7, 48, 1, 2)
	OCSPBasic          = Of(1, 3, 6, 1, 5, 5, 7, 48, 1, 1)
	UsageServerAuth    = Of(1, 3, 6, 1, 5, 5, 7, 3, 1)
	UsageClientAuth    = Of(1, 3, 6, 1, 5, 5, 7, 3, 2)
	UsageTimeStamping  = Of(1, 3, 6, 1, 5, 5, 7, 3, 8)
	UsageOCSPSigning   = Of(1, 3, 6, 1, 5, 5, 7, 3, 9)
	UsageAny           = Of(2, 5, 29, 37, 0)
	IdentifyCode       = Of(1, 2, 156, 10260, 4, 1, 1) // read, never written: a citizen's number
	InsuranceNumber    = Of(1, 2, 156, 10260, 4, 1, 2)
	RegistrationNumber = Of(1, 2, 156, 10260, 4, 1, 3)
	OrganizationCode   = Of(1, 2, 156, 10260, 4, 1, 4)
	TaxationNumber     = Of(1, 2, 156, 10260, 4, 1, 5)
	// StatusEntry is ours. Nobody has registered an arc for this project, so it is of the
	// one for examples (RFC 5612): a domain that runs it in earnest puts one of its own
	// here, in its authorities and its verifiers alike, before it issues.
	StatusEntry = Of(1, 3, 6, 1, 4, 1, 32473, 1, 2)
)

// Ours as [StatusEntry] is.
var (
	// Seen is what a signature on a document names as seen, an extension of TBS_Sign
	// (GB/T 38540) and a signed attribute of CMS.
	Seen = Of(1, 3, 6, 1, 4, 1, 32473, 1, 3)
	// Seal is the seal that a signature is made with, a signed attribute of CMS.
	Seal = Of(1, 3, 6, 1, 4, 1, 32473, 1, 4)
	// Issued is what a seal says of the page of a licence that its issuance has set, an
	// extension of TBS_Sign.
	Issued = Of(1, 3, 6, 1, 4, 1, 32473, 1, 6)
)

// Content types and attributes of CMS (RFC 5652, RFC 3161, GB/T 35275).
var (
	Data                 = Of(1, 2, 840, 113549, 1, 7, 1)
	SignedData           = Of(1, 2, 840, 113549, 1, 7, 2)
	GMData               = Of(1, 2, 156, 10197, 6, 1, 4, 2, 1)
	GMSignedData         = Of(1, 2, 156, 10197, 6, 1, 4, 2, 2)
	TSTInfo              = Of(1, 2, 840, 113549, 1, 9, 16, 1, 4)
	ContentType          = Of(1, 2, 840, 113549, 1, 9, 3)
	MessageDigest        = Of(1, 2, 840, 113549, 1, 9, 4)
	SigningTime          = Of(1, 2, 840, 113549, 1, 9, 5)
	SigningCertificateV2 = Of(1, 2, 840, 113549, 1, 9, 16, 2, 47)
	TimeStampToken       = Of(1, 2, 840, 113549, 1, 9, 16, 2, 14)
)

// Add writes an OBJECT IDENTIFIER.
func Add(b *cryptobyte.Builder, id ID) {
	b.AddUint8(uint8(cbasn1.OBJECT_IDENTIFIER))
	b.AddUint8(uint8(len(id)))
	b.AddBytes([]byte(id))
}

// maxLength bounds an identifier in content octets, so that its length is one byte. No
// real one comes near.
const maxLength = 127

// Read reads an OBJECT IDENTIFIER in DER of at most 127 content octets.
func Read(s *cryptobyte.String) (ID, bool) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, cbasn1.OBJECT_IDENTIFIER) || len(content) == 0 || len(content) > maxLength {
		return "", false
	}
	begins := true // an arc begins with the next octet
	for _, octet := range content {
		if begins && octet == 0x80 {
			return "", false // padded
		}
		begins = octet&0x80 == 0
	}
	return ID(content), begins
}

// Expect reads an OBJECT IDENTIFIER and reports whether it is the wanted one.
func Expect(s *cryptobyte.String, want ID) bool {
	id, ok := Read(s)
	return ok && id == want
}

// AddAlgorithm writes an AlgorithmIdentifier without parameters.
func AddAlgorithm(b *cryptobyte.Builder, id ID) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { Add(b, id) })
}

// ReadAlgorithm reads an AlgorithmIdentifier with parameters absent or NULL.
func ReadAlgorithm(s *cryptobyte.String) (ID, bool) {
	var algorithm, null cryptobyte.String
	if !s.ReadASN1(&algorithm, cbasn1.SEQUENCE) {
		return "", false
	}
	id, ok := Read(&algorithm)
	if !ok {
		return "", false
	}
	if !algorithm.Empty() && (!algorithm.ReadASN1(&null, cbasn1.NULL) || !null.Empty() || !algorithm.Empty()) {
		return "", false
	}
	return id, true
}

// ExpectAlgorithm reads an AlgorithmIdentifier and reports whether it is one of
// the wanted.
func ExpectAlgorithm(s *cryptobyte.String, want ...ID) bool {
	id, ok := ReadAlgorithm(s)
	return ok && slices.Contains(want, id)
}
