package cms

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// message is a ContentInfo of signed data taken apart: DER, one signer, sizes in
// bounds. What its parts mean is not judged.
type message struct {
	contentType   oid.ID // signedData of RFC 5652 or GB/T 35275
	version       int
	digests       []oid.ID
	eContentType  oid.ID
	content       []byte // nil: detached
	certificates  [][]byte
	crls          [][]byte
	beforeSigners []byte // SignedData up to signerInfos
	signer        signerInfo
}

type signerInfo struct {
	version        int
	issuer, serial []byte // DER; nil where keyID names the signer
	keyID          []byte
	digest         oid.ID
	signed         cryptobyte.String // content of signedAttrs
	hasSigned      bool
	algorithm      oid.ID
	parameters     []byte // of the algorithm, in DER; nil: absent or NULL
	value          []byte
	unsigned       cryptobyte.String // content of unsignedAttrs
	hasUnsigned    bool
	beforeUnsigned []byte // SignerInfo up to unsignedAttrs
}

func malformed(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }

func readMessage(der []byte) (*message, error) {
	if len(der) > MaxSize {
		return nil, malformed(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxSize))
	}
	input := cryptobyte.String(der)
	var info, explicit, signedData, digests, encap, certificates, crls, signers, signer cryptobyte.String
	m := new(message)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, malformed("not one ContentInfo in DER")
	}
	var ok bool
	if m.contentType, ok = oid.Read(&info); !ok || m.contentType != oid.SignedData && m.contentType != oid.GMSignedData {
		return nil, malformed("content is not signedData")
	}
	if !info.ReadASN1(&explicit, context(0)) || !info.Empty() || !explicit.ReadASN1(&signedData, cbasn1.SEQUENCE) || !explicit.Empty() {
		return nil, malformed("not one SignedData in DER")
	}
	whole := signedData
	if !signedData.ReadASN1Integer(&m.version) {
		return nil, malformed("SignedData has no version")
	}
	if !signedData.ReadASN1(&digests, cbasn1.SET) {
		return nil, malformed("SignedData has no digest algorithms")
	}
	for !digests.Empty() {
		id, ok := oid.ReadAlgorithm(&digests)
		if !ok || len(m.digests) == maxSigners {
			return nil, malformed("digest algorithms")
		}
		m.digests = append(m.digests, id)
	}
	if !signedData.ReadASN1(&encap, cbasn1.SEQUENCE) {
		return nil, malformed("SignedData has no content")
	}
	var err error
	if err = m.readContent(encap); err != nil {
		return nil, err
	}
	var hasCertificates, hasCRLs bool
	if !signedData.ReadOptionalASN1(&certificates, &hasCertificates, context(0)) || !signedData.ReadOptionalASN1(&crls, &hasCRLs, context(1)) {
		return nil, malformed("certificates or CRLs")
	}
	if m.certificates, err = readElements(certificates, maxCertificates); err != nil || hasCertificates && len(m.certificates) == 0 {
		return nil, malformed("certificates are not a list of 1 to 16")
	}
	if m.crls, err = readElements(crls, maxCRLs); err != nil || hasCRLs && len(m.crls) == 0 {
		return nil, malformed("CRLs are not a list of 1 to 16")
	}
	m.beforeSigners = whole[:len(whole)-len(signedData)]
	if !signedData.ReadASN1(&signers, cbasn1.SET) || !signedData.Empty() ||
		!signers.ReadASN1(&signer, cbasn1.SEQUENCE) || !signers.Empty() {
		return nil, malformed("not exactly one signer")
	}
	return m, m.signer.read(signer)
}

func (m *message) readContent(encap cryptobyte.String) error {
	var ok, attached bool
	if m.eContentType, ok = oid.Read(&encap); !ok {
		return malformed("content has no type")
	}
	var explicit, content cryptobyte.String
	if !encap.ReadOptionalASN1(&explicit, &attached, context(0)) || !encap.Empty() {
		return malformed("something follows the content")
	}
	if !attached {
		return nil
	}
	if !explicit.ReadASN1(&content, cbasn1.OCTET_STRING) || !explicit.Empty() {
		return malformed("content is not one OCTET STRING")
	}
	m.content = content
	return nil
}

// readElements reads a list of SEQUENCEs.
func readElements(list cryptobyte.String, limit int) ([][]byte, error) {
	var all [][]byte
	for !list.Empty() {
		var element cryptobyte.String
		if len(all) == limit || !list.ReadASN1Element(&element, cbasn1.SEQUENCE) {
			return nil, ErrMalformed
		}
		all = append(all, element)
	}
	return all, nil
}

func (s *signerInfo) read(info cryptobyte.String) error {
	whole := info
	if !info.ReadASN1Integer(&s.version) {
		return malformed("SignerInfo has no version")
	}
	if err := s.readIdentifier(&info); err != nil {
		return err
	}
	var ok bool
	if s.digest, ok = oid.ReadAlgorithm(&info); !ok {
		return malformed("signer's digest algorithm")
	}
	if !info.ReadOptionalASN1(&s.signed, &s.hasSigned, context(0)) {
		return malformed("signed attributes")
	}
	if !s.readAlgorithm(&info) {
		return malformed("signature algorithm")
	}
	var value cryptobyte.String
	if !info.ReadASN1(&value, cbasn1.OCTET_STRING) {
		return malformed("no signature")
	}
	s.value = value
	s.beforeUnsigned = whole[:len(whole)-len(info)]
	if !info.ReadOptionalASN1(&s.unsigned, &s.hasUnsigned, context(1)) || !info.Empty() {
		return malformed("something follows the signature")
	}
	return nil
}

// readAlgorithm reads the signature's AlgorithmIdentifier.
func (s *signerInfo) readAlgorithm(info *cryptobyte.String) bool {
	plain := *info
	var ok bool
	if s.algorithm, ok = oid.ReadAlgorithm(&plain); ok {
		*info = plain
		return true
	}
	var algorithm, parameters cryptobyte.String
	if !info.ReadASN1(&algorithm, cbasn1.SEQUENCE) {
		return false
	}
	if s.algorithm, ok = oid.Read(&algorithm); !ok || !algorithm.ReadASN1Element(&parameters, cbasn1.SEQUENCE) || !algorithm.Empty() {
		return false
	}
	s.parameters = parameters
	return true
}

// readIdentifier reads a SignerIdentifier (RFC 5652, 5.3): issuer and serial
// number, or the subject key identifier.
func (s *signerInfo) readIdentifier(info *cryptobyte.String) error {
	var sid, issuer, serial, keyID cryptobyte.String
	var byKey bool
	if !info.ReadOptionalASN1(&keyID, &byKey, cbasn1.Tag(0).ContextSpecific()) {
		return malformed("signer's key identifier")
	}
	if byKey {
		if len(keyID) == 0 || len(keyID) > maxKeyID {
			return malformed("signer's key identifier is empty or too long")
		}
		s.keyID = keyID
		return nil
	}
	if !info.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!sid.ReadASN1Element(&serial, cbasn1.INTEGER) || !sid.Empty() {
		return malformed("signer is named neither by issuer and serial number nor by key")
	}
	s.issuer, s.serial = issuer, serial
	return nil
}
