package office

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/oid"
)

// CertificateRequest asks for a certificate for a key that is somebody else's.
type CertificateRequest struct {
	Profile ca.ProfileName
	// Authority issues; empty: the one that the profile names.
	Authority string
	// Request is what the holder of the key has signed.
	Request *cert.Request
	// Subject stands in place of the request's.
	Subject          *cert.Name
	OrganizationCode string
	// Pair asks for an encryption certificate beside the signing one.
	Pair bool
}

// IssuedCertificates is what a request led to.
type IssuedCertificates struct {
	Certificate *cert.Certificate
	Issuer      *cert.Certificate
	Pair        *ca.Pair // nil if none was asked for
}

// IssueCertificate issues a certificate for somebody else's key. Who asks has been
// identified before.
func (o *Office) IssueCertificate(ctx context.Context, actor string, r CertificateRequest) (IssuedCertificates, error) {
	var issued IssuedCertificates
	p, err := o.profiles.Profile(r.Profile)
	if err != nil {
		return issued, fmt.Errorf("profile %w", err)
	}
	if !p.ByRequest() {
		return issued, fmt.Errorf("profile %s is for keys of the service itself: %w", p.Name(), ca.ErrRequest)
	}
	a, err := o.authorityFor(ctx, p, r.Authority)
	if err != nil {
		return issued, err
	}
	request := ca.Request{
		Profile: p.Name(), Subject: r.Request.Subject, Key: r.Request.Key, DNSNames: r.Request.DNSNames, IPs: r.Request.IPs, OrganizationCode: r.OrganizationCode,
	}
	switch {
	case r.Subject != nil:
		request.Subject = *r.Subject
	case len(r.Request.Untaken) > 0:
		return issued, fmt.Errorf("the request's subject has %s, which no certificate of ours carries; name the subject instead: %w", r.Request.Untaken[0], ca.ErrRequest)
	}
	issued.Issuer = a.Certificate()
	if r.Pair {
		issued.Pair, err = a.IssuePair(ctx, request, actor)
		if err != nil {
			return issued, err
		}
		issued.Certificate = issued.Pair.Signing
		return issued, nil
	}
	issued.Certificate, err = certify(ctx, a, request, actor)
	return issued, err
}

// authorityFor finds the authority that issues by a profile.
func (o *Office) authorityFor(ctx context.Context, p *ca.Profile, name string) (*ca.Authority, error) {
	switch by := p.IssuedBy(); {
	case by == "any" && name == "":
		return nil, fmt.Errorf("profile %s: name the authority: %w", p.Name(), ErrNoCertificateAuthority)
	case by == "any" || name == "" || name == by:
		if name == "" {
			name = by
		}
		return o.authority(ctx, name)
	default:
		return nil, fmt.Errorf("profile %s is issued by %s, not by %s: %w", p.Name(), by, name, ca.ErrRequest)
	}
}

// RenewCertificate issues the successor of a certificate under the authority's present
// key: for the same key, or with a request for the request's. The old one stays valid
// until it ends or is revoked, so that nothing stands still in between. A certificate
// that is held or revoked is not renewed.
func (o *Office) RenewCertificate(ctx context.Context, actor string, serial cert.Serial, rekey *cert.Request) (IssuedCertificates, error) {
	old, err := o.Certificate(ctx, serial)
	if err != nil {
		return IssuedCertificates{}, err
	}
	if old.State != ca.Good {
		return IssuedCertificates{}, fmt.Errorf("certificate %s is %s and is not renewed: %w", serial, old.State, ca.ErrState)
	}
	p, err := o.profiles.Profile(old.Profile)
	if err != nil {
		return IssuedCertificates{}, fmt.Errorf("profile %w", err)
	}
	if p.IsCA() {
		return IssuedCertificates{}, fmt.Errorf("certificate %s is an authority's: rotate the authority instead: %w", serial, ca.ErrRequest)
	}
	a, err := o.successor(ctx, old)
	if err != nil {
		return IssuedCertificates{}, err
	}
	r := successorRequest(p, old.Certificate)
	if rekey != nil {
		if !p.ByRequest() {
			return IssuedCertificates{}, fmt.Errorf("profile %s is for keys of the service itself: %w", p.Name(), ca.ErrRequest)
		}
		r.Key, r.Renews = rekey.Key, nil
	}
	c, err := certify(ctx, a, r, actor)
	if err != nil {
		return IssuedCertificates{}, err
	}
	return IssuedCertificates{Certificate: c, Issuer: a.Certificate()}, nil
}

// successorRequest asks for what a certificate has, once more.
func successorRequest(p *ca.Profile, old *cert.Certificate) ca.Request {
	_, critical, _ := old.Extension(oid.KeyUsage)
	return ca.Request{
		Profile: p.Name(), Subject: old.Subject, Key: old.Key, Renews: old, DNSNames: old.DNSNames(), IPs: old.IPs(),
		OrganizationCode: old.OrganizationCode(), InsuranceNumber: old.Number(oid.InsuranceNumber),
		RegistrationNumber: old.Number(oid.RegistrationNumber), TaxationNumber: old.Number(oid.TaxationNumber),
		// Critical where it need not be: the holder has a pair.
		Pair: p.Pair() != "" && critical,
	}
}

// successor returns the authority that issued a certificate, with its present key.
func (o *Office) successor(ctx context.Context, c CertificateRecord) (*ca.Authority, error) {
	for _, name := range Intermediates() {
		ring, err := o.keyringOfAuthority(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, g := range ring {
			if g.Point == c.Issuer {
				return o.authority(ctx, name)
			}
		}
	}
	return nil, fmt.Errorf("certificate %s is the root's to renew: %w", c.Serial, ErrNoCertificateAuthority)
}

// CrossCertify recognises another domain's root within constraints, by the root's key
// from the offline store. A life of 0 is the profile's.
func (o *Office) CrossCertify(ctx context.Context, actor string, offline *keystore.Store, cross ca.Cross, life time.Duration) (*cert.Certificate, error) {
	root, err := o.root(ctx, offline)
	if err != nil {
		return nil, err
	}
	return o.crossCertify(ctx, actor, root, cross, life)
}

// crossCertify recognises another domain's root. An earlier recognition of the same root
// is renewed.
func (o *Office) crossCertify(ctx context.Context, actor string, root *ca.Authority, cross ca.Cross, life time.Duration) (*cert.Certificate, error) {
	r := ca.Request{Profile: ca.ProfileCross, Key: cross.Root.Key, Subject: cross.Root.Subject, Cross: &cross, Life: life}
	der, err := o.store.CertificateOf(ctx, cross.Root.Key.Point())
	if err == nil {
		if r.Renews, err = cert.Parse(der); err != nil {
			return nil, err
		}
	} // what cannot be read is refused by the ledger, as its key is in use
	return certify(ctx, root, r, actor)
}

// root opens the root authority by its present key in the offline store.
func (o *Office) root(ctx context.Context, offline *keystore.Store) (*ca.Authority, error) {
	if offline == nil {
		return nil, ErrNeedsOffline
	}
	ring, err := o.rootKeyring(ctx)
	if err != nil {
		return nil, err
	}
	present := ring[len(ring)-1]
	key, err := offline.Signer(keystore.PurposeCA, present.Key)
	if err != nil {
		return nil, err
	}
	c, err := o.RootCertificate(ctx)
	if err != nil {
		return nil, err
	}
	return ca.New(c, key, o.environment(present.Key, 0))
}

// ErrNeedsOffline says that an act needs a key of the offline store.
var ErrNeedsOffline = bilingual.New("此操作需要离线密钥", "this needs a key of the offline store")
