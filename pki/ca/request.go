package ca

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// Request asks for one certificate.
type Request struct {
	Profile ProfileName
	Subject cert.Name
	Key     *pki.PublicKey // its holder has proven possession: see [cert.ParseRequest]

	// The public numbers of an organisation, where the profile has them. The code is
	// its unified social credit code.
	OrganizationCode   string
	InsuranceNumber    string
	RegistrationNumber string
	TaxationNumber     string

	DNSNames []string // where the profile has alternative names
	IPs      []netip.Addr

	// Renews is the newest certificate of the key, by this authority or the one before
	// it, if there is one. The new certificate has the same subject.
	Renews *cert.Certificate
	// Life is how long the certificate lives where its issuer lives long enough, in place
	// of the profile's life and not longer than the profile's longest; 0: as the profile
	// says.
	Life time.Duration
	// Pair says that the holder gets an encryption certificate beside this one.
	Pair bool
	// Cross is the root of another domain, for the profile of cross-certificates.
	Cross *Cross
	// Link is another generation of this root, for the profile of link certificates:
	// under its name and signed by itself. The link is valid as long as it is, from its
	// beginning on, also where that is before this root's (RFC 4210, 4.4).
	Link *cert.Certificate
}

// Cross is the recognition of another domain's root.
type Cross struct {
	Root *cert.Certificate // signed by itself
	// Constraints are the names for which it is recognised. There must be some that
	// are permitted.
	Constraints cert.NameConstraints
	// PathLen is how many authorities may follow below the other root.
	PathLen int
}

// SubjectSerialSize is the length of a random subject serial: 26 letters and digits of
// base32, 130 bits, as [rand.Text] draws them.
const SubjectSerialSize = 26

// validate checks a request against its profile and returns it completed.
func (a *Authority) validate(p *Profile, r Request) (Request, error) {
	if r.Key == nil {
		return r, fmt.Errorf("there is no key: %w", ErrRequest)
	}
	if a.key.Public().Equal(r.Key) && a.certificate != nil {
		return r, ErrKeyInUse
	}
	if weak(r.Key) {
		return r, ErrWeakKey
	}
	switch {
	case (p.name == ProfileRoot) != (a.certificate == nil):
		return r, fmt.Errorf("a root signs itself, once, and nobody else: %w", ErrRequest)
	case p.isCA && !p.selfIssued && a.certificate != nil && a.pathLen >= 0 && pathLen(p, r) >= a.pathLen:
		return r, fmt.Errorf("so many authorities may not follow below %s: %w", a.subject, ErrRequest)
	case p.foreign != (r.Cross != nil):
		return r, fmt.Errorf("profile %s and another domain's root go together or not at all: %w", p.name, ErrRequest)
	case r.Life < 0 || r.Life > p.longest || r.Life != 0 && r.Life < day:
		return r, fmt.Errorf("a life of %v is not one day to the profile's longest, %v: %w", r.Life, p.longest, ErrRequest)
	case p.selfIssued != (r.Link != nil):
		return r, fmt.Errorf("profile %s and another generation of the root go together or not at all: %w", p.name, ErrRequest)
	case r.Pair && p.pair == "":
		return r, fmt.Errorf("profile %s has no pair: %w", p.name, ErrRequest)
	}
	if r.Cross != nil {
		return r, a.validateCross(p, r)
	}
	if r.Link != nil {
		return r, a.validateLink(r)
	}
	if p.randomSerial && r.Subject.Serial == "" {
		r.Subject.Serial = rand.Text()
	}
	if err := p.checkSubject(r.Subject); err != nil {
		return r, err
	}
	if err := p.checkNumbers(r); err != nil {
		return r, err
	}
	if err := p.checkAlternativeNames(r); err != nil {
		return r, err
	}
	return r, r.checkRenewal()
}

// pathLen is how many authorities may follow below the one that is asked for.
func pathLen(p *Profile, r Request) int {
	if r.Cross != nil {
		return r.Cross.PathLen
	}
	if r.Link != nil {
		return r.Link.PathLen()
	}
	return p.pathLen
}

// life is how long the certificate shall live.
func life(p *Profile, r Request) time.Duration {
	if r.Life != 0 {
		return r.Life
	}
	return p.life
}

func (p *Profile) checkSubject(n cert.Name) error {
	if err := n.Check(); err != nil {
		return err
	}
	for _, part := range []string{n.Province, n.Locality, n.Organization, n.Unit, n.Serial, n.CommonName} {
		if idcode.ContainsCitizenNumber(part) {
			return fmt.Errorf("subject: %w", ErrPersonalNumber)
		}
	}
	if p.randomSerial && !randomForm(n.Serial) {
		// A digest of somebody's number would name them to everyone who guesses it.
		return fmt.Errorf("a person's subject serial is drawn at random, %d letters and digits of base32: %w", SubjectSerialSize, ErrRequest)
	}
	return nil
}

