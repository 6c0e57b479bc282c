package path

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/elicence/elicence/pki/cert"
)

// names holds the name constraints of the authorities passed so far (RFC 5280,
// 6.1.1 b and c). A name must satisfy each authority by itself, which is the
// intersection of what they permit and the union of what they exclude.
type names struct {
	constraints []authorityConstraints
	left        *int // names that may still be read or compared
}

// authorityConstraints are one authority's subtrees, ready for comparison.
type authorityConstraints struct {
	of                  cert.Name
	permitted, excluded []subtree
}

// subtree is the base of one constraint.
type subtree struct {
	form      cert.NameForm
	text      string             // of an e-mail address, DNS name or URI: its host or domain
	directory cert.CanonicalName // of a directory name
	prefix    netip.Prefix       // of an IP address
}

// add takes over an authority's constraints.
func (n *names) add(c *cert.Certificate) error {
	trees := c.NameConstraints()
	if trees == nil {
		return nil
	}
	if *n.left -= len(trees.Permitted) + len(trees.Excluded); *n.left < 0 {
		return ErrLimit
	}
	a := authorityConstraints{of: c.Subject}
	for _, list := range []struct {
		from []cert.GeneralName
		to   *[]subtree
	}{{trees.Permitted, &a.permitted}, {trees.Excluded, &a.excluded}} {
		for _, g := range list.from {
			s, err := newSubtree(g)
			if err != nil {
				return fmt.Errorf("name constraints of %s: %w: %w", c.Subject, ErrName, err)
			}
			*list.to = append(*list.to, s)
		}
	}
	n.constraints = append(n.constraints, a)
	return nil
}

func newSubtree(g cert.GeneralName) (subtree, error) {
	s := subtree{form: g.Form()}
	switch s.form {
	case cert.FormDirectory:
		var err error
		s.directory, err = cert.Canonical(g.Value())
		return s, err
	case cert.FormIP:
		var err error
		s.prefix, err = constraintPrefix(g.Value())
		return s, err
	case cert.FormEmail:
		s.text = string(g.Value())
		if local, domain, ok := cutMailbox(s.text); ok {
			s.text = local + "@" + strings.ToLower(domain)
			return s, checkHost(domain, false)
		}
		s.text = strings.ToLower(s.text)
		return s, checkHost(strings.TrimPrefix(s.text, "."), false)
	case cert.FormDNS, cert.FormURI:
		s.text = strings.ToLower(string(g.Value()))
		if s.text == "" { // everything
			return s, nil
		}
		return s, checkHost(strings.TrimPrefix(s.text, "."), false)
	default: // applied by refusing every name of the form
		return s, nil
	}
}

