package cert

import (
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/smx509"
)

// ErrUntrusted says that no valid chain leads from a certificate to an anchor of
// the pool.
var ErrUntrusted = errors.New("no chain to a trust anchor")

// Pool holds the trust anchors for one purpose and the certificates that may
// stand between. An anchor need not be a root: seals are judged by the authority
// for seals, persons by the authority for persons, so that a person's
// certificate can never pass for a seal's.
type Pool struct {
	anchors       *smx509.CertPool
	intermediates *smx509.CertPool
}

// NewPool returns a pool with the given anchors, which must be CA certificates.
func NewPool(anchors ...*Certificate) (*Pool, error) {
	p := &Pool{smx509.NewCertPool(), smx509.NewCertPool()}
	for _, a := range anchors {
		if !a.IsCA() {
			return nil, fmt.Errorf("trust anchor %s is not a CA certificate", a.Subject)
		}
		p.anchors.AddCert(a.x509)
	}
	return p, nil
}

// AddIntermediate adds a certificate that may stand in a chain. It is not
// trusted by itself.
func (p *Pool) AddIntermediate(c *Certificate) { p.intermediates.AddCert(c.x509) }

// Verify builds and validates a chain from a certificate to an anchor as of the
// given time (RFC 5280, 6: signatures, dates, basic constraints, path length,
// key usage of the authorities, critical extensions). The error wraps
// [ErrUntrusted].
func (p *Pool) Verify(c *Certificate, at time.Time, further ...*Certificate) error {
	intermediates := p.intermediates
	if len(further) > 0 {
		intermediates = p.intermediates.Clone()
		for _, f := range further {
			intermediates.AddCert(f.x509)
		}
	}
	_, err := c.x509.Verify(smx509.VerifyOptions{
		Roots:         p.anchors,
		Intermediates: intermediates,
		CurrentTime:   at,
		KeyUsages:     []smx509.ExtKeyUsage{smx509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("certificate of %s: %w: %w", c.Subject, ErrUntrusted, err)
	}
	return nil
}
