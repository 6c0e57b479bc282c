package pdf

import (
	"bytes"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Flags of a seed value dictionary that make an entry binding (ISO 32000-2, table 237).
const (
	seedFilter = 1 << iota
	seedSubFilter
	seedVersion
	seedReasons
	seedAttestation
	seedRevocation
	seedDigest
	seedLockDocument
	seedAppearance

	seedKnown = seedAppearance<<1 - 1
)

// seedVersionKnown is the newest version of these dictionaries, that of PDF 2.0.
const seedVersionKnown = 3

// seedValue checks what a field asks of its signer (/SV; ISO 32000-2, 12.7.5.5). What is only
// recommended is left to the signer; what is binding and cannot be met is refused by its name.
// A certification that the field asks for is made.
func (p *preparation) seedValue(f *structure.Field) error {
	v := p.doc.now
	val, err := v.Resolve(f.Dict.Lookup("SV"))
	if err != nil || val == nil {
		return err
	}
	d, ok := val.(*syntax.Dict)
	if !ok {
		return refuse("the conditions of the field %q for its signer (/SV) are not a dictionary", f.Name)
	}
	flags, err := v.Get(d, "Ff")
	if err != nil {
		return err
	}
	n, ok := flags.(int64)
	if flags != nil && !ok || n < 0 || n&^seedKnown != 0 {
		return refuse("the field %q has conditions for its signer that are not known here (/SV, /Ff %v)", f.Name, flags)
	}
	s := seed{view: v, field: f, dict: d, flags: n, stamp: p.stamp}
	for _, check := range []func() error{s.handler, s.version, s.reason, s.digest, s.others, s.certificate, s.timeStamp, s.certification} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// A seed is the seed value dictionary of a field under examination.
type seed struct {
	view  view
	field *structure.Field
	dict  *syntax.Dict
	flags int64
	stamp *Stamp
}

func (s *seed) refuse(key syntax.Name, format string, args ...any) error {
	why := refuse(format, args...).(*RefusedError)
	return refuse("the field %q asks its signer for what cannot be met (/SV, /%s): %s", s.field.Name, key, why.Why)
}

// binds reports that an entry is there and must be kept to.
func (s *seed) binds(key syntax.Name, flag int64) bool {
	return s.flags&flag != 0 && s.dict.Lookup(key) != nil
}

// handler compares the signature's handler and format.
func (s *seed) handler() error {
	filter, err := s.view.Get(s.dict, "Filter")
	if err != nil {
		return err
	}
	if s.binds("Filter", seedFilter) && filter != syntax.Name(s.stamp.Filter) {
		return s.refuse("Filter", "the handler %v, and it is %s", filter, s.stamp.Filter)
	}
	formats, err := s.view.List(s.dict, "SubFilter")
	if err != nil {
		return err
	}
	if s.binds("SubFilter", seedSubFilter) && !slices.Contains(formats, syntax.Value(syntax.Name(s.stamp.SubFilter))) {
		return s.refuse("SubFilter", "one of the formats %v, and it is %s", formats, s.stamp.SubFilter)
	}
	return nil
}

func (s *seed) version() error {
	val, err := s.view.Get(s.dict, "V")
	if err != nil {
		return err
	}
	if n, ok := syntax.Number(val); s.binds("V", seedVersion) && (!ok || n > seedVersionKnown) {
		return s.refuse("V", "conditions of version %v", val)
	}
	return nil
}

// reason compares the reason; a full stop, or no reason at all, means that none may be given.
func (s *seed) reason() error {
	if s.flags&seedReasons == 0 {
		return nil
	}
	list, err := s.view.List(s.dict, "Reasons")
	if err != nil {
		return err
	}
	var reasons []string
	for _, val := range list {
		reasons = append(reasons, syntax.Text(val))
	}
	switch {
	case len(reasons) == 0 || len(reasons) == 1 && reasons[0] == ".":
		if s.stamp.Reason != "" {
			return s.refuse("Reasons", "no reason")
		}
	case !slices.Contains(reasons, s.stamp.Reason):
		return s.refuse("Reasons", "one of the reasons %q, and it is %q", reasons, s.stamp.Reason)
	}
	return nil
}

// digest compares the digest, which is SM3.
func (s *seed) digest() error {
	list, err := s.view.List(s.dict, "DigestMethod")
	if err != nil {
		return err
	}
	if s.binds("DigestMethod", seedDigest) && !slices.Contains(list, syntax.Value(syntax.String("SM3"))) {
		return s.refuse("DigestMethod", "one of the digests %v, and it is SM3", list)
	}
	return nil
}

// others are conditions that are never met here, where they ask for anything.
func (s *seed) others() error {
	for _, o := range []struct {
		key  syntax.Name
		flag int64
		none syntax.Value
		what string
	}{
		{"LegalAttestation", seedAttestation, nil, "an attestation by law"},
		{"AddRevInfo", seedRevocation, false, "revocation data inside of the signature"},
		{"LockDocument", seedLockDocument, syntax.Name("false"), "a document that is locked afterwards"},
		{"AppearanceFilter", seedAppearance, nil, "an appearance of its own"},
	} {
		val, err := s.view.Get(s.dict, o.key)
		if err != nil {
			return err
		}
		if s.binds(o.key, o.flag) && val != o.none {
			return s.refuse(o.key, "%s", o.what)
		}
	}
	return nil
}

// certificate compares the signer's certificates (ISO 32000-2, table 238): itself, and those
// of its authorities.
func (s *seed) certificate() error {
	d, err := s.view.Dict(s.dict.Lookup("Cert"))
	if err != nil || d == nil {
		return err
	}
	flags, err := s.view.Get(d, "Ff")
	if err != nil {
		return err
	}
	const subject, issuer = 1, 2
	n, _ := flags.(int64)
	if n&^(subject|issuer) != 0 {
		return s.refuse("Cert", "policies, names or uses of the certificate (/Ff %d)", n)
	}
	for _, part := range []struct {
		key   syntax.Name
		flag  int64
		chain [][]byte
	}{{"Subject", subject, s.stamp.Chain[:min(1, len(s.stamp.Chain))]}, {"Issuer", issuer, s.stamp.Chain}} {
		list, err := s.view.List(d, part.key)
		if err != nil {
			return err
		}
		named := func(der []byte) bool {
			return slices.ContainsFunc(list, func(val syntax.Value) bool {
				named, ok := val.(syntax.String)
				return ok && bytes.Equal(der, []byte(named))
			})
		}
		if n&part.flag != 0 && len(list) > 0 && !slices.ContainsFunc(part.chain, named) {
			return s.refuse("Cert", "a certificate that /%s names", part.key)
		}
	}
	return nil
}

// timeStamp refuses a time stamp by an authority that the field chooses.
func (s *seed) timeStamp() error {
	d, err := s.view.Dict(s.dict.Lookup("TimeStamp"))
	if err != nil || d == nil {
		return err
	}
	required, err := s.view.Get(d, "Ff")
	if err != nil {
		return err
	}
	if required == int64(1) {
		return s.refuse("TimeStamp", "a time stamp by the authority that it names")
	}
	return nil
}

// certification makes the certification that the field asks for: /P 0 means none.
func (s *seed) certification() error {
	d, err := s.view.Dict(s.dict.Lookup("MDP"))
	if err != nil || d == nil {
		return err
	}
	val, err := s.view.Get(d, "P")
	if err != nil {
		return err
	}
	n, ok := val.(int64)
	switch {
	case !ok || n < 0 || n > 3:
		return s.refuse("MDP", "a certification that is not known, /P %v", val)
	case s.stamp.Timestamp && n > 0:
		return s.refuse("MDP", "a certification, and a time stamp makes none")
	case s.stamp.Certify != 0 && int64(s.stamp.Certify) != n:
		return s.refuse("MDP", "the certification %d, and it is %d", n, s.stamp.Certify)
	}
	s.stamp.Certify = int(n)
	return nil
}
