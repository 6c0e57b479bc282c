package cms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Errors of reading.
var (
	// ErrMalformed: not a CMS signature in the form that is read here.
	ErrMalformed = errors.New("malformed CMS signature")
	// ErrWrongSignature: the signature is not its signer's, or is for other
	// content.
	ErrWrongSignature = errors.New("CMS signature does not verify")
	// ErrNoSigner: the signer's certificate is neither embedded nor known.
	ErrNoSigner = errors.New("the signer's certificate is not there")
)

// MaxSize bounds a CMS signature that is read, in bytes.
const MaxSize = 1 << 20

// Bounds of what one signature may hold.
const (
	maxCertificates = 16
	maxCRLs         = 16
	maxSigners      = 16 // digest algorithms that may be listed
	maxKeyID        = 64 // bytes of a subject key identifier
)

// Signed is a signature that was read. Its certificates are as the message
// carries them: trusted by nobody yet.
type Signed struct {
	GM           bool   // the outer content type is that of GB/T 35275
	ContentType  oid.ID // eContentType
	Content      []byte // eContent; nil where it is detached
	Signer       *cert.Certificate
	Certificates []*cert.Certificate // all that are embedded
	Unread       [][]byte            // embedded certificates that are not read here; tolerant reading only
	CRLs         [][]byte            // DER, not looked at
	SigningTime  time.Time           // the signer's claim; zero where it makes none
	Attributes   []Attribute         // signed
	Unsigned     []Attribute         // proven by nobody

	info       signerInfo
	attributes []byte // DER of the SET OF as it was received; nil: the content itself is signed
	digest     []byte // messageDigest
	signature  pki.Signature
}

// Parse reads a detached signature of data strictly: what [Template] writes, with
// algorithm parameters absent or NULL and with either name of the signature
// algorithm. It verifies nothing.
func Parse(der []byte) (*Signed, error) { return Reader{}.Parse(der) }

// A Reader reads signatures for whoever keeps certificates that were read before.
type Reader struct {
	// Certificate is [cert.Parse], or returns what that found earlier of the same bytes.
	Certificate func(der []byte) (*cert.Certificate, error)
}

// Parse is [Parse].
func (r Reader) Parse(der []byte) (*Signed, error) {
	m, err := readMessage(der)
	if err != nil {
		return nil, err
	}
	if m.content != nil || m.eContentType != dataType(m.contentType) {
		return nil, malformed("content is not detached data")
	}
	parse := r.Certificate
	if parse == nil {
		parse = cert.Parse
	}
	s, err := m.strict(parse)
	if err != nil {
		return nil, err
	}
	if s.Signer == nil {
		return nil, malformed("the signer's certificate is not embedded")
	}
	return s, nil
}

// ParseAttached reads a signature with attached content of the given type, as
// strictly as [Parse]. The signer's certificate need not be embedded if it is
// among the known ones; if it is in neither place [Signed.Signer] is nil and
// nothing verifies.
func ParseAttached(der []byte, contentType oid.ID, known ...*cert.Certificate) (*Signed, error) {
	m, err := readMessage(der)
	if err != nil {
		return nil, err
	}
	if m.content == nil || m.eContentType != contentType {
		return nil, malformed(fmt.Sprintf("content is not attached and of type %s", contentType))
	}
	return m.strict(cert.Parse, known...)
}

// ParseTolerant reads what is in the field: see the package comment. What a
// signature must prove is the same as in [Parse].
func ParseTolerant(message []byte, known ...*cert.Certificate) (*Signed, error) {
	der, err := inDER(message)
	if err != nil {
		return nil, err
	}
	m, err := readMessage(der)
	if err != nil {
		return nil, err
	}
	return m.tolerant(known...)
}

// dataType returns the name of data that goes with an outer type.
func dataType(outer oid.ID) oid.ID {
	if outer == oid.GMSignedData {
		return oid.GMData
	}
	return oid.Data
}

