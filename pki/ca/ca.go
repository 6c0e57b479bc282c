package ca

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca/lint"
	"github.com/elicence/elicence/pki/cert"
)

// Authority signs certificates with one key. It is safe for concurrent use.
type Authority struct {
	certificate *cert.Certificate // nil only while the root signs itself
	subject     cert.Name
	subjectDER  []byte
	keyID       []byte
	key         *pki.Key
	notBefore   time.Time // zero only while the root signs itself
	notAfter    time.Time
	pathLen     int
	env         Environment
}

// Environment is what an authority needs from outside.
type Environment struct {
	Ledger   Ledger
	Profiles *Profiles // nil: those of [DefaultProfiles]
	Site     Site
	// StatusLists has the places of certificates whose profiles ask for one. Without it
	// they get none, and revocation lists and OCSP alone speak of them.
	StatusLists StatusLists
	Second      pki.SecondOpinion
	Now         func() time.Time
}

func (e Environment) complete() (Environment, error) {
	if err := e.Site.check(); err != nil {
		return e, err
	}
	if e.Profiles == nil {
		var err error
		if e.Profiles, err = DefaultProfiles(); err != nil {
			return e, err
		}
	}
	return e, nil
}

// New returns the authority of a certificate and its key.
func New(c *cert.Certificate, key *pki.Key, env Environment) (*Authority, error) {
	if !c.IsCA() {
		return nil, fmt.Errorf("certificate of %s is not an authority's", c.Subject)
	}
	if !c.Key.Equal(key.Public()) {
		return nil, fmt.Errorf("certificate of %s does not belong to the key", c.Subject)
	}
	env, err := env.complete()
	if err != nil {
		return nil, err
	}
	return &Authority{
		certificate: c, subject: c.Subject, subjectDER: c.RawSubject(), keyID: c.SubjectKeyID(), key: key,
		notBefore: c.NotBefore(), notAfter: c.NotAfter(), pathLen: c.PathLen(), env: env,
	}, nil
}

// NewRoot makes a root that lives as long as its profile says: a key's certificate for
// itself.
func NewRoot(ctx context.Context, subject cert.Name, key *pki.Key, actor string, env Environment) (*Authority, error) {
	return NewRootFor(ctx, 0, subject, key, actor, env)
}

// NewRootFor is [NewRoot] for a life of the root's own, as [Request] has it.
func NewRootFor(ctx context.Context, life time.Duration, subject cert.Name, key *pki.Key, actor string, env Environment) (*Authority, error) {
	env, err := env.complete()
	if err != nil {
		return nil, err
	}
	subjectDER, err := subject.DER()
	if err != nil {
		return nil, err
	}
	a := &Authority{subject: subject, subjectDER: subjectDER, keyID: cert.KeyID(key.Public()), key: key, env: env}
	draft, err := a.Prepare(ctx, Request{Profile: ProfileRoot, Subject: subject, Key: key.Public(), Life: life})
	if err != nil {
		return nil, err
	}
	c, err := a.Issue(ctx, draft, actor)
	if err != nil {
		return nil, err
	}
	return New(c, key, env)
}

// Certificate returns the authority's own certificate.
func (a *Authority) Certificate() *cert.Certificate { return a.certificate }

// Site says where the status of the authority's certificates is published.
func (a *Authority) Site() Site { return a.env.Site }

func (a *Authority) now() time.Time { return a.env.Now() }

// Draft is a certificate that is checked, linted and intended, and not signed.
type Draft struct {
	authority *Authority
	profile   *Profile
	intent    Intent
	act       audit.Act
	spent     bool
}

// Serial returns the serial number that the certificate will have.
func (d *Draft) Serial() cert.Serial { return d.intent.Serial }

// Prepare does everything before the signature: it checks the request, builds the part
// that will be signed, lints it and stores the intent. It reaches into nobody's key.
//
// A draft that is not issued keeps its key busy until [Recover] abandons it.
func (a *Authority) Prepare(ctx context.Context, r Request) (*Draft, error) {
	d, err := a.prepare(ctx, r)
	if err != nil {
		// The subject may be a person, and errors go into logs.
		return nil, fmt.Errorf("certificate of profile %s: %w", r.Profile, err)
	}
	return d, nil
}

