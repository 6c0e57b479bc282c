package cms

import (
	"bytes"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// Verify checks the signature over content with the given SM3 digest; attached
// content must have that digest too. The signer's certificate is not judged here.
// With a second opinion a refused signature is put to it; [pki.ErrDisagree] and
// [pki.ErrBusy] are not [ErrWrongSignature].
func (s *Signed) Verify(contentSM3 [sm3.Size]byte, second pki.SecondOpinion) error {
	if s.Signer == nil {
		return ErrNoSigner
	}
	if s.Content != nil && sm3.Sum(s.Content) != contentSM3 || s.attributes != nil && !bytes.Equal(s.digest, contentSM3[:]) {
		return fmt.Errorf("the content has another digest: %w", ErrWrongSignature)
	}
	return pki.Judge(s.Signer.Key, s.Message(), s.signature, second).Err(ErrWrongSignature)
}

// VerifyContent is [Signed.Verify] over the attached content. A detached signature
// is [ErrWrongSignature].
func (s *Signed) VerifyContent(second pki.SecondOpinion) error {
	if s.Content == nil {
		return fmt.Errorf("no content is attached: %w", ErrWrongSignature)
	}
	return s.Verify(sm3.Sum(s.Content), second)
}

// Message returns what SM2 signed: the signed attributes, the DER of a SET OF Attribute, or
// the content where there are none.
func (s *Signed) Message() []byte {
	if s.attributes != nil {
		return s.attributes
	}
	return s.Content
}

// MessageDigest returns the SM3 of the content as the signed attributes say it, nil where
// there are none.
func (s *Signed) MessageDigest() []byte { return s.digest }

// SignatureValue returns the content of the signature's OCTET STRING: what a
// signature-time-stamp is over.
func (s *Signed) SignatureValue() []byte { return s.info.value }

// NamesCertificate reports whether a signed attribute, signing-certificate-v2,
// holds the hash of the signer's certificate.
func (s *Signed) NamesCertificate() bool {
	_, found := find(s.Attributes, oid.SigningCertificateV2)
	return found && s.Signer != nil
}

// Attribute returns the values of a signed attribute, each in DER.
func (s *Signed) Attribute(id oid.ID) ([][]byte, bool) {
	a, found := find(s.Attributes, id)
	return a.Values, found
}

// TimeStamps returns the time-stamp tokens of the unsigned attributes, in DER. Each
// is to be verified over [Signed.SignatureValue].
func (s *Signed) TimeStamps() [][]byte {
	a, _ := find(s.Unsigned, oid.TimeStampToken)
	return a.Values
}
