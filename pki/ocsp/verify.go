package ocsp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Errors that callers decide on.
var (
	// ErrWrongResponder: the response is by nobody who may speak for the issuer.
	ErrWrongResponder = errors.New("not a responder of the issuer")
	// ErrWrongSignature: the signature is not the responder's.
	ErrWrongSignature = errors.New("the OCSP signature is not its responder's")
)

// Verify checks that the response was signed by the issuer itself or by a responder
// that the issuer has certified for it (RFC 6960, 4.2.2.2), whose certificate is
// embedded and valid at the given time. With a second opinion a refused signature is
// put to it; [pki.ErrDisagree] and [pki.ErrBusy] are not [ErrWrongSignature].
//
// What the response says of which certificate, and for when, is for [Response.Find]
// and [Single.CurrentAt]; whether the nonce is the one that was sent is for the
// caller.
func (r *Response) Verify(issuer *cert.Certificate, at time.Time, second pki.SecondOpinion) error {
	key, err := r.signer(issuer, at, second)
	if err != nil {
		return fmt.Errorf("OCSP response for %s: %w", issuer.Subject, err)
	}
	if err := pki.Judge(key, r.tbs, r.signature, second).Err(ErrWrongSignature); err != nil {
		return fmt.Errorf("OCSP response for %s: %w", issuer.Subject, err)
	}
	return nil
}

// signer returns the key that may have signed.
func (r *Response) signer(issuer *cert.Certificate, at time.Time, second pki.SecondOpinion) (*pki.PublicKey, error) {
	if r.by(issuer) {
		return issuer.Key, nil
	}
	i := slices.IndexFunc(r.Certificates, r.by)
	if i < 0 {
		return nil, fmt.Errorf("it names neither the issuer nor an embedded certificate: %w", ErrWrongResponder)
	}
	delegate := r.Certificates[i]
	if err := checkDelegate(delegate, issuer, second); err != nil {
		return nil, err
	}
	if at.Before(delegate.NotBefore()) || at.After(delegate.NotAfter()) {
		return nil, fmt.Errorf("the responder's certificate is not valid at %s: %w", at.UTC().Format(time.RFC3339), ErrWrongResponder)
	}
	return delegate.Key, nil
}

// by reports whether the responder ID names a certificate.
func (r *Response) by(c *cert.Certificate) bool {
	if r.responderName != nil {
		return bytes.Equal(r.responderName, c.RawSubject())
	}
	return bytes.Equal(r.responderKeyID, cert.KeyID(c.Key))
}

// checkDelegate checks that an issuer has certified a responder. Dates are not
// looked at.
func checkDelegate(delegate, issuer *cert.Certificate, second pki.SecondOpinion) error {
	bad := func(what string) error {
		return fmt.Errorf("responder %s: %s: %w", delegate.Subject, what, ErrWrongResponder)
	}
	switch _, _, noCheck := delegate.Extension(oid.OCSPNoCheck); {
	case !bytes.Equal(delegate.RawIssuer(), issuer.RawSubject()):
		return bad("certified by another")
	case !slices.Contains(delegate.ExtUsages(), oid.UsageOCSPSigning):
		return bad("not for OCSP")
	case !delegate.MaySign():
		return bad("may not sign")
	case !noCheck:
		return bad("its certificate could be revoked without anybody here knowing")
	}
	if delegate.SignedBy(issuer.Key, nil) == nil {
		return nil
	}
	// The second opinion is asked only about what the first has refused.
	err := delegate.SignedBy(issuer.Key, second)
	if errors.Is(err, pki.ErrDisagree) || errors.Is(err, pki.ErrBusy) {
		return err
	}
	return bad("its certificate is not signed by the issuer")
}
