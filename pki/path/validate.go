package path

import (
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// processed are the extensions that may be critical, as this package or package
// cert acts on them. A critical distribution point is acted on by the source of
// revocation, whose list must cover the certificate.
var processed = []oid.ID{
	oid.BasicConstraints, oid.KeyUsage, oid.ExtKeyUsage, oid.SubjectAltName, oid.NameConstraints, oid.CRLPoints,
	oid.Policies, oid.PolicyMappings, oid.PolicyConstraints, oid.InhibitAnyPolicy,
}

// validate is RFC 5280, 6.1 without signatures, names of issuers and revocation: the
// search has looked at the first two, and revocation comes last as it may cost a
// network. The path is given from the certificate in question to the anchor; the
// error comes with the place of the certificate that has the fault.
func (s *search) validate(path []*cert.Certificate) (int, error) {
	r, _ := s.request.Purpose.rule()
	anchor := len(path) - 1
	explicit := s.request.ExplicitPolicy || len(s.request.Policies) > 0
	state := struct {
		names    names
		policies policies
		left     int // authorities that may still follow
	}{names{left: &s.names}, newPolicies(anchor, explicit), len(path)}

	for i := anchor; i >= 0; i-- {
		c := path[i]
		if err := checkAlone(c, s.request.When.At); err != nil {
			return i, err
		}
		last := i == 0
		if i != anchor {
			if last || !c.SelfIssued() {
				if err := state.names.check(c); err != nil {
					return i, err
				}
			}
			if err := state.policies.pass(c, last); err != nil {
				return i, err
			}
		}
		if last {
			break
		}
		if !c.IsCA() {
			return i, ErrNotAuthority
		}
		if err := r.checkExtUsages(c); err != nil {
			return i, err
		}
		if err := state.names.add(c); err != nil {
			return i, err
		}
		if i == anchor {
			state.policies.limit(c.Policy())
		} else {
			if err := state.policies.prepare(c); err != nil {
				return i, err
			}
			if !c.SelfIssued() {
				if state.left == 0 {
					return i, ErrPathLength
				}
				state.left--
			}
		}
		if n := c.PathLen(); n >= 0 {
			state.left = min(state.left, n)
		}
	}
	if err := r.checkEnd(path[0]); err != nil {
		return 0, err
	}
	if anchor == 0 {
		return 0, nil // an anchor in question is trusted as it stands
	}
	return 0, state.policies.wrapUp(path[0], s.request.Policies)
}

// checkAlone checks what one certificate shows by itself.
func checkAlone(c *cert.Certificate, at time.Time) error {
	if at.Before(c.NotBefore()) || at.After(c.NotAfter()) {
		return fmt.Errorf("%s is not between %s and %s: %w", at.UTC().Format(time.RFC3339),
			c.NotBefore().UTC().Format(time.RFC3339), c.NotAfter().UTC().Format(time.RFC3339), ErrDates)
	}
	for _, id := range c.CriticalExtensions() {
		if !slices.Contains(processed, id) {
			return fmt.Errorf("%s: %w", id, ErrCriticalExtension)
		}
	}
	if len(c.CanonicalIssuer()) == 0 {
		return fmt.Errorf("the issuer has no name: %w", ErrName)
	}
	if len(c.CanonicalSubject()) == 0 {
		_, critical, _ := c.Extension(oid.SubjectAltName)
		if c.IsCA() || !critical {
			return fmt.Errorf("the subject has no name: %w", ErrName)
		}
	}
	return nil
}
