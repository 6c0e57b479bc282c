package cms

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the digests that crypto.Hash names
	_ "crypto/sha512"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// Western is a signature with RSA (PKCS #1 v1.5 or RSASSA-PSS), ECDSA or Ed25519
// and SHA-2, as foreign documents carry it. It is read so that somebody can be told what it says; it is a type
// of its own, so that it never stands for a national one.
type Western struct {
	Signer       *x509.Certificate
	Certificates []*x509.Certificate // all that are embedded and can be read
	SigningTime  time.Time           // the signer's claim; zero where it makes none
	Hash         crypto.Hash         // of the content
	Content      []byte              // nil where it is detached
	Unsigned     []Attribute         // proven by nobody
	algorithm    x509.SignatureAlgorithm
	salt         int    // of RSASSA-PSS, in bytes; zero for the other algorithms
	signed       []byte // the attributes as a SET OF, as received
	digest       []byte
	value        []byte
}

// ParseWestern reads a detached signature of data with one signer, signed attributes and
// the signer's certificate embedded, in DER or as programs that stream write it in BER.
// SHA-1 and keys of other kinds are refused, and RSASSA-PSS with two different digests. It
// verifies nothing.
func ParseWestern(message []byte) (*Western, error) {
	s, err := parseWestern(message, oid.Data)
	if err == nil && s.Content != nil {
		return nil, malformed("content is attached")
	}
	return s, err
}

// ParseWesternAttached is [ParseWestern] with attached content of the given type.
func ParseWesternAttached(message []byte, contentType oid.ID) (*Western, error) {
	s, err := parseWestern(message, contentType)
	if err == nil && s.Content == nil {
		return nil, malformed("content is not attached")
	}
	return s, err
}

func parseWestern(message []byte, contentType oid.ID) (*Western, error) {
	der, err := inDER(message)
	if err != nil {
		return nil, err
	}
	m, err := readMessage(der)
	if err != nil {
		return nil, err
	}
	if m.contentType != oid.SignedData || m.eContentType != contentType || !m.signer.hasSigned {
		return nil, malformed(fmt.Sprintf("not a signature of %s with signed attributes", contentType))
	}
	s := &Western{value: m.signer.value, Content: m.content}
	var ok bool
	if s.Hash, ok = WesternHash(m.signer.digest); !ok {
		return nil, malformed(fmt.Sprintf("digest algorithm %s", m.signer.digest))
	}
	if m.signer.algorithm == rsaPSS {
		s.salt, ok = readPSS(m.signer.parameters, s.Hash)
	} else {
		s.algorithm, ok = westernAlgorithm(m.signer.algorithm, s.Hash)
		ok = ok && m.signer.parameters == nil
	}
	if !ok {
		return nil, malformed(fmt.Sprintf("signature algorithm %s", m.signer.algorithm))
	}
	list, err := s.attributes(m)
	if err != nil {
		return nil, err
	}
	// Nobody proves these. Where they are not a list as it is read here, with a type twice
	// for example, they are left out.
	if s.Unsigned, err = readAttributes(m.signer.unsigned, false); err != nil {
		s.Unsigned = nil
	}
	named, isNamed, err := signingCertificate(list, sha2...)
	if err != nil {
		return nil, err
	}
	for _, der := range m.certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		s.Certificates = append(s.Certificates, c)
		if m.signer.namesWestern(c) && s.Signer == nil && (!isNamed || named.of(der)) {
			s.Signer = c
		}
	}
	if s.Signer == nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, ErrNoSigner)
	}
	return s, nil
}

// sha2 are the digests of foreign signatures: SHA-256, SHA-384, SHA-512.
var sha2 = []oid.ID{oid.SHA256, oid.Of(2, 16, 840, 1, 101, 3, 4, 2, 2), oid.Of(2, 16, 840, 1, 101, 3, 4, 2, 3)}

// WesternHash returns the digest of foreign signatures that an identifier names: one of
// SHA-2.
func WesternHash(id oid.ID) (crypto.Hash, bool) {
	i := slices.Index(sha2, id)
	if i < 0 {
		return 0, false
	}
	return []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}[i], true
}