func (m *message) strict(parse func([]byte) (*cert.Certificate, error), known ...*cert.Certificate) (*Signed, error) {
	if err := m.checkVersions(); err != nil {
		return nil, err
	}
	if len(m.digests) != 1 || m.digests[0] != oid.SM3 || m.signer.digest != oid.SM3 {
		return nil, malformed("digest algorithms are not SM3 alone")
	}
	if !m.signer.hasSigned {
		return nil, malformed("no signed attributes")
	}
	s, err := m.common()
	if err != nil {
		return nil, err
	}
	for _, der := range m.certificates {
		c, err := parse(der)
		if err != nil {
			return nil, fmt.Errorf("embedded certificate: %w: %w", ErrMalformed, err)
		}
		s.Certificates = append(s.Certificates, c)
	}
	if s.signature, err = pki.ParseSignatureDER(m.signer.value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := s.readSigned(true); err != nil {
		return nil, err
	}
	if _, found := find(s.Attributes, oid.SigningCertificateV2); !found {
		return nil, malformed("signing-certificate-v2 is missing")
	}
	return s, s.identify(known)
}

// checkVersions wants the numbers of RFC 5652, 5.1 and 5.3; GB/T 35275 has 1
// everywhere.
func (m *message) checkVersions() error {
	signer, data := 1, 1
	if m.signer.keyID != nil {
		signer = 3
	}
	if signer == 3 || m.eContentType != dataType(m.contentType) {
		data = 3
	}
	if m.contentType == oid.GMSignedData && m.signer.keyID == nil {
		data = 1
	}
	if m.version != data {
		return malformed(fmt.Sprintf("SignedData's version is not %d", data))
	}
	if m.signer.version != signer {
		return malformed(fmt.Sprintf("SignerInfo's version is not %d", signer))
	}
	return nil
}

func (m *message) tolerant(known ...*cert.Certificate) (*Signed, error) {
	if m.version < 1 || m.version > 5 || m.signer.version != 1 && m.signer.version != 3 {
		return nil, malformed("a version number that CMS does not have")
	}
	if !slices.Contains(m.digests, oid.SM3) || m.signer.digest != oid.SM3 {
		return nil, malformed("digest algorithm is not SM3")
	}
	s, err := m.common()
	if err != nil {
		return nil, err
	}
	for _, der := range m.certificates {
		c, err := cert.Parse(der)
		if err != nil {
			s.Unread = append(s.Unread, der)
			continue
		}
		s.Certificates = append(s.Certificates, c)
	}
	if s.signature, err = pki.ParseSignatureDER(m.signer.value); err != nil {
		if s.signature, err = pki.ParseSignature(m.signer.value); err != nil {
			return nil, malformed("the signature is neither DER nor 64 raw bytes")
		}
	}
	if !m.signer.hasSigned {
		if m.content == nil {
			return nil, malformed("neither signed attributes nor content")
		}
		// Without attributes the content itself is signed. A stranger could present the
		// attributes of another signature as such a content.
		if isAttributes(m.content) {
			return nil, malformed("signed attributes are presented as content")
		}
		return s, s.identify(known)
	}
	if err := s.readSigned(false); err != nil {
		return nil, err
	}
	return s, s.identify(known)
}

// common reads what both ways of reading have in common.
func (m *message) common() (*Signed, error) {
	if m.signer.algorithm != oid.SM2WithSM3 && m.signer.algorithm != oid.SM2Sign || m.signer.parameters != nil {
		return nil, malformed("signature algorithm is not SM2 with SM3")
	}
	s := &Signed{
		GM: m.contentType == oid.GMSignedData, ContentType: m.eContentType, Content: m.content, CRLs: m.crls, info: m.signer,
	}
	if !m.signer.hasUnsigned {
		return s, nil
	}
	var err error
	if s.Unsigned, err = readAttributes(m.signer.unsigned, false); err != nil {
		return nil, fmt.Errorf("unsigned %w: %w", err, ErrMalformed)
	}
	if len(s.Unsigned) == 0 {
		return nil, malformed("unsigned attributes are an empty list")
	}
	return s, nil
}

// isAttributes reports whether bytes are the DER of signed attributes.
func isAttributes(der []byte) bool {
	input := cryptobyte.String(der)
	var content cryptobyte.String
	if !input.ReadASN1(&content, cbasn1.SET) || !input.Empty() {
		return false
	}
	_, err := readAttributes(content, false)
	return err == nil
}

// readSigned reads the signed attributes: contentType and messageDigest must be
// there; signing-time is read; others are kept and not looked at.
func (s *Signed) readSigned(strict bool) error {
	var err error
	if s.Attributes, err = readAttributes(s.info.signed, strict); err != nil {
		return fmt.Errorf("signed %w: %w", err, ErrMalformed)
	}
	// The bytes that were signed are those received under the tag of SET
	// (RFC 5652, 5.4).
	set := cryptobyte.NewBuilder(make([]byte, 0, len(s.info.signed)+headerRoom))
	set.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(s.info.signed) })
	if s.attributes, err = set.Bytes(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	value, ok := single(s.Attributes, oid.ContentType)
	id, isID := oid.Read(&value)
	if !ok || !isID || !value.Empty() || !sameType(id, s.ContentType, strict) {
		return malformed("contentType is missing or not the content's")
	}
	var digest cryptobyte.String
	value, ok = single(s.Attributes, oid.MessageDigest)
	if !ok || !value.ReadASN1(&digest, cbasn1.OCTET_STRING) || !value.Empty() || len(digest) != sm3.Size {
		return malformed("messageDigest is missing or not 32 bytes")
	}
	s.digest = digest
	if _, found := find(s.Attributes, oid.SigningTime); found {
		value, ok = single(s.Attributes, oid.SigningTime)
		if !ok || !readTime(&value, &s.SigningTime) || !value.Empty() {
			return malformed("signingTime is not one time")
		}
	}
	return nil
}

