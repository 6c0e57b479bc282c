package tsa

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
)

// Errors of verification.
var (
	// ErrOtherImprint: the token is for something else.
	ErrOtherImprint = errors.New("the time stamp is for something else")
	// ErrNotAuthority: the signer's certificate is not one for time stamps alone.
	ErrNotAuthority = errors.New("the signer is not a time-stamping authority")
	// ErrForged: the token's signature does not verify.
	ErrForged = errors.New("the time stamp's signature does not verify")
)

// Token is a time stamp that was read. Nothing about it is verified until
// [Token.Verify].
type Token struct {
	Info
	DER    []byte
	signed *cms.Signed
}

// ChainVerifier judges the signer's certificate as of a time: that a chain over the
// further certificates leads to an anchor for time stamps, and that nothing in it was
// revoked. The further certificates are trusted by nobody.
type ChainVerifier func(signer *cert.Certificate, at time.Time, further []*cert.Certificate) error

// ParseToken reads a token in DER: signed data, by RFC 5652 or GB/T 35275, over an
// attached TSTInfo, with the signer's certificate named by signing-certificate-v2. If
// the certificate is not embedded it is looked for among the known ones. ParseToken
// verifies nothing.
func ParseToken(der []byte, known ...*cert.Certificate) (*Token, error) {
	if len(der) > MaxResponse {
		return nil, malformed(fmt.Sprintf("token of %d bytes, at most %d are read", len(der), MaxResponse))
	}
	signed, err := cms.ParseTolerant(der, known...)
	if err != nil {
		return nil, fmt.Errorf("time-stamp token: %w: %w", ErrMalformed, err)
	}
	if signed.ContentType != oid.TSTInfo || signed.Content == nil {
		return nil, malformed("content is not an attached TSTInfo")
	}
	if signed.Signer == nil {
		return nil, fmt.Errorf("time-stamp token: %w", cms.ErrNoSigner)
	}
	if !signed.NamesCertificate() {
		return nil, malformed("token does not name its signer's certificate")
	}
	info, err := parseInfo(signed.Content)
	if err != nil {
		return nil, err
	}
	return &Token{Info: *info, DER: der, signed: signed}, nil
}

// Signer returns the certificate that the token names.
func (t *Token) Signer() *cert.Certificate { return t.signed.Signer }

// Earliest returns the first moment at which the stamp may have been made.
func (t *Token) Earliest() time.Time { return t.Time.Add(-t.Accuracy) }

// Latest returns the last moment at which the stamp may have been made: what was
// stamped existed then.
func (t *Token) Latest() time.Time { return t.Time.Add(t.Accuracy) }

// Verify checks everything that makes a token a proof: the signature (a refused one is
// put to the second opinion), that it is for the imprint, that its signer is a
// time-stamping authority (RFC 3161, 2.3: extendedKeyUsage critical and timeStamping
// alone), and the signer's chain as of the token's time.
func (t *Token) Verify(imprint Imprint, chain ChainVerifier, second pki.SecondOpinion) error {
	if err := t.signed.VerifyContent(second); err != nil {
		if errors.Is(err, cms.ErrWrongSignature) {
			return fmt.Errorf("%w: %w", ErrForged, err)
		}
		return fmt.Errorf("verifying a time stamp: %w", err)
	}
	if t.Imprint != imprint {
		return ErrOtherImprint
	}
	if err := checkAuthority(t.Signer()); err != nil {
		return err
	}
	if err := chain(t.Signer(), t.Time, t.signed.Certificates); err != nil {
		return fmt.Errorf("the time stamp's authority: %w", err)
	}
	return nil
}

// checkAuthority wants what RFC 3161, 2.3 wants of an authority's certificate.
func checkAuthority(c *cert.Certificate) error {
	usages := c.ExtUsages()
	_, critical, _ := c.Extension(oid.ExtKeyUsage)
	if !critical || len(usages) != 1 || usages[0] != oid.UsageTimeStamping {
		return fmt.Errorf("certificate of %s: extendedKeyUsage is not critical and timeStamping alone: %w", c.Subject, ErrNotAuthority)
	}
	if !c.MaySign() {
		return fmt.Errorf("certificate of %s is not for signing: %w", c.Subject, ErrNotAuthority)
	}
	return nil
}
