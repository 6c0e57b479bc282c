package office

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// ledgerRevocation looks a certificate up where its status is decided: in the
// authorities' own records, which are never old.
type ledgerRevocation struct{ office *Office }

var _ path.Revocation = ledgerRevocation{}

// Status implements [path.Revocation]. A serial number that was never recorded has no
// status: if there is a certificate all the same, nobody was handed it.
func (l ledgerRevocation) Status(ctx context.Context, c, issuer *cert.Certificate, _ path.Moment) (path.Answer, error) {
	serial, ok := cert.SerialOf(c.SerialNumber())
	if !ok {
		return path.Answer{}, fmt.Errorf("serial number %s is none of the house: %w", c.Serial(), path.ErrNoStatus)
	}
	status, err := l.office.statusOf(ctx, issuer.Key.Point(), serial)
	if err != nil {
		return path.Answer{}, err
	}
	answer := path.Answer{Source: "ledger", AsOf: l.office.now()}
	switch status.State {
	case ca.Good:
		return answer, nil
	case ca.Held, ca.Revoked:
		answer.Revocation = &status.Revocation
		return answer, nil
	default:
		return path.Answer{}, fmt.Errorf("certificate %s was never issued: %w", serial, path.ErrNoStatus)
	}
}
