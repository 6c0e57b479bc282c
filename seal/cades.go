package seal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
)

// Profile is the form of a signature that is made with a seal.
type Profile string

const (
	// ProfileSES is the SES_Signature of GB/T 38540, the form for everybody who knows seals.
	ProfileSES Profile = "ses"
	// ProfileCAdES is a detached signature in CMS with the seal as the signed attribute
	// [oid.Seal], for verifiers that know only CMS. docs/seal-cades.md is the form.
	ProfileCAdES Profile = "cades"
)

// Profiles lists the profiles, the usual one first.
func Profiles() []Profile { return []Profile{ProfileSES, ProfileCAdES} }

// ParseProfile reads the name of a profile.
func ParseProfile(name string) (Profile, error) {
	for _, p := range Profiles() {
		if name == string(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("profile: %q is not %s or %s", name, ProfileSES, ProfileCAdES)
}

// CAdES makes signatures of [ProfileCAdES] with a seal and the certificates of one chain. What
// is the same in all of them is made once. It is safe for concurrent use.
type CAdES struct {
	seal     *Seal
	template cms.Template
	size     int
}

// CAdES returns what signs with a seal and the certificates of a chain, the signer's first,
// which must be one that the seal lists.
func (s *Seal) CAdES(chain []*cert.Certificate) (*CAdES, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("seal %s: no certificate to sign with", s.ID)
	}
	template, err := cms.Template{Chain: chain, Attributes: []cms.Attribute{{Type: oid.Seal, Values: [][]byte{s.DER}}}}.Prepared()
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", s.ID, err)
	}
	c := &CAdES{seal: s, template: template}
	attributes, err := template.SignedAttributes([sm3.Size]byte{})
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", s.ID, err)
	}
	serial, err := chain[0].SerialDER()
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", s.ID, err)
	}
	const (
		headers    = 10 * 4 // of what is long, and one byte more for each where it gets longer
		names      = 2 * (2 + 9)
		versions   = 2 * 3
		algorithms = 2 + 3*12
		signature  = 2 + 72
		longer     = 10
	)
	c.size = len(attributes) + len(chain[0].RawIssuer()) + len(serial) + headers + names + versions + algorithms + signature + longer
	for _, certificate := range chain {
		c.size += len(certificate.DER)
	}
	return c, nil
}

// Size is [Seal.SignatureSize] of a signature of [ProfileCAdES].
func (c *CAdES) Size() int { return c.size }

// Sign makes a signature. Of the stamp the digest and the extensions are signed, each as an
// attribute whose value is DER; time and property are said by the file around it. The
// signature value is verified before it is returned.
func (c *CAdES) Sign(stamp Stamp, key *pki.Key) ([]byte, error) {
	attributes, err := c.Message(stamp, key)
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(attributes)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", c.seal.ID, err)
	}
	return c.Assemble(attributes, sig)
}

// Message is what [CAdES.Sign] signs, for who signs many together ([pki.Key.SignAll]): the DER
// of the signed attributes.
func (c *CAdES) Message(stamp Stamp, key *pki.Key) ([]byte, error) {
	t := c.template
	if err := c.seal.checkSigner(t.Chain[0], key); err != nil {
		return nil, err
	}
	t.Attributes = slices.Clone(t.Attributes)
	for _, e := range stamp.Extensions {
		if e.Critical {
			return nil, fmt.Errorf("seal %s: the extension %s is critical, and no attribute is", c.seal.ID, e.ID)
		}
		t.Attributes = append(t.Attributes, cms.Attribute{Type: e.ID, Values: [][]byte{e.Value}})
	}
	attributes, err := t.SignedAttributes(stamp.Document)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", c.seal.ID, err)
	}
	return attributes, nil
}

// Assemble joins what [CAdES.Message] returned and its signature, which it does not verify.
func (c *CAdES) Assemble(message []byte, sig pki.Signature) ([]byte, error) {
	der, err := c.template.AssembleUnchecked(message, sig)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", c.seal.ID, err)
	}
	return der, nil
}

