package path

import (
	"slices"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// policies is the state of policy processing (RFC 5280, 6.1.1 to 6.1.5). As mappings
// are inhibited, every node of the standard's tree has the policy of its parent or
// hangs from anyPolicy, and the tree's lowest row is a set.
type policies struct {
	valid                    []oid.ID // the lowest row without anyPolicy
	any                      bool     // the lowest row has anyPolicy
	requireExplicit, inhibit int      // certificates until explicit policies are required, until anyPolicy ends
}

// newPolicies starts at the anchor. With explicit, a path without a common policy is
// refused.
func newPolicies(length int, explicit bool) policies {
	p := policies{any: true, requireExplicit: length + 1, inhibit: length + 1}
	if explicit {
		p.requireExplicit = 0
	}
	return p
}

// pass processes the policies of one certificate (6.1.3 d to f).
func (p *policies) pass(c *cert.Certificate, last bool) error {
	asserted := c.Policy().IDs
	var valid []oid.ID
	for _, id := range asserted {
		if id != oid.AnyPolicy && (p.any || slices.Contains(p.valid, id)) {
			valid = append(valid, id)
		}
	}
	anyHolds := slices.Contains(asserted, oid.AnyPolicy) && (p.inhibit > 0 || !last && c.SelfIssued())
	if anyHolds {
		for _, id := range p.valid {
			if !slices.Contains(valid, id) {
				valid = append(valid, id)
			}
		}
	}
	p.valid, p.any = valid, p.any && anyHolds
	if p.requireExplicit == 0 && p.empty() {
		return ErrPolicy
	}
	return nil
}

func (p *policies) empty() bool { return !p.any && len(p.valid) == 0 }

// prepare goes from an authority to the next certificate (6.1.4 a, b, h to j).
func (p *policies) prepare(c *cert.Certificate) error {
	said := c.Policy()
	if said.MapsAny {
		return ErrPolicy
	}
	// The standard would delete the policies of the issuer's side only, and a policy of
	// the other side could come back through anyPolicy with another meaning.
	p.valid = slices.DeleteFunc(p.valid, func(id oid.ID) bool { return slices.Contains(said.Mapped, id) })
	p.any = p.any && len(said.Mapped) == 0
	if !c.SelfIssued() {
		p.requireExplicit = max(0, p.requireExplicit-1)
		p.inhibit = max(0, p.inhibit-1)
	}
	p.limit(said)
	return nil
}

// limit takes over an authority's own limits.
func (p *policies) limit(said cert.Policy) {
	if said.RequireExplicit >= 0 {
		p.requireExplicit = min(p.requireExplicit, said.RequireExplicit)
	}
	if said.InhibitAny >= 0 {
		p.inhibit = min(p.inhibit, said.InhibitAny)
	}
}

// wrapUp ends at the certificate in question (6.1.5 a, b and g).
func (p *policies) wrapUp(c *cert.Certificate, wanted []oid.ID) error {
	explicit := max(0, p.requireExplicit-1)
	if c.Policy().RequireExplicit == 0 {
		explicit = 0
	}
	common := !p.empty()
	if len(wanted) > 0 && !slices.Contains(wanted, oid.AnyPolicy) {
		common = p.any || slices.ContainsFunc(p.valid, func(id oid.ID) bool { return slices.Contains(wanted, id) })
	}
	if explicit == 0 && !common {
		return ErrPolicy
	}
	return nil
}
