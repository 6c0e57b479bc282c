package office

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// NewAuthority names a body that shall issue licences.
type NewAuthority struct {
	USCC       string
	Name       string
	Region     string
	Level      catalogue.Level
	Categories []catalogue.ID // empty: all categories of the level
}

// Errors that callers decide on.
var (
	// ErrNoAuthority: no authority, or not exactly one, fits.
	ErrNoAuthority = bilingual.New("没有可签发的机构，或须指明其中之一", "no issuing authority fits")
	// ErrAuthorityExists: it issues licences already.
	ErrAuthorityExists = bilingual.New("该机构已存在", "exists already")
)

// AddAuthority gives a body a key, a certificate and a status list of its own.
// Terminals know it once the trust files have been published again.
func (o *Office) AddAuthority(ctx context.Context, actor string, n NewAuthority) (licence.Authority, error) {
	a, err := o.addable(ctx, n)
	if err != nil {
		return a, err
	}
	_, c, err := o.certified(ctx, actor, keystore.PurposeAuthority, a.USCC, caIssuers, authorityRequest(a))
	if err != nil {
		return a, err
	}
	a.Point, a.Certificate = c.Key.Point(), c.DER
	entry, err := audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: audit.ActAuthorityAdd, Subject: a.USCC}, nil)
	if err != nil {
		return a, err
	}
	if err := o.store.AddAuthority(ctx, a, entry); err != nil {
		return a, err
	}
	o.unknown.tell()
	return a, nil
}

// TryAuthority answers as [Office.AddAuthority] would, without a key and a certificate, and
// changes nothing.
func (o *Office) TryAuthority(ctx context.Context, n NewAuthority) (licence.Authority, error) {
	a, err := o.addable(ctx, n)
	if err != nil {
		return a, err
	}
	issuers, err := o.authority(ctx, caIssuers)
	if err != nil {
		return a, err
	}
	private, err := sm2.GenerateKey(rand.Reader) // one like that which it would get
	if err != nil {
		return a, fmt.Errorf("drawing a key: %w", err)
	}
	r := authorityRequest(a)
	if r.Key, err = pki.NewPublicKey(&private.PublicKey); err != nil {
		return a, err
	}
	return a, issuers.Check(r)
}

// addable returns an authority that can be added, with the next status list.
func (o *Office) addable(ctx context.Context, n NewAuthority) (licence.Authority, error) {
	a := licence.Authority{USCC: n.USCC, Name: n.Name, Region: n.Region, Level: n.Level, Categories: slices.Clone(n.Categories)}
	if len(a.Categories) == 0 {
		for _, c := range o.Catalogue().Categories() {
			if c.Level == n.Level {
				a.Categories = append(a.Categories, c.ID)
			}
		}
	}
	slices.Sort(a.Categories)
	a.Categories = slices.Compact(a.Categories)
	if err := a.Check(); err != nil {
		return a, err
	}
	if !(trust.Domain{Region: o.config.Region, Name: o.config.Domain}).Covers(a.Region) {
		return a, fmt.Errorf("authority's region %s is not of %s, %s: no terminal would take its licences: %w", a.Region, o.config.Domain, o.config.Region, ErrOutOfRange)
	}
	for _, id := range a.Categories {
		if _, ok := o.Catalogue().Category(id); !ok {
			return a, fmt.Errorf("category %s: %w", id, catalogue.ErrNoCategory)
		}
	}
	existing, err := o.store.Authorities(ctx)
	if err != nil {
		return a, err
	}
	next := uint32(1)
	for _, e := range existing {
		if e.USCC == a.USCC {
			return a, fmt.Errorf("authority %s %w", a.USCC, ErrAuthorityExists)
		}
		for _, l := range e.Lists {
			next = max(next, l+1)
		}
	}
	a.Lists = []uint32{next}
	return a, nil
}

// authorityRequest asks for the certificate of an issuing authority.
func authorityRequest(a licence.Authority) ca.Request {
	return ca.Request{
		Profile: ca.ProfileAuthority, OrganizationCode: a.USCC,
		Subject: cert.Name{Country: "CN", Organization: a.Name, Unit: "电子证照签发", CommonName: a.Name},
	}
}

