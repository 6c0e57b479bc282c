package path

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
)

// Responses gives the OCSP response for a certificate: one that came with it, one that
// is kept, or a fresh one from the responder. It need not be verified.
type Responses interface {
	Response(ctx context.Context, c, issuer *cert.Certificate) (*ocsp.Response, error)
}

// OCSP is a [Revocation] from OCSP responses.
type OCSP struct {
	responses Responses
	second    pki.SecondOpinion
	now       func() time.Time
}

// NewOCSP returns a source over responses.
func NewOCSP(responses Responses, second pki.SecondOpinion, now func() time.Time) *OCSP {
	return &OCSP{responses, second, now}
}

// Why a response does not count.
var (
	ErrNoResponse  = errors.New("no OCSP response for the certificate")
	ErrUnknownCert = errors.New("the OCSP responder does not know the certificate")
)

// Status implements [Revocation]. A revocation counts however old the response is; a
// good status only while it is current or, for a proven moment, was current then or
// later. "Unknown" is no answer.
func (s *OCSP) Status(ctx context.Context, c, issuer *cert.Certificate, when Moment) (Answer, error) {
	response, err := s.responses.Response(ctx, c, issuer)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrNoResponse, err)
	}
	now := s.now()
	if err := response.Verify(issuer, now, s.second); err != nil {
		return Answer{}, err
	}
	single, found := response.Find(c, issuer)
	if !found {
		return Answer{}, ErrNoResponse
	}
	answer := Answer{Source: "OCSP", AsOf: single.ThisUpdate}
	switch {
	case single.Status == ocsp.Revoked:
		answer.Revocation = &single.Revocation
		if single.Revocation.Reason != cert.CertificateHold {
			return answer, nil
		}
	case single.Status != ocsp.Good:
		return Answer{}, ErrUnknownCert
	}
	if !current(single.CurrentAt, single.ThisUpdate, now, when) {
		return Answer{}, fmt.Errorf("OCSP response of %s: %w", single.ThisUpdate.UTC().Format(time.RFC3339), ErrStale)
	}
	return answer, nil
}
