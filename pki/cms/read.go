package cms

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// Errors of reading.
var (
	// ErrMalformed: not a CMS signature in the form that is read here.
	ErrMalformed = errors.New("malformed CMS signature")
	// ErrWrongSignature: the signature is not its signer's, or is for other
	// content.
	ErrWrongSignature = errors.New("CMS signature does not verify")
)

// MaxSize bounds a CMS signature that is read, in bytes.
const MaxSize = 1 << 20

// maxCertificates bounds the certificates in one signature.
const maxCertificates = 16

// Signed is a signature that was read. Its certificates are as the message
// carries them: trusted by nobody yet.
type Signed struct {
	Signer       *cert.Certificate
	Certificates []*cert.Certificate // all that are embedded
	attributes   []byte              // DER, as SET OF
	digest       []byte              // messageDigest
	signature    pki.Signature
}

// Parse reads a detached signature strictly. It verifies nothing.
func Parse(der []byte) (*Signed, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(der), MaxSize, ErrMalformed)
	}
	bad := func(what string) (*Signed, error) { return nil, fmt.Errorf("%s: %w", what, ErrMalformed) }
	context0 := cbasn1.Tag(0).Constructed().ContextSpecific()

	input := cryptobyte.String(der)
	var info, explicit, signedData cryptobyte.String
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !input.Empty() || !readOID(&info, oidSignedData) ||
		!info.ReadASN1(&explicit, context0) || !info.Empty() ||
		!explicit.ReadASN1(&signedData, cbasn1.SEQUENCE) || !explicit.Empty() {
		return bad("not ContentInfo of signedData in DER")
	}
	var version int
	var digests, encap, certificates, signerInfos, signerInfo cryptobyte.String
	if !signedData.ReadASN1Integer(&version) || version != 1 {
		return bad("SignedData's version is not 1")
	}
	if !signedData.ReadASN1(&digests, cbasn1.SET) || !readAlgorithm(&digests, oidSM3) || !digests.Empty() {
		return bad("digest algorithms are not SM3 alone")
	}
	if !signedData.ReadASN1(&encap, cbasn1.SEQUENCE) || !readOID(&encap, oidData) || !encap.Empty() {
		return bad("content is not detached id-data")
	}
	if !signedData.ReadASN1(&certificates, context0) {
		return bad("no certificates")
	}
	if !signedData.ReadASN1(&signerInfos, cbasn1.SET) || !signedData.Empty() ||
		!signerInfos.ReadASN1(&signerInfo, cbasn1.SEQUENCE) || !signerInfos.Empty() {
		return bad("not exactly one signer")
	}
	s := new(Signed)
	for !certificates.Empty() {
		var c cryptobyte.String
		if len(s.Certificates) == maxCertificates || !certificates.ReadASN1Element(&c, cbasn1.SEQUENCE) {
			return bad("certificates are not a list of at most 16")
		}
		parsed, err := cert.Parse(c)
		if err != nil {
			return nil, fmt.Errorf("embedded certificate: %w: %w", ErrMalformed, err)
		}
		s.Certificates = append(s.Certificates, parsed)
	}
	if err := s.readSigner(signerInfo); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Signed) readSigner(info cryptobyte.String) error {
	bad := func(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }
	var version int
	var sid, issuer, serial, attributes, signature cryptobyte.String
	if !info.ReadASN1Integer(&version) || version != 1 {
		return bad("SignerInfo's version is not 1")
	}
	if !info.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!sid.ReadASN1Element(&serial, cbasn1.INTEGER) || !sid.Empty() {
		return bad("signer is not named by issuer and serial number")
	}
	if !readAlgorithm(&info, oidSM3) {
		return bad("signer's digest is not SM3")
	}
	if !info.ReadASN1(&attributes, cbasn1.Tag(0).Constructed().ContextSpecific()) {
		return bad("no signed attributes")
	}
	if !readAlgorithm(&info, oidSM2WithSM3, oidSM2Sign) {
		return bad("signature algorithm is not SM2 with SM3")
	}
	if !info.ReadASN1(&signature, cbasn1.OCTET_STRING) || !info.Empty() {
		return bad("no signature, or something follows it")
	}
	sig, err := pki.ParseSignatureDER(signature)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	s.signature = sig
	for _, c := range s.Certificates {
		der, err := c.SerialDER()
		if err == nil && bytes.Equal(der, serial) && bytes.Equal(c.RawIssuer(), issuer) {
			s.Signer = c
		}
	}
	if s.Signer == nil {
		return bad("the signer's certificate is not embedded")
	}
	var set cryptobyte.Builder
	set.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	if s.attributes, err = set.Bytes(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return s.readAttributes(attributes)
}

// readAttributes wants contentType, messageDigest and signing-certificate-v2,
// each once; others are allowed and not looked at.
func (s *Signed) readAttributes(attributes cryptobyte.String) error {
	bad := func(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }
	seen := make(map[string]cryptobyte.String)
	for !attributes.Empty() {
		var attribute, values cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) ||
			!attribute.ReadASN1(&values, cbasn1.SET) || !attribute.Empty() {
			return bad("signed attributes are not a list of attributes")
		}
		if _, twice := seen[oid.String()]; twice {
			return bad("a signed attribute stands twice")
		}
		seen[oid.String()] = values
	}
	contentType := seen[oidContentType.String()]
	if !readOID(&contentType, oidData) || !contentType.Empty() {
		return bad("contentType is not id-data")
	}
	digest := seen[oidMessageDigest.String()]
	var content cryptobyte.String
	if !digest.ReadASN1(&content, cbasn1.OCTET_STRING) || !digest.Empty() || len(content) != sm3.Size {
		return bad("messageDigest is not 32 bytes")
	}
	s.digest = content
	signingCert := seen[oidSigningCertificateV2.String()]
	var sequence, certs, id, hash cryptobyte.String
	if !signingCert.ReadASN1(&sequence, cbasn1.SEQUENCE) || !signingCert.Empty() || !sequence.ReadASN1(&certs, cbasn1.SEQUENCE) ||
		!certs.ReadASN1(&id, cbasn1.SEQUENCE) || !readAlgorithm(&id, oidSM3) || !id.ReadASN1(&hash, cbasn1.OCTET_STRING) {
		return bad("signing-certificate-v2 is missing or not with SM3")
	}
	if want := sm3.Sum(s.Signer.DER); !bytes.Equal(hash, want[:]) {
		return bad("signing-certificate-v2 names another certificate")
	}
	return nil
}