// Check refuses what [Authority.Prepare] would refuse of a request, but for a key that is in
// use, and stores nothing.
func (a *Authority) Check(r Request) error {
	p, r, t, err := a.checked(r)
	if err == nil {
		_, err = a.linted(p, r, t)
	}
	if err != nil {
		return fmt.Errorf("certificate of profile %s: %w", r.Profile, err)
	}
	return nil
}

// checked returns the profile of a request, the request as it is granted, and what will be
// signed of it.
func (a *Authority) checked(r Request) (*Profile, Request, *cert.Template, error) {
	p, err := a.env.Profiles.Profile(r.Profile)
	if err != nil {
		return nil, r, nil, fmt.Errorf("profile %w", err)
	}
	granted, err := a.validate(p, r)
	if err != nil {
		return nil, r, nil, err
	}
	t, err := a.template(p, granted)
	return p, granted, t, err
}

// linted builds what will be signed and lints it.
func (a *Authority) linted(p *Profile, r Request, t *cert.Template) ([]byte, error) {
	tbs, err := t.TBS()
	if err != nil {
		return nil, err
	}
	return tbs, a.rules(p, r, t).Check(tbs)
}

func (a *Authority) prepare(ctx context.Context, r Request) (*Draft, error) {
	p, r, t, err := a.checked(r)
	if err != nil {
		return nil, err
	}
	if !p.listed || a.env.StatusLists == nil {
		return a.intend(ctx, p, r, t)
	}
	var d *Draft
	for range entryTries {
		if t.StatusEntry, err = a.env.StatusLists.ReserveEntry(ctx); err != nil {
			return nil, fmt.Errorf("its place in a status list: %w", err)
		}
		d, err = a.intend(ctx, p, r, t)
		if err != nil && !errors.Is(err, errMayBeIntended) {
			a.env.StatusLists.ReleaseEntry(t.StatusEntry)
		}
		if !errors.Is(err, ErrEntryTaken) {
			break
		}
	}
	return d, err
}

// entryTries is how often a place in a status list is drawn until it is one that no other
// process has taken.
const entryTries = 8

// intend builds what will be signed, lints it and stores the intent.
func (a *Authority) intend(ctx context.Context, p *Profile, r Request, t *cert.Template) (*Draft, error) {
	tbs, err := a.linted(p, r, t)
	if err != nil {
		return nil, err
	}
	d := &Draft{authority: a, profile: p, act: audit.ActCertificateIssue}
	subject := t.SubjectDER
	if subject == nil {
		if subject, err = r.Subject.DER(); err != nil {
			return nil, err
		}
	}
	role := p.name
	if r.Link != nil { // a root's key is for a root, whoever certifies it
		role = ProfileRoot
	}
	d.intent = Intent{
		Issuer: a.key.Public().Point(), Serial: t.Serial, Point: r.Key.Point(), Role: RoleOf(role, subject), Profile: p.name, Entry: t.StatusEntry,
		NotAfter: t.NotAfter, At: a.now().UTC().Truncate(time.Second), TBS: tbs,
	}
	if p.revocable {
		d.intent.Shard = ShardOf(t.Serial, a.env.Site.Shards)
	}
	if r.Renews != nil {
		renews, ok := cert.SerialOf(r.Renews.SerialNumber())
		if !ok {
			return nil, fmt.Errorf("what is renewed is no certificate of ours: %w", ErrRequest)
		}
		d.intent.Renews = renews
		if r.Link == nil {
			d.act = audit.ActCertificateRenew
		}
	}
	if err := a.env.Ledger.IntendCertificate(ctx, d.intent); err != nil {
		return nil, a.notIntended(ctx, d, err)
	}
	return d, nil
}

// errMayBeIntended: the ledger gave an error, and may have stored the intent.
var errMayBeIntended = errors.New("whether it was stored is not known")

