package tsa

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
)

// Western is a time stamp of a foreign authority, by RSA, ECDSA or Ed25519 and SHA-2. It is
// read so that somebody can be told what it says; it is a type of its own, so that it
// never stands for a proof.
type Western struct {
	Info   // without the imprint
	Hash   crypto.Hash
	digest []byte
	signed *cms.Western
}

// ParseWestern reads a foreign token with its signer's certificate embedded. It verifies
// nothing.
func ParseWestern(der []byte) (*Western, error) {
	if len(der) > MaxResponse {
		return nil, malformed(fmt.Sprintf("token of %d bytes, at most %d are read", len(der), MaxResponse))
	}
	signed, err := cms.ParseWesternAttached(der, oid.TSTInfo)
	if err != nil {
		return nil, fmt.Errorf("time-stamp token: %w: %w", ErrMalformed, err)
	}
	t := &Western{signed: signed}
	info, err := readInfo(signed.Content, t.readImprint)
	if err != nil {
		return nil, err
	}
	t.Info = *info
	return t, nil
}

func (t *Western) readImprint(s *cryptobyte.String) error {
	var sequence, digest cryptobyte.String
	if !s.ReadASN1(&sequence, cbasn1.SEQUENCE) {
		return errors.New("message imprint is not a SEQUENCE")
	}
	id, ok := oid.ReadAlgorithm(&sequence)
	var known bool
	if t.Hash, known = cms.WesternHash(id); !ok || !known {
		return fmt.Errorf("hash algorithm %s is not of SHA-2", id)
	}
	if !sequence.ReadASN1(&digest, cbasn1.OCTET_STRING) || !sequence.Empty() || len(digest) != t.Hash.Size() {
		return errors.New("message imprint has no digest of its algorithm's size")
	}
	t.digest = digest
	return nil
}

// Signer returns the certificate that verifies.
func (t *Western) Signer() *x509.Certificate { return t.signed.Signer }

// Verify checks the signature, that it is for content with a digest by [Western.Hash], and
// that the signer's certificate is for time stamps. Who certified it is not judged.
func (t *Western) Verify(digest []byte) error {
	if err := t.signed.VerifyContent(); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	if !bytes.Equal(digest, t.digest) {
		return ErrOtherImprint
	}
	if !slices.Contains(t.Signer().ExtKeyUsage, x509.ExtKeyUsageTimeStamping) {
		return fmt.Errorf("certificate of %s is not for time stamps: %w", t.Signer().Subject, ErrNotAuthority)
	}
	return nil
}