// Verify checks the signature over content with the given SM3 digest. The
// signer's certificate is not judged here. With a second opinion a refused
// signature is put to it; [pki.ErrDisagree] and [pki.ErrBusy] are not
// [ErrWrongSignature].
func (s *Signed) Verify(contentSM3 [sm3.Size]byte, second pki.SecondOpinion) error {
	if !bytes.Equal(s.digest, contentSM3[:]) {
		return fmt.Errorf("the content has another digest: %w", ErrWrongSignature)
	}
	return pki.Judge(s.Signer.Key, s.attributes, s.signature, second).Err(ErrWrongSignature)
}

func readOID(s *cryptobyte.String, want asn1.ObjectIdentifier) bool {
	var oid asn1.ObjectIdentifier
	return s.ReadASN1ObjectIdentifier(&oid) && oid.Equal(want)
}

// readAlgorithm reads an AlgorithmIdentifier with one of the wanted OIDs and
// parameters absent or NULL.
func readAlgorithm(s *cryptobyte.String, want ...asn1.ObjectIdentifier) bool {
	var algorithm, null cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return false
	}
	if !algorithm.Empty() && (!algorithm.ReadASN1(&null, cbasn1.NULL) || !null.Empty() || !algorithm.Empty()) {
		return false
	}
	for _, w := range want {
		if oid.Equal(w) {
			return true
		}
	}
	return false
}