// notIntended frees the key of an intent that the ledger may have stored in spite of
// its error. Nothing was signed.
func (a *Authority) notIntended(ctx context.Context, d *Draft, err error) error {
	err = fmt.Errorf("storing the intent: %w", err)
	if errors.Is(err, ErrKeyInUse) || errors.Is(err, ErrEntryTaken) {
		return err
	}
	abandoning := a.abandon(ctx, "ca", []*Draft{d})
	if errors.Is(abandoning, ErrNoCertificate) {
		return err
	}
	return errors.Join(err, errMayBeIntended, abandoning)
}

// grace is how far before now a certificate begins, for clocks that are a little
// behind.
const grace = time.Minute

func (a *Authority) template(p *Profile, r Request) (*cert.Template, error) {
	now := a.now().UTC().Truncate(time.Second)
	t := &cert.Template{
		Issuer: a.subject, Subject: r.Subject, NotBefore: now.Add(-grace), NotAfter: now.Add(life(p, r) - grace - time.Second),
		Key: r.Key, IssuerKey: a.key.Public(), IsCA: p.isCA, PathLen: pathLen(p, r), Usage: p.usage, UsageOptional: !p.usageCritical(r.Pair),
		ExtUsages: p.extUsages, ExtUsageCritical: p.extUsageCritical, Policies: p.policies, DNSNames: r.DNSNames, IPs: r.IPs, OCSPNoCheck: p.noCheck,
		OrganizationCode: r.OrganizationCode, InsuranceNumber: r.InsuranceNumber, RegistrationNumber: r.RegistrationNumber, TaxationNumber: r.TaxationNumber,
	}
	if r.Cross != nil {
		t.SubjectDER, t.SubjectKeyID, t.NameConstraints = r.Cross.Root.RawSubject(), r.Cross.Root.SubjectKeyID(), &r.Cross.Constraints
		t.NotAfter = earlier(t.NotAfter, r.Cross.Root.NotAfter())
	}
	if r.Link != nil {
		t.SubjectDER, t.SubjectKeyID, t.NotBefore, t.NotAfter = a.subjectDER, r.Link.SubjectKeyID(), r.Link.NotBefore(), r.Link.NotAfter()
	}
	if a.certificate != nil {
		t.NotAfter = earlier(t.NotAfter, a.notAfter)
		if t.NotBefore.Before(a.notBefore) && r.Link == nil {
			t.NotBefore = a.notBefore
		}
		if !t.NotAfter.After(now) {
			return nil, fmt.Errorf("authority %s has ended: %w", a.subject, ErrRequest)
		}
		if now.Before(a.notBefore) {
			return nil, fmt.Errorf("authority %s has not begun: %w", a.subject, ErrRequest)
		}
	}
	var err error
	if t.Serial, err = cert.NewSerial(rand.Reader); err != nil {
		return nil, err
	}
	site := a.env.Site.at(p.host)
	if p.revocable {
		t.CRLPoints, t.OCSP = []string{site.crl(t.Serial)}, []string{site.ocsp()}
		if p.namesDelta(site) {
			t.FreshestCRL = []string{site.delta(t.Serial)}
		}
	}
	if p.name != ProfileRoot {
		t.CAIssuers = []string{site.issuer()}
	}
	return t, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Issue signs a draft, checks the result and records it. A draft can be issued once;
// where that fails its intent is abandoned.
func (a *Authority) Issue(ctx context.Context, d *Draft, actor string) (*cert.Certificate, error) {
	all, err := a.issue(ctx, actor, d)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// issue signs drafts and records them together, all or none.
func (a *Authority) issue(ctx context.Context, actor string, drafts ...*Draft) ([]*cert.Certificate, error) {
	for _, d := range drafts {
		if d.authority != a || d.spent {
			return nil, ErrSpent
		}
	}
	var certificates []*cert.Certificate
	var issued []Issued
	var err error
	for _, d := range drafts {
		d.spent = true
		if err != nil {
			continue
		}
		var c *cert.Certificate
		if c, err = a.sign(d); err != nil {
			continue
		}
		var entry audit.Record
		digest := sm3.Sum(c.DER)
		entry, err = audit.NewRecord(audit.Entry{Time: a.now().Unix(), Actor: actor, Act: d.act, Subject: d.intent.Serial.String(), Digest: digest[:]}, nil)
		certificates = append(certificates, c)
		issued = append(issued, Issued{Issuer: d.intent.Issuer, Serial: d.intent.Serial, DER: c.DER, Entry: entry})
	}
	if err == nil {
		if err = a.env.Ledger.RecordCertificate(ctx, issued...); err == nil {
			return certificates, nil
		}
		err = fmt.Errorf("recording certificate %s: %w", drafts[0].intent.Serial, err)
	}
	return nil, errors.Join(err, a.abandon(ctx, actor, drafts))
}

// abandon frees the keys of drafts that came to nothing. Where the ledger does not
// answer either, or has recorded them in spite of its error, the next start finds out.
func (a *Authority) abandon(ctx context.Context, actor string, drafts []*Draft) error {
	ctx = context.WithoutCancel(ctx) // who gave up waiting must not leave a key busy
	var errs []error
	for _, d := range drafts {
		if err := abandon(ctx, a.env.Ledger, d.intent.Issuer, d.intent.Serial, actor, a.now()); err != nil && !errors.Is(err, ErrState) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sign makes the certificate of a draft and verifies it whole.
func (a *Authority) sign(d *Draft) (*cert.Certificate, error) {
	// The signature is verified below, over the bytes read back.
	sig, err := a.key.SignUnchecked(d.intent.TBS)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", d.intent.Serial, err)
	}
	der, err := cert.Assemble(d.intent.TBS, sig)
	if err != nil {
		return nil, err
	}
	c, err := cert.Parse(der)
	if err != nil {
		return nil, fmt.Errorf("reading back certificate %s: %w", d.intent.Serial, err)
	}
	if !bytes.Equal(c.TBS(), d.intent.TBS) || c.Key.Point() != d.intent.Point || c.IsCA() != d.profile.isCA {
		return nil, fmt.Errorf("certificate %s is not read back as it was written", d.intent.Serial)
	}
	second := a.env.Second
	if !d.profile.precious {
		second = nil
	}
	if err := c.SignedBy(a.key.Public(), second); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", d.intent.Serial, errors.Join(pki.ErrSelfCheck, err))
	}
	return c, nil
}

// rules are what the linter holds a draft to.
func (a *Authority) rules(p *Profile, r Request, t *cert.Template) *lint.Rules {
	site := a.env.Site.at(p.host)
	rules := &lint.Rules{
		IssuerName: a.subjectDER, IssuerKeyID: a.keyID, NotBefore: a.notBefore, NotAfter: a.notAfter, Longest: p.longest,
		SubjectRequired: p.subjectRequired, SubjectOptional: p.subjectOptional, CA: p.isCA, PathLen: t.PathLen, Usage: p.usage,
		ExtUsages: p.extUsages, Policies: p.policies, WeakKey: weakX,
	}
	if r.Cross != nil {
		rules.SubjectDER, rules.SubjectKeyID = r.Cross.Root.RawSubject(), r.Cross.Root.SubjectKeyID()
	}
	if r.Link != nil {
		rules.SubjectDER, rules.SubjectKeyID, rules.NotBefore = a.subjectDER, r.Link.SubjectKeyID(), r.Link.NotBefore()
	}
	listed := t.StatusEntry != cert.StatusEntry{}
	rules.Extensions, rules.StatusEntry = p.extensions(r.Pair, p.namesDelta(site), listed), t.StatusEntry.Packed()
	if p.revocable {
		rules.CRL, rules.OCSP = site.crl, site.ocsp()
		if p.namesDelta(site) {
			rules.Delta = site.delta
		}
	}
	if p.name != ProfileRoot {
		rules.CAIssuers = site.issuer()
	}
	return rules
}
