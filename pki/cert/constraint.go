package cert

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// constraints is what a certificate says of the paths that it may stand in, read
// once and strictly: an extension that cannot be understood whole is an error, so
// that nothing is ever taken for absent because it is malformed.
type constraints struct {
	basic     basicConstraints
	extUsages []oid.ID
	altNames  []GeneralName
	emails    []string
	subtrees  *Subtrees
	policy    Policy
}

type basicConstraints struct {
	ca      bool
	pathLen int // -1: not limited
}

// Policy is what a certificate says of certificate policies (RFC 5280, 4.2.1.4,
// 4.2.1.5, 4.2.1.11 and 4.2.1.14).
type Policy struct {
	IDs     []oid.ID // the policies it asserts, without their qualifiers; none: the extension is absent
	Mapped  []oid.ID // the policies on either side of a mapping
	MapsAny bool     // anyPolicy is mapped, which no path may have
	// After how many further certificates the rule holds; -1: it is not set.
	RequireExplicit, InhibitMapping, InhibitAny int
}

func (c *Certificate) readConstraints() error {
	k := constraints{basic: basicConstraints{pathLen: -1}, policy: Policy{RequireExplicit: -1, InhibitMapping: -1, InhibitAny: -1}}
	var err error
	for _, e := range []struct {
		id   oid.ID
		read func(value []byte) error
	}{
		{oid.BasicConstraints, func(v []byte) error { k.basic, err = readBasicConstraints(v); return err }},
		{oid.ExtKeyUsage, func(v []byte) error { k.extUsages, err = readExtUsages(v); return err }},
		{oid.SubjectAltName, func(v []byte) error { k.altNames, err = readAltNames(v); return err }},
		{oid.NameConstraints, func(v []byte) error { k.subtrees, err = readSubtrees(v); return err }},
		{oid.Policies, k.policy.readPolicies},
		{oid.PolicyMappings, k.policy.readMappings},
		{oid.PolicyConstraints, k.policy.readConstraints},
		{oid.InhibitAnyPolicy, k.policy.readInhibitAny},
	} {
		value, _, found := c.Extension(e.id)
		if !found {
			continue
		}
		if err := e.read(value); err != nil {
			return err
		}
	}
	k.emails, err = subjectEmails(c.RawSubject())
	if err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	c.constraints = k
	return nil
}

// PathLen returns how many authorities may follow below this one, not counting those
// that issued to themselves; -1 where the certificate sets no limit.
func (c *Certificate) PathLen() int { return c.constraints.basic.pathLen }

// AltNames returns the names of subjectAltName.
func (c *Certificate) AltNames() []GeneralName { return c.constraints.altNames }

// SubjectEmails returns the e-mail addresses in the subject's name, where old
// certificates have them.
func (c *Certificate) SubjectEmails() []string { return c.constraints.emails }

// NameConstraints returns the limits on names below an authority, or nil.
func (c *Certificate) NameConstraints() *Subtrees { return c.constraints.subtrees }

// Policy returns what the certificate says of certificate policies.
func (c *Certificate) Policy() Policy { return c.constraints.policy }

// CriticalExtensions returns the extensions that a reader must understand.
func (c *Certificate) CriticalExtensions() []oid.ID {
	var all []oid.ID
	for _, e := range c.extensions {
		if e.Critical {
			all = append(all, e.ID)
		}
	}
	return all
}

func readBasicConstraints(value []byte) (basicConstraints, error) {
	b := basicConstraints{pathLen: -1}
	input := cryptobyte.String(value)
	var inner cryptobyte.String
	ok := input.ReadASN1(&inner, cbasn1.SEQUENCE) && input.Empty()
	if ok && inner.PeekASN1Tag(cbasn1.BOOLEAN) {
		ok = inner.ReadASN1Boolean(&b.ca) // an explicit FALSE occurs in real certificates
	}
	if ok && inner.PeekASN1Tag(cbasn1.INTEGER) {
		ok = inner.ReadASN1Integer(&b.pathLen) && b.pathLen >= 0 && b.ca
	}
	if !ok || !inner.Empty() {
		return basicConstraints{}, errors.New("basicConstraints are malformed")
	}
	return b, nil
}

func readExtUsages(value []byte) ([]oid.ID, error) {
	ids, ok := readIDs(value)
	if !ok {
		return nil, errors.New("extendedKeyUsage is malformed")
	}
	return ids, nil
}

// readIDs reads a SEQUENCE of at least one OBJECT IDENTIFIER.
func readIDs(value []byte) ([]oid.ID, bool) {
	input := cryptobyte.String(value)
	var list cryptobyte.String
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !input.Empty() || list.Empty() {
		return nil, false
	}
	var all []oid.ID
	for !list.Empty() {
		id, ok := oid.Read(&list)
		if !ok {
			return nil, false
		}
		all = append(all, id)
	}
	return all, true
}

var errBadPolicies = errors.New("an extension of certificate policies is malformed")

func (p *Policy) readPolicies(value []byte) error {
	input := cryptobyte.String(value)
	var list cryptobyte.String
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !input.Empty() || list.Empty() {
		return errBadPolicies
	}
	seen := make(map[oid.ID]bool)
	for !list.Empty() {
		var information cryptobyte.String
		if !list.ReadASN1(&information, cbasn1.SEQUENCE) {
			return errBadPolicies
		}
		id, ok := oid.Read(&information)
		if ok && !information.Empty() { // qualifiers: text for people
			ok = information.SkipASN1(cbasn1.SEQUENCE) && information.Empty()
		}
		if !ok || seen[id] {
			return errBadPolicies
		}
		seen[id] = true
		p.IDs = append(p.IDs, id)
	}
	return nil
}

func (p *Policy) readMappings(value []byte) error {
	input := cryptobyte.String(value)
	var list cryptobyte.String
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !input.Empty() || list.Empty() {
		return errBadPolicies
	}
	for !list.Empty() {
		var pair cryptobyte.String
		if !list.ReadASN1(&pair, cbasn1.SEQUENCE) {
			return errBadPolicies
		}
		from, ok := oid.Read(&pair)
		to, also := oid.Read(&pair)
		if !ok || !also || !pair.Empty() {
			return errBadPolicies
		}
		p.Mapped = append(p.Mapped, from, to)
		p.MapsAny = p.MapsAny || from == oid.AnyPolicy || to == oid.AnyPolicy
	}
	return nil
}

func (p *Policy) readConstraints(value []byte) error {
	input := cryptobyte.String(value)
	var both cryptobyte.String
	if !input.ReadASN1(&both, cbasn1.SEQUENCE) || !input.Empty() || both.Empty() {
		return errBadPolicies
	}
	for i, into := range []*int{&p.RequireExplicit, &p.InhibitMapping} {
		tag := cbasn1.Tag(i).ContextSpecific()
		if !both.PeekASN1Tag(tag) {
			continue
		}
		var n int64
		if !both.ReadASN1Int64WithTag(&n, tag) || n < 0 || n > 1<<16 {
			return errBadPolicies
		}
		*into = int(n)
	}
	if !both.Empty() {
		return errBadPolicies
	}
	return nil
}

func (p *Policy) readInhibitAny(value []byte) error {
	input := cryptobyte.String(value)
	var n int
	if !input.ReadASN1Integer(&n) || !input.Empty() || n < 0 || n > 1<<16 {
		return errBadPolicies
	}
	p.InhibitAny = n
	return nil
}
