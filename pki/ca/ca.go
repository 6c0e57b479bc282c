package ca

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
)

// Ledger keeps what the authorities do. A call has returned when it is on the
// disk.
type Ledger interface {
	// IntendCertificate stores what is about to be signed. A serial number or a
	// subject key that is already there is refused with [ErrKeyInUse].
	IntendCertificate(ctx context.Context, serial string, point pki.Point, tbs []byte) error
	// RecordCertificate stores the certificate, in one transaction with its
	// entry in the audit log.
	RecordCertificate(ctx context.Context, serial string, der []byte, entry audit.Record) error
}

// Errors that callers decide on.
var (
	// ErrKeyInUse: a certificate was intended for this key before. One key has
	// one role.
	ErrKeyInUse = errors.New("the key already has a certificate")
	// ErrSpent: a draft was issued before.
	ErrSpent = errors.New("the draft was issued before")
)

// Authority signs certificates with one key.
type Authority struct {
	certificate *cert.Certificate // nil only while the root signs itself
	subject     cert.Name
	key         *pki.Key
	notAfter    time.Time
	ledger      Ledger
	second      pki.SecondOpinion
	now         func() time.Time
}

// Environment is what authorities need from outside.
type Environment struct {
	Ledger Ledger
	Second pki.SecondOpinion
	Now    func() time.Time
}

// New returns the authority of a certificate and its key.
func New(c *cert.Certificate, key *pki.Key, env Environment) (*Authority, error) {
	if !c.IsCA() {
		return nil, fmt.Errorf("certificate of %s is not an authority's", c.Subject)
	}
	if !c.Key.Equal(key.Public()) {
		return nil, fmt.Errorf("certificate of %s does not belong to the key", c.Subject)
	}
	return &Authority{certificate: c, subject: c.Subject, key: key, notAfter: c.NotAfter(), ledger: env.Ledger, second: env.Second, now: env.Now}, nil
}

// NewRoot makes a root: a key's certificate for itself.
func NewRoot(ctx context.Context, subject cert.Name, key *pki.Key, actor string, env Environment) (*Authority, error) {
	a := &Authority{subject: subject, key: key, notAfter: env.Now().Add(ProfileRoot.Life), ledger: env.Ledger, second: env.Second, now: env.Now}
	draft, err := a.Prepare(ctx, Request{Profile: ProfileRoot, Subject: subject, Key: key.Public()})
	if err != nil {
		return nil, err
	}
	a.certificate, err = a.Issue(ctx, draft, actor)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Certificate returns the authority's own certificate.
func (a *Authority) Certificate() *cert.Certificate { return a.certificate }

// Request asks for one certificate.
type Request struct {
	Profile          Profile
	Subject          cert.Name
	Key              *pki.PublicKey // its holder has proven possession
	OrganizationCode string
}

// Draft is a certificate that is checked, linted and intended, and not signed.
type Draft struct {
	authority *Authority
	profile   Profile
	template  cert.Template
	serial    string
	tbs       []byte
	spent     bool
}

// Prepare does everything before the signature.
func (a *Authority) Prepare(ctx context.Context, r Request) (*Draft, error) {
	if r.Profile.IsCA && a.certificate != nil && r.Profile.Name == ProfileRoot.Name {
		return nil, errors.New("a root signs only itself")
	}
	if a.certificate != nil && a.key.Public().Equal(r.Key) {
		return nil, fmt.Errorf("certificate for %s: %w", r.Subject, ErrKeyInUse)
	}
	now := a.now().UTC().Truncate(time.Second)
	// A minute of grace for clocks that are a little behind.
	t := cert.Template{
		Issuer: a.subject, Subject: r.Subject, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(r.Profile.Life).Add(-time.Second),
		Key: r.Key, IssuerKey: a.key.Public(), IsCA: r.Profile.IsCA, PathLen: r.Profile.PathLen, Usage: r.Profile.Usage,
		OrganizationCode: r.OrganizationCode,
	}
	if t.NotAfter.After(a.notAfter) {
		t.NotAfter = a.notAfter
	}
	if _, err := rand.Read(t.Serial[:]); err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	// Positive, and of full length so that no reader takes it for a short one.
	t.Serial[0] = t.Serial[0]&0x7f | 0x40
	tbs, err := t.TBS()
	if err != nil {
		return nil, err
	}
	d := &Draft{authority: a, profile: r.Profile, template: t, serial: t.Serial.String(), tbs: tbs}
	if err := d.lint(); err != nil {
		return nil, fmt.Errorf("certificate for %s does not pass its own lint: %w", r.Subject, err)
	}
	if err := a.ledger.IntendCertificate(ctx, d.serial, r.Key.Point(), tbs); err != nil {
		return nil, fmt.Errorf("storing the intent for %s: %w", r.Subject, err)
	}
	return d, nil
}

// lint reads the draft back, under a signature that verifies nowhere, and
// compares it with what was asked for.
func (d *Draft) lint() error {
	var dummy pki.Signature
	dummy[31], dummy[63] = 1, 1
	der, err := cert.Assemble(d.tbs, dummy)
	if err != nil {
		return err
	}
	c, err := cert.Parse(der)
	if err != nil {
		return err
	}
	t := &d.template
	switch {
	case c.Subject != t.Subject || c.Issuer != t.Issuer:
		return errors.New("names are not read back as written")
	case !c.Key.Equal(t.Key):
		return errors.New("key is not read back as written")
	case !c.NotBefore().Equal(t.NotBefore) || !c.NotAfter().Equal(t.NotAfter):
		return errors.New("dates are not read back as written")
	case c.IsCA() != t.IsCA || c.MaySign() == t.IsCA:
		return errors.New("use of the key is not read back as written")
	case c.Serial() != d.serial || c.OrganizationCode() != t.OrganizationCode:
		return errors.New("serial number or organisation code is not read back as written")
	}
	return nil
}

// Issue signs a draft, checks the result and records it. A draft can be issued
// once.
func (a *Authority) Issue(ctx context.Context, d *Draft, actor string) (*cert.Certificate, error) {
	if d.authority != a || d.spent {
		return nil, ErrSpent
	}
	d.spent = true
	sig, err := a.key.Sign(d.tbs)
	if err != nil {
		return nil, fmt.Errorf("certificate for %s: %w", d.template.Subject, err)
	}
	der, err := cert.Assemble(d.tbs, sig)
	if err != nil {
		return nil, err
	}
	c, err := cert.Parse(der)
	if err != nil {
		return nil, err
	}
	second := a.second
	if !d.profile.Precious {
		second = nil
	}
	if err := c.SignedBy(a.key.Public(), second); err != nil {
		return nil, err
	}
	digest := sm3.Sum(der)
	entry, err := audit.NewRecord(audit.Entry{
		Time: a.now().Unix(), Actor: actor, Act: audit.ActCertificateIssue, Subject: d.serial, Digest: digest[:],
	}, nil)
	if err != nil {
		return nil, err
	}
	if err := a.ledger.RecordCertificate(ctx, d.serial, der, entry); err != nil {
		return nil, fmt.Errorf("recording the certificate for %s: %w", d.template.Subject, err)
	}
	return c, nil
}