// SignCAdES is [CAdES.Sign] for one signature.
func SignCAdES(s *Seal, stamp Stamp, chain []*cert.Certificate, key *pki.Key) ([]byte, error) {
	c, err := s.CAdES(chain)
	if err != nil {
		return nil, err
	}
	return c.Sign(stamp, key)
}

// ErrNotSealed says that a CMS signature is of no seal: it may be a person's.
var ErrNotSealed = errors.New("the CMS signature has no seal among its signed attributes")

// ParseCAdES reads a signature of [ProfileCAdES] strictly, as [SignCAdES] writes it, with a
// time stamp or without. The file around it says when it was signed. One without the
// attribute is [ErrNotSealed]. It verifies nothing.
func ParseCAdES(der []byte, claimed time.Time) (*Signature, error) {
	var nothing *Memory
	return nothing.ParseCAdES(der, claimed)
}

// ParseCAdES is [ParseCAdES]. The seal and the certificates may be those of an earlier
// signature, and must not be changed.
func (m *Memory) ParseCAdES(der []byte, claimed time.Time) (*Signature, error) {
	signed, err := m.ParseCMS(der)
	if err != nil {
		return nil, fmt.Errorf("seal signature in CMS: %w: %w", ErrMalformed, err)
	}
	return m.SealIn(signed, claimed)
}

// ParseCMS is [cms.Parse]. The certificates may be those of an earlier signature, and must not
// be changed.
func (m *Memory) ParseCMS(der []byte) (*cms.Signed, error) {
	return cms.Reader{Certificate: m.parseCertificate}.Parse(der)
}

// SealIn reads what [Memory.ParseCMS] found as a seal's signature, as [ParseCAdES] does.
func (m *Memory) SealIn(signed *cms.Signed, claimed time.Time) (*Signature, error) {
	bad := func(what string) (*Signature, error) {
		return nil, fmt.Errorf("seal signature in CMS: %s: %w", what, ErrMalformed)
	}
	values, found := signed.Attribute(oid.Seal)
	switch {
	case !found:
		return nil, ErrNotSealed
	case len(values) != 1:
		return bad(fmt.Sprintf("%d seals in the attribute, and one signs", len(values)))
	case signed.GM:
		return bad("the names of GB/T 35275, and those of RFC 5652 are read")
	case !signed.SigningTime.IsZero():
		return bad("signing-time, which the file says (ETSI EN 319 142-1, 6.3)")
	case claimed.IsZero():
		return bad("the file does not say when it was signed")
	}
	s := &Signature{
		Profile: ProfileCAdES, Signer: signed.Signer, toSign: signed.Message(), value: signed.SignatureValue(),
		Stamp: Stamp{Time: claimed, Document: [sm3.Size]byte(signed.MessageDigest())},
	}
	var err error
	if s.Seal = m.seal(values[0]); s.Seal == nil || !s.Seal.strict {
		if s.Seal, err = Parse(values[0]); err != nil {
			return nil, fmt.Errorf("seal signature in CMS: %w", err)
		}
	}
	if s.signature, err = pki.ParseSignatureDER(s.value); err != nil {
		return nil, fmt.Errorf("seal signature in CMS: %w: %w", ErrMalformed, err)
	}
	if statement, found := signed.Attribute(oid.Seen); found {
		if len(statement) != 1 {
			return bad(fmt.Sprintf("%d statements of what is seen in the attribute", len(statement)))
		}
		s.Stamp.Extensions = []Extension{{ID: oid.Seen, Value: statement[0]}}
	}
	switch stamps := signed.TimeStamps(); len(stamps) {
	case 0:
	case 1:
		s.TimeStamp = stamps[0]
	default:
		return bad(fmt.Sprintf("%d time stamps, and at most one is read", len(stamps)))
	}
	return s, nil
}