// westernAlgorithm also takes the bare name of RSA, with which the digest says the rest.
func westernAlgorithm(id oid.ID, h crypto.Hash) (x509.SignatureAlgorithm, bool) {
	type pair struct {
		id oid.ID
		h  crypto.Hash
	}
	rsa := func(n int) oid.ID { return oid.Of(1, 2, 840, 113549, 1, 1, n) }
	ecdsa := func(n int) oid.ID { return oid.Of(1, 2, 840, 10045, 4, 3, n) }
	a, ok := map[pair]x509.SignatureAlgorithm{
		{rsa(1), crypto.SHA256}: x509.SHA256WithRSA, {rsa(1), crypto.SHA384}: x509.SHA384WithRSA, {rsa(1), crypto.SHA512}: x509.SHA512WithRSA,
		{rsa(11), crypto.SHA256}: x509.SHA256WithRSA, {rsa(12), crypto.SHA384}: x509.SHA384WithRSA, {rsa(13), crypto.SHA512}: x509.SHA512WithRSA,
		{ecdsa(2), crypto.SHA256}: x509.ECDSAWithSHA256, {ecdsa(3), crypto.SHA384}: x509.ECDSAWithSHA384, {ecdsa(4), crypto.SHA512}: x509.ECDSAWithSHA512,
		{oid.Of(1, 3, 101, 112), crypto.SHA512}: x509.PureEd25519, // RFC 8419, 3
	}[pair{id, h}]
	return a, ok
}

// attributes reads the signed attributes.
func (s *Western) attributes(m *message) ([]Attribute, error) {
	list, err := readAttributes(m.signer.signed, false)
	if err != nil {
		return nil, fmt.Errorf("signed %w: %w", err, ErrMalformed)
	}
	var set cryptobyte.Builder
	set.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(m.signer.signed) })
	if s.signed, err = set.Bytes(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	value, ok := single(list, oid.ContentType)
	id, isID := oid.Read(&value)
	if !ok || !isID || !value.Empty() || id != m.eContentType {
		return nil, malformed("contentType is missing or not the content's")
	}
	var digest cryptobyte.String
	value, ok = single(list, oid.MessageDigest)
	if !ok || !value.ReadASN1(&digest, cbasn1.OCTET_STRING) || !value.Empty() || len(digest) != s.Hash.Size() {
		return nil, malformed("messageDigest is missing or of another size")
	}
	s.digest = digest
	if value, ok = single(list, oid.SigningTime); ok && !readTime(&value, &s.SigningTime) {
		return nil, malformed("signingTime is not one time")
	}
	return list, nil
}

// namesWestern reports whether a signer is named by a certificate's issuer and serial number, or
// by its key identifier.
func (s *signerInfo) namesWestern(c *x509.Certificate) bool {
	if s.keyID != nil {
		return bytes.Equal(s.keyID, c.SubjectKeyId)
	}
	var serial cryptobyte.Builder
	serial.AddASN1BigInt(c.SerialNumber)
	der, err := serial.Bytes()
	return err == nil && bytes.Equal(s.issuer, c.RawIssuer) && bytes.Equal(s.serial, der)
}

// Verify checks the signature over content of which the digest, by [Western.Hash], is
// given. The certificate is not judged.
func (s *Western) Verify(digest []byte) error {
	if !bytes.Equal(digest, s.digest) || s.Content != nil && !bytes.Equal(s.sum(s.Content), s.digest) {
		return fmt.Errorf("the content has another digest: %w", ErrWrongSignature)
	}
	var err error
	if s.salt > 0 {
		err = verifyPSS(s.Signer.PublicKey, s.Hash, s.salt, s.signed, s.value)
	} else {
		err = s.Signer.CheckSignature(s.algorithm, s.signed, s.value)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWrongSignature, err)
	}
	return nil
}

func (s *Western) sum(content []byte) []byte {
	h := s.Hash.New()
	h.Write(content)
	return h.Sum(nil)
}

// VerifyContent is [Western.Verify] over the attached content.
func (s *Western) VerifyContent() error { return s.Verify(s.sum(s.Content)) }

// SignatureValue is what a signature-time-stamp is over.
func (s *Western) SignatureValue() []byte { return s.value }

// TimeStamps returns the time-stamp tokens of the unsigned attributes.
func (s *Western) TimeStamps() [][]byte {
	a, _ := find(s.Unsigned, oid.TimeStampToken)
	return a.Values
}