// sameType compares the two places of the content's type. In the field the two
// names of data stand for each other.
func sameType(attribute, content oid.ID, strict bool) bool {
	isData := func(id oid.ID) bool { return id == oid.Data || id == oid.GMData }
	return attribute == content || !strict && isData(attribute) && isData(content)
}

// readTime reads a Time in the form of DER: UTC with seconds, UTCTime through 2049.
func readTime(s *cryptobyte.String, t *time.Time) bool {
	var element cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1Element(&element, &tag) {
		return false
	}
	received := bytes.Clone(element)
	switch tag {
	case cbasn1.UTCTime:
		if !element.ReadASN1UTCTime(t) {
			return false
		}
	case cbasn1.GeneralizedTime:
		if !element.ReadASN1GeneralizedTime(t) {
			return false
		}
	default:
		return false
	}
	var b cryptobyte.Builder
	cert.AddTime(&b, *t)
	der, err := b.Bytes()
	return err == nil && bytes.Equal(der, received)
}

// identify finds the signer's certificate. If signing-certificate-v2 is there, it
// must name it.
func (s *Signed) identify(known []*cert.Certificate) error {
	hash, hasHash, err := signingCertificate(s.Attributes, oid.SM3, oid.SHA256)
	if err != nil {
		return err
	}
	another := false
	for _, c := range slices.Concat(s.Certificates, known) {
		if !s.info.names(c) {
			continue
		}
		if hasHash && !hash.of(c.DER) {
			another = true
			continue
		}
		s.Signer = c
		return nil
	}
	if another {
		return malformed("signing-certificate-v2 names another certificate")
	}
	return nil
}

// names reports whether a SignerIdentifier is a certificate's.
func (s *signerInfo) names(c *cert.Certificate) bool {
	if s.keyID != nil {
		return bytes.Equal(s.keyID, c.SubjectKeyID())
	}
	serial, err := c.SerialDER()
	return err == nil && bytes.Equal(serial, s.serial) && bytes.Equal(c.RawIssuer(), s.issuer)
}

// certificateHash is the hash of a certificate in an ESSCertIDv2.
type certificateHash struct {
	algorithm oid.ID
	sum       []byte
}

func (h certificateHash) of(der []byte) bool {
	if western, ok := WesternHash(h.algorithm); ok {
		sum := western.New()
		sum.Write(der)
		return bytes.Equal(h.sum, sum.Sum(nil))
	}
	sum := sm3.Sum(der)
	return h.algorithm == oid.SM3 && bytes.Equal(h.sum, sum[:])
}

// signingCertificate reads the first ESSCertIDv2 (RFC 5035, 4) of signed attributes: the
// signer's certificate by its digest, with one of some algorithms. What else the attribute
// says is not needed: the digest names one certificate.
func signingCertificate(attributes []Attribute, algorithms ...oid.ID) (certificateHash, bool, error) {
	if _, found := find(attributes, oid.SigningCertificateV2); !found {
		return certificateHash{}, false, nil
	}
	bad := malformed("signing-certificate-v2 is not one list of certificates by a digest that is read here")
	value, ok := single(attributes, oid.SigningCertificateV2)
	var sequence, certs, id, sum cryptobyte.String
	if !ok || !value.ReadASN1(&sequence, cbasn1.SEQUENCE) || !value.Empty() ||
		!sequence.ReadASN1(&certs, cbasn1.SEQUENCE) || !certs.ReadASN1(&id, cbasn1.SEQUENCE) {
		return certificateHash{}, false, bad
	}
	h := certificateHash{algorithm: oid.SHA256} // the default of ESSCertIDv2
	if id.PeekASN1Tag(cbasn1.SEQUENCE) {
		if h.algorithm, ok = oid.ReadAlgorithm(&id); !ok || !slices.Contains(algorithms, h.algorithm) {
			return certificateHash{}, false, bad
		}
	}
	if !id.ReadASN1(&sum, cbasn1.OCTET_STRING) {
		return certificateHash{}, false, bad
	}
	h.sum = sum
	return h, true, nil
}
