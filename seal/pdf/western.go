package pdf

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/path"
)

// judgeWestern judges a foreign signature with RSA or ECDSA. That it is good can be said;
// whether its certificates were revoked cannot, as nobody is asked, so it never makes a
// document valid by itself.
func (s *Signed) judgeWestern(ctx context.Context, signature *cms.Western, trust Trust) {
	s.Kind, s.Western = SignerPerson, signature
	if s.SignedAt.IsZero() {
		s.SignedAt = signature.SigningTime
	}
	digest, err := s.westernDigest(signature.Hash)
	if err == nil {
		err = signature.Verify(digest)
	}
	s.check("signature", err)
	s.proveTime(ctx, signature.TimeStamps(), signature.SignatureValue(), trust)
	s.check("certificate", s.westernPath(trust))
}

func (s *Signed) westernPath(trust Trust) error {
	if trust.Imported == nil {
		return fmt.Errorf("%w: no foreign root is trusted here", path.ErrUntrusted)
	}
	further := x509.NewCertPool()
	for _, c := range s.Western.Certificates {
		further.AddCert(c)
	}
	at := s.SignedAt
	if s.Proof.Proven() {
		at = s.Proof.At
	}
	_, err := s.Western.Signer.Verify(x509.VerifyOptions{
		Roots: trust.Imported, Intermediates: further, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", path.ErrUntrusted, err)
	}
	return fmt.Errorf("%w: a foreign authority, of which nobody is asked what it revoked", path.ErrCannotSay)
}

// westernDigest hashes what the signature covers.
func (s *Signed) westernDigest(hash crypto.Hash) ([]byte, error) {
	h := hash.New()
	if _, err := io.Copy(h, s.Covered()); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