// randomForm reports whether a subject serial has the form of [rand.Text].
func randomForm(serial string) bool {
	return len(serial) == SubjectSerialSize && strings.Trim(serial, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

func (p *Profile) checkNumbers(r Request) error {
	given := r.OrganizationCode + r.InsuranceNumber + r.RegistrationNumber + r.TaxationNumber
	switch {
	case p.numbers == absent && given != "":
		return fmt.Errorf("profile %s carries no organisation's numbers: %w", p.name, ErrRequest)
	case p.numbers == required && r.OrganizationCode == "":
		return fmt.Errorf("profile %s wants the organisation's unified social credit code: %w", p.name, ErrRequest)
	case r.OrganizationCode != "":
		if err := idcode.CheckUSCC(r.OrganizationCode); err != nil {
			return fmt.Errorf("organisation's code: %w", err)
		}
	}
	for _, number := range []string{r.OrganizationCode, r.InsuranceNumber, r.RegistrationNumber, r.TaxationNumber} {
		if idcode.ContainsCitizenNumber(number) {
			return fmt.Errorf("organisation's numbers: %w", ErrPersonalNumber)
		}
	}
	return nil
}

func (p *Profile) checkAlternativeNames(r Request) error {
	switch n := len(r.DNSNames) + len(r.IPs); {
	case p.alternativeNames == absent && n > 0:
		return fmt.Errorf("profile %s carries no host names: %w", p.name, ErrRequest)
	case p.alternativeNames == required && n == 0:
		return fmt.Errorf("profile %s wants host names or addresses: %w", p.name, ErrRequest)
	}
	for _, name := range r.DNSNames {
		if err := cleantext.Check(name); err != nil {
			return fmt.Errorf("host name: %w", err)
		}
		if idcode.ContainsCitizenNumber(name) {
			return fmt.Errorf("host name: %w", ErrPersonalNumber)
		}
	}
	return nil
}

// checkRenewal: a renewal has the key and the name of what it renews. The ledger
// compares the role.
func (r Request) checkRenewal() error {
	if r.Renews == nil {
		return nil
	}
	subject, err := r.Subject.DER()
	if err != nil {
		return err
	}
	switch {
	case !r.Renews.Key.Equal(r.Key):
		return fmt.Errorf("a renewal keeps its key: %w", ErrRequest)
	case !bytes.Equal(subject, r.Renews.RawSubject()):
		return fmt.Errorf("a renewal keeps its subject: %w", ErrRequest)
	}
	return nil
}

// validateCross checks another domain's root: an authority that signed itself, and so
// has its key, and for which some names are permitted.
func (a *Authority) validateCross(p *Profile, r Request) error {
	root := r.Cross.Root
	switch {
	case !root.Key.Equal(r.Key):
		return fmt.Errorf("the key is not the other root's: %w", ErrRequest)
	case !root.IsCA() || !bytes.Equal(root.RawIssuer(), root.RawSubject()) || root.SignedBy(root.Key, a.env.Second) != nil:
		return fmt.Errorf("%s is not an authority that signed itself: %w", root.Subject, ErrRequest)
	case bytes.Equal(root.RawSubject(), a.certificate.RawSubject()):
		return fmt.Errorf("%s has the name of this authority: %w", root.Subject, ErrRequest)
	case len(root.SubjectKeyID()) == 0:
		return fmt.Errorf("%s has no key identifier, so no chain could be built: %w", root.Subject, ErrRequest)
	case r.Cross.PathLen < 0 || r.Cross.PathLen > p.pathLen:
		return fmt.Errorf("path length %d of a cross-certificate is not 0 to %d: %w", r.Cross.PathLen, p.pathLen, ErrRequest)
	case len(r.Cross.Constraints.PermittedDirectories)+len(r.Cross.Constraints.PermittedDNS) == 0:
		return fmt.Errorf("a cross-certificate permits some names, not all: %w", ErrRequest)
	case !root.NotAfter().After(a.now()):
		return fmt.Errorf("%s has ended: %w", root.Subject, ErrRequest)
	case r.Renews != nil && !r.Renews.Key.Equal(r.Key):
		return fmt.Errorf("a renewal keeps its key: %w", ErrRequest)
	}
	return errors.Join(r.Subject.Check())
}

// validateLink checks another generation of this root: an authority of its name that
// signed itself, and so has its key.
func (a *Authority) validateLink(r Request) error {
	link := r.Link
	switch {
	case !a.certificate.SelfIssued() || a.certificate.SignedBy(a.key.Public(), nil) != nil:
		return fmt.Errorf("%s is no root: %w", a.subject, ErrRequest)
	case !link.Key.Equal(r.Key):
		return fmt.Errorf("the key is not the other generation's: %w", ErrRequest)
	case !bytes.Equal(link.RawSubject(), a.subjectDER):
		return fmt.Errorf("%s is another authority than %s: %w", link.Subject, a.subject, ErrRequest)
	case !link.IsCA() || !bytes.Equal(link.RawIssuer(), a.subjectDER) || link.SignedBy(link.Key, a.env.Second) != nil:
		return fmt.Errorf("the other generation of %s has not signed itself: %w", a.subject, ErrRequest)
	case len(link.SubjectKeyID()) == 0 || link.PathLen() < 0:
		return fmt.Errorf("the other generation of %s has no key identifier or no path length: %w", a.subject, ErrRequest)
	case !link.NotAfter().After(a.now()):
		return fmt.Errorf("the other generation of %s has ended: %w", a.subject, ErrRequest)
	}
	return r.checkRenewal()
}