// certified returns the key of a purpose and name and its certificate by one of the
// authorities. What a try before this left behind is taken up: a key without a
// certificate, or both.
func (o *Office) certified(ctx context.Context, actor string, p keystore.Purpose, name, authority string, r ca.Request) (*pki.Key, *cert.Certificate, error) {
	key, err := o.keys.Signer(p, name)
	if errors.Is(err, keystore.ErrNoKey) {
		key, err = o.keys.GenerateSigner(p, name)
	}
	if err != nil {
		return nil, nil, err
	}
	a, err := o.authority(ctx, authority)
	if err != nil {
		return nil, nil, err
	}
	r.Key = key.Public()
	c, err := certify(ctx, a, r, actor)
	if errors.Is(err, ca.ErrKeyInUse) {
		c, err = o.certificateOf(ctx, key.Public())
	}
	return key, c, err
}

// Authorities returns all issuing authorities with the keys that they sign with now.
func (o *Office) Authorities(ctx context.Context) ([]licence.Authority, error) {
	all, err := o.store.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		a := &all[i]
		ring, err := o.issuerKeys(ctx, *a)
		if err != nil {
			return nil, err
		}
		g, err := ring.current(o.now())
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", a.USCC, err)
		}
		if g.Point == a.Point {
			continue
		}
		a.Point = g.Point
		if a.Certificate, err = o.store.CertificateOf(ctx, g.Point); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// issuerKeys returns the generations of an issuing authority's key. Before the first
// rotation it is the one of the register, without a look into the key store.
func (o *Office) issuerKeys(ctx context.Context, a licence.Authority) (keyring, error) {
	b, err := o.store.Setting(ctx, keyringSetting(keystore.PurposeAuthority, a.USCC))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return keyring{{Key: a.USCC, Point: a.Point}}, nil
	}
	return o.keyring(ctx, keystore.PurposeAuthority, a.USCC)
}

// issuerFor finds the authority that issues a category: the named one, or the
// only one there is.
func (o *Office) issuerFor(ctx context.Context, category catalogue.ID, uscc string) (licence.Authority, error) {
	all, err := o.Authorities(ctx)
	if err != nil {
		return licence.Authority{}, err
	}
	return chooseIssuer(all, category, uscc)
}

func chooseIssuer(all []licence.Authority, category catalogue.ID, uscc string) (licence.Authority, error) {
	var fitting []licence.Authority
	for _, a := range all {
		if uscc == "" && a.MayIssue(category) || uscc == a.USCC {
			fitting = append(fitting, a)
		}
	}
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) == 0 && uscc != "":
		return licence.Authority{}, fmt.Errorf("%s: %w", uscc, ErrNoAuthority)
	case len(fitting) == 0:
		return licence.Authority{}, fmt.Errorf("nobody issues category %s: %w", category, ErrNoAuthority)
	default:
		var names []string
		for _, a := range fitting {
			names = append(names, a.USCC+" "+a.Name)
		}
		return licence.Authority{}, fmt.Errorf("must be one of %s for category %s: %w", strings.Join(names, ", "), category, ErrNoAuthority)
	}
}

// authorityOf returns the authority with a code.
func (o *Office) authorityOf(ctx context.Context, uscc string) (licence.Authority, error) {
	all, err := o.Authorities(ctx)
	if err != nil {
		return licence.Authority{}, err
	}
	for _, a := range all {
		if a.USCC == uscc {
			return a, nil
		}
	}
	return licence.Authority{}, fmt.Errorf("authority %s: %w", uscc, ErrNoAuthority)
}

// authorityKey opens an authority's signing key and checks that it is the one that
// was certified.
func (o *Office) authorityKey(ctx context.Context, a licence.Authority) (*pki.Key, error) {
	return o.authorityKeyAt(ctx, a, o.now())
}

// authorityKeyAt is [Office.authorityKey] for what is dated with a time that is now.
func (o *Office) authorityKeyAt(ctx context.Context, a licence.Authority, at time.Time) (*pki.Key, error) {
	key, err := o.keyAt(ctx, keystore.PurposeAuthority, a.USCC, at)
	if err != nil {
		return nil, err
	}
	if key.Public().Point() != a.Point {
		return nil, fmt.Errorf("the key of authority %s is not the certified one", a.USCC)
	}
	return key, nil
}