// constraintPrefix reads an address and its mask. A mask with holes and an IPv4
// address in the clothes of IPv6, which would be compared with nothing, are refused.
func constraintPrefix(value []byte) (netip.Prefix, error) {
	half := len(value) / 2
	address, ok := netip.AddrFromSlice(value[:half])
	if !ok || len(value) != 2*half || address.Is4In6() {
		return netip.Prefix{}, errors.New("not an address range")
	}
	ones := 0
	for _, b := range value[half:] {
		for bit := 7; bit >= 0 && b>>bit&1 == 1; bit-- {
			ones++
		}
		if b != 0xff {
			break
		}
	}
	p := netip.PrefixFrom(address, ones)
	mask := make([]byte, half)
	for i := range ones {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	if !bytes.Equal(mask, value[half:]) || p.Masked() != p {
		return netip.Prefix{}, errors.New("an address mask has holes or the address has bits outside of it")
	}
	return p, nil
}

// check holds a certificate's names against every constraint so far (RFC 5280,
// 6.1.3 b and c).
func (n *names) check(c *cert.Certificate) error {
	if len(n.constraints) == 0 {
		return nil
	}
	// A certificate without a name in its subject has no directory name to limit (RFC
	// 5280, 4.2.1.10, and PKITS 4.13.14); the purposes that show the subject to people
	// refuse it.
	if len(c.CanonicalSubject()) > 0 {
		if err := n.checkName(cert.FormDirectory, c.RawSubject()); err != nil {
			return err
		}
	}
	addressed := false
	for _, g := range c.AltNames() {
		addressed = addressed || g.Form() == cert.FormEmail
		if err := n.checkName(g.Form(), g.Value()); err != nil {
			return err
		}
	}
	if addressed {
		return nil
	}
	for _, address := range c.SubjectEmails() {
		if err := n.checkName(cert.FormEmail, []byte(address)); err != nil {
			return err
		}
	}
	return nil
}

// checkName holds one name against every authority's constraints.
func (n *names) checkName(form cert.NameForm, value []byte) error {
	if *n.left--; *n.left < 0 {
		return ErrLimit
	}
	name, malformed := newCandidate(form, value)
	for _, a := range n.constraints {
		err := malformed
		if malformed == nil {
			err = n.allow(a, name)
		} else if !a.speaksOf(form) { // a name that nobody limits may be as odd as it likes
			continue
		}
		if err != nil {
			return fmt.Errorf("%w, as %s sets them: %w", ErrName, a.of, err)
		}
	}
	return nil
}

func (a authorityConstraints) speaksOf(form cert.NameForm) bool {
	of := func(s subtree) bool { return s.form == form }
	return slices.ContainsFunc(a.permitted, of) || slices.ContainsFunc(a.excluded, of)
}

// candidate is a name of a certificate, ready for comparison.
type candidate struct {
	form      cert.NameForm
	local     string // of an e-mail address
	host      string // of an e-mail address, DNS name or URI, in lower case
	directory cert.CanonicalName
	address   netip.Addr
}

// newCandidate reads a name so strictly that it can mean only one thing.
func newCandidate(form cert.NameForm, value []byte) (candidate, error) {
	n := candidate{form: form}
	text := string(value)
	switch form {
	case cert.FormDirectory:
		var err error
		n.directory, err = cert.Canonical(value)
		return n, err
	case cert.FormIP:
		var ok bool
		n.address, ok = netip.AddrFromSlice(value)
		if !ok {
			return n, errors.New("an IP address is malformed")
		}
		if n.address.Is4In6() {
			return n, errors.New("an IPv4 address is written as IPv6")
		}
		return n, nil
	case cert.FormEmail:
		local, domain, ok := cutMailbox(text)
		if !ok {
			return n, errors.New("an e-mail address is malformed")
		}
		n.local, n.host = local, strings.ToLower(domain)
		return n, checkHost(n.host, false)
	case cert.FormDNS:
		n.host = strings.ToLower(text)
		return n, checkHost(n.host, true)
	case cert.FormURI:
		host, err := uriHost(text)
		n.host = strings.ToLower(host)
		return n, err
	default:
		return n, nil
	}
}

var (
	errExcluded     = errors.New("a name is excluded")
	errNotPermitted = errors.New("a name is not among the permitted")
	errForm         = errors.New("names of a form that cannot be compared are limited")
)

// allow holds a name against one authority's constraints.
func (n *names) allow(a authorityConstraints, name candidate) error {
	for _, s := range a.excluded {
		if s.form != name.form {
			continue
		}
		if *n.left--; *n.left < 0 {
			return ErrLimit
		}
		inside, err := s.covers(name)
		if err != nil {
			return err
		}
		// A wildcard stands for names below it, and one of them may be the excluded.
		if inside || name.form == cert.FormDNS && wildcardTouches(name.host, s.text) {
			return errExcluded
		}
	}
	limited, permitted := false, false
	for _, s := range a.permitted {
		if s.form != name.form {
			continue
		}
		if *n.left--; *n.left < 0 {
			return ErrLimit
		}
		limited = true
		inside, err := s.covers(name)
		if err != nil {
			return err
		}
		permitted = permitted || inside
	}
	if limited && !permitted {
		return errNotPermitted
	}
	return nil
}

// covers reports whether a name of the same form lies in the subtree.
func (s subtree) covers(name candidate) (bool, error) {
	switch s.form {
	case cert.FormDirectory:
		return name.directory.Begins(s.directory), nil
	case cert.FormIP:
		return s.prefix.Contains(name.address), nil
	case cert.FormDNS:
		// "example.com" is itself and everything below. A leading dot, which RFC 5280
		// does not know here, is taken as OpenSSL does: below only.
		return s.text == "" || name.host == s.text || strings.HasSuffix(name.host, "."+strings.TrimPrefix(s.text, ".")), nil
	case cert.FormEmail:
		if strings.Contains(s.text, "@") {
			return name.local+"@"+name.host == s.text, nil
		}
		return domainCovers(s.text, name.host), nil
	case cert.FormURI:
		return s.text == "" || domainCovers(s.text, name.host), nil
	default:
		return false, errForm
	}
}

// domainCovers is the rule for e-mail addresses and URIs: a host is itself, a
// domain with a leading dot is everything below it.
func domainCovers(base, host string) bool {
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base) && len(host) > len(base)
	}
	return host == base
}

// wildcardTouches reports whether *.x can stand for a name inside a subtree below x.
func wildcardTouches(host, base string) bool {
	parent, ok := strings.CutPrefix(host, "*.")
	return ok && strings.HasSuffix(strings.TrimPrefix(base, "."), "."+parent)
}

// cutMailbox splits local@domain. A quoted local part, in which an @ could hide, is
// not taken.
func cutMailbox(s string) (local, domain string, ok bool) {
	local, domain, ok = strings.Cut(s, "@")
	if !ok || local == "" || strings.ContainsAny(s, "\" \\\x00") || strings.Contains(domain, "@") {
		return "", "", false
	}
	return local, domain, true
}

// uriHost returns the host of an absolute URI. An address in place of a host name
// cannot be held against a constraint, and user information could hide the host.
func uriHost(s string) (string, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" {
		return "", errors.New("a URI names no host")
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		host = rest[:end]
	}
	if strings.Contains(host, "@") {
		host = host[strings.LastIndexByte(host, '@')+1:]
	}
	if name, port, found := strings.Cut(host, ":"); found {
		if strings.Trim(port, "0123456789") != "" {
			return "", errors.New("a URI's host is not a name")
		}
		host = name
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "", errors.New("a URI names an address and no host")
	}
	return host, checkHost(host, false)
}

// checkHost accepts host names in one form: labels of letters, digits, hyphens and
// underscores, no empty label, no dot at the end. A wildcard may be the whole first
// label, where wildcards are allowed.
func checkHost(host string, wildcard bool) error {
	if wildcard {
		host = strings.TrimPrefix(host, "*.")
	}
	if host == "" || len(host) > 253 {
		return errors.New("a host name is empty or too long")
	}
	for label := range strings.SplitSeq(host, ".") {
		odd := func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, odd) {
			return errors.New("a host name is malformed")
		}
	}
	return nil
}
