package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// RotateRoot gives the root certificate authority a new key, in the offline store, with
// the certificates by which nothing breaks (RFC 4210, 4.4): that of the new root for
// itself, two links, by which each of the two roots certifies the other, and for the key
// of every intermediate authority a certificate by the new root beside the one that it
// has. It returns the new root.
//
// The root is put into force at the end, together with the trust files that name it.
// What was cut off before that is taken up by calling again.
func (o *Office) RotateRoot(ctx context.Context, actor string, offline *keystore.Store) (*cert.Certificate, error) {
	if offline == nil {
		return nil, ErrNeedsOffline
	}
	o.rotating.Lock()
	defer o.rotating.Unlock()
	r := &rootRotation{office: o, actor: actor, offline: offline}
	for _, step := range r.steps() {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("rotating the root: %w", err)
		}
	}
	return r.after.Certificate(), nil
}

// rootRotation is one rotation of the root. Every step looks for what a try before this
// one has left, so that a new try goes on where it was cut off.
type rootRotation struct {
	office        *Office
	actor         string
	offline       *keystore.Store
	ring          keyring // with the new generation
	before, after *ca.Authority
}

func (r *rootRotation) steps() []func(context.Context) error {
	steps := []func(context.Context) error{r.begin, r.signItself, r.linkNewWithOld, r.linkOldWithNew}
	for _, name := range Intermediates() {
		steps = append(steps, func(ctx context.Context) error { return r.renew(ctx, name) })
	}
	return append(steps, r.makeResponder, r.listRevoked, r.putIntoForce)
}

// makeResponder makes the key that answers for the new root by OCSP, as long as the
// certificate of the one that answers for the present root counts.
func (r *rootRotation) makeResponder(ctx context.Context) error {
	o := r.office
	last, err := o.keys.Signer(keystore.PurposeOCSP, responderKey(r.ring[len(r.ring)-2].Key))
	if errors.Is(err, keystore.ErrNoKey) {
		return nil // nobody answers for the present one either
	}
	if err != nil {
		return err
	}
	before, err := o.certificateOf(ctx, last.Public())
	if err != nil {
		return err
	}
	name := responderKey(r.ring[len(r.ring)-1].Key)
	key, err := o.keys.Signer(keystore.PurposeOCSP, name)
	if errors.Is(err, keystore.ErrNoKey) {
		key, err = o.keys.GenerateSigner(keystore.PurposeOCSP, name)
	}
	if err != nil {
		return err
	}
	_, err = certify(ctx, r.after, ca.Request{
		Profile: ca.ProfileOCSP, Subject: before.Subject, Key: key.Public(), Life: (before.NotAfter().Sub(before.NotBefore()) + time.Second).Round(day),
	}, r.actor)
	if errors.Is(err, ca.ErrKeyInUse) {
		return nil // made by a try before this one
	}
	return err
}

// listRevoked signs the new root's first revocation list, for as long as the present
// root's counts.
func (r *rootRotation) listRevoked(ctx context.Context) error {
	last, err := r.office.rootCRL(ctx, r.ring[len(r.ring)-2].Key)
	if errors.Is(err, ErrNoCRL) {
		return nil // the present one has none either
	}
	if err != nil {
		return err
	}
	present := r.ring[len(r.ring)-1]
	key, err := r.offline.Signer(keystore.PurposeCA, present.Key)
	if err != nil {
		return err
	}
	_, err = r.office.signRootCRL(ctx, r.actor, present.Key, r.after.Certificate(), key, last.NextUpdate.Sub(last.ThisUpdate))
	return err
}

// begin opens the present root, and makes sure that its word and those of the
// authorities below it count: what is revoked is not handed on.
func (r *rootRotation) begin(ctx context.Context) error {
	ring, err := r.office.rootKeyring(ctx)
	if err != nil {
		return err
	}
	present := ring[len(ring)-1]
	certified, err := r.office.certifiedByRoots(ctx, ring, present.Point)
	if err != nil {
		return err
	}
	if certified == nil {
		return fmt.Errorf("root %s was compromised and cannot vouch for another: %w", present.Key, ca.ErrState)
	}
	for _, name := range Intermediates() {
		if _, err := r.office.authority(ctx, name); err != nil {
			return fmt.Errorf("%w; rotate it first", err)
		}
	}
	if r.before, err = r.office.root(ctx, r.offline); err != nil {
		return err
	}
	if end := r.before.Certificate().NotAfter(); !end.After(r.office.now()) {
		return fmt.Errorf("root %s has ended on %s and cannot vouch for another: %w", present.Key, end.Format(time.RFC3339), ca.ErrState)
	}
	next := fmt.Sprintf("%s.%d", rootKey, len(ring)+1)
	key, err := r.offline.Signer(keystore.PurposeCA, next)
	if errors.Is(err, keystore.ErrNoKey) {
		key, err = r.offline.GenerateSigner(keystore.PurposeCA, next)
	}
	if err != nil {
		return err
	}
	r.ring = ring.next(next, key.Public().Point(), r.office.now().Unix())
	return nil
}

func (r *rootRotation) signItself(ctx context.Context) error {
	present := r.ring[len(r.ring)-1]
	key, err := r.offline.Signer(keystore.PurposeCA, present.Key)
	if err != nil {
		return err
	}
	env := r.office.environment(present.Key, 0)
	made, err := r.office.issuedTo(ctx, present.Point, present.Point)
	if err != nil {
		return err
	}
	if made != nil {
		r.after, err = ca.New(made, key, env)
		return err
	}
	r.after, err = ca.NewRoot(ctx, r.before.Certificate().Subject, key, r.actor, env)
	return err
}

func (r *rootRotation) linkNewWithOld(ctx context.Context) error {
	return r.link(ctx, r.before, r.after.Certificate())
}

func (r *rootRotation) linkOldWithNew(ctx context.Context) error {
	return r.link(ctx, r.after, r.before.Certificate())
}

// link certifies one generation of the root by another.
func (r *rootRotation) link(ctx context.Context, by *ca.Authority, root *cert.Certificate) error {
	return r.certify(ctx, by, ca.Request{Profile: ca.ProfileRootLink, Subject: root.Subject, Key: root.Key, Link: root})
}

// renew certifies the present key of an intermediate authority by the new root.
func (r *rootRotation) renew(ctx context.Context, name string) error {
	a, err := r.office.authority(ctx, name)
	if err != nil {
		return err
	}
	c := a.Certificate()
	if err := r.certify(ctx, r.after, ca.Request{Profile: ca.ProfileIntermediate, Subject: c.Subject, Key: c.Key}); err != nil {
		return fmt.Errorf("authority %s: %w", name, err)
	}
	r.office.forgetAuthorities()
	return nil
}

// certify issues a further certificate for a key that has one, unless a try before this
// one has done so.
func (r *rootRotation) certify(ctx context.Context, by *ca.Authority, request ca.Request) error {
	made, err := r.office.issuedTo(ctx, by.Certificate().Key.Point(), request.Key.Point())
	if err != nil || made != nil {
		return err
	}
	if request.Renews, err = r.office.certificateOf(ctx, request.Key); err != nil {
		return err
	}
	_, err = certify(ctx, by, request, r.actor)
	return err
}

// putIntoForce stores the new generation and the trust files that name it, all or none.
func (r *rootRotation) putIntoForce(ctx context.Context) error {
	o := r.office
	ring, err := json.Marshal(r.ring)
	if err != nil {
		return err
	}
	entry, err := o.folder.Entry(r.actor, audit.ActKeyRotate, r.ring[len(r.ring)-1].Key)
	if err != nil {
		return err
	}
	o.publishing.Lock()
	defer o.publishing.Unlock()
	p, err := o.publication(ctx)
	if err != nil {
		return err
	}
	p.roots = r.ring
	if err := p.run(ctx); err != nil {
		return err
	}
	settings := map[string][]byte{keyringSetting(keystore.PurposeCA, rootKey): ring, rootSetting: r.after.Certificate().DER}
	return p.release(ctx, r.actor, settings, entry)
}

// forgetAuthorities has the intermediate authorities opened again with their newest
// certificates.
func (o *Office) forgetAuthorities() {
	o.opened.mu.Lock()
	defer o.opened.mu.Unlock()
	clear(o.opened.authorities)
}

// rootKeyring returns the generations of the root's key, which is not in the service's
// key store.
func (o *Office) rootKeyring(ctx context.Context) (keyring, error) {
	b, err := o.store.Setting(ctx, keyringSetting(keystore.PurposeCA, rootKey))
	if err != nil {
		return nil, err
	}
	if b != nil {
		return o.keyring(ctx, keystore.PurposeCA, rootKey)
	}
	c, err := o.RootCertificate(ctx)
	if err != nil {
		return nil, err
	}
	return keyring{{Key: rootKey, Point: c.Key.Point()}}, nil
}

// issuedTo returns the certificate that an authority's key has signed for another key,
// if it is good and has not ended; nil if there is none. It reads all that the authority
// has issued: the root's is not much.
func (o *Office) issuedTo(ctx context.Context, issuer, point pki.Point) (*cert.Certificate, error) {
	now := o.now()
	for r, err := range o.store.IssuedBy(ctx, issuer, cert.Serial{}) {
		if err != nil {
			return nil, err
		}
		if r.Point == point && r.DER != nil && r.State == ca.Good && r.NotAfter.After(now) {
			return cert.Parse(r.DER)
		}
	}
	return nil, nil
}

// selfSigned returns a generation of the root's certificate for itself.
func (o *Office) selfSigned(ctx context.Context, g generation) (*cert.Certificate, error) {
	for r, err := range o.store.IssuedBy(ctx, g.Point, cert.Serial{}) {
		if err != nil {
			return nil, err
		}
		if r.Point == g.Point && r.DER != nil {
			return o.roots.parse(r.DER)
		}
	}
	return nil, fmt.Errorf("root %s: %w", g.Key, ca.ErrNoCertificate)
}

// RootGeneration is one of the roots that followed one another.
type RootGeneration struct {
	Name        string // of its key, and within URLs
	Certificate *cert.Certificate
	From, Until time.Time // zero: from the beginning; open
}

// Roots returns all generations of the root, the present one last.
func (o *Office) Roots(ctx context.Context) ([]RootGeneration, error) {
	ring, err := o.rootKeyring(ctx)
	if err != nil {
		return nil, err
	}
	var all []RootGeneration
	for _, g := range ring {
		c, err := o.selfSigned(ctx, g)
		if err != nil {
			return nil, err
		}
		root := RootGeneration{Name: g.Key, Certificate: c}
		root.From, root.Until = g.times()
		all = append(all, root)
	}
	return all, nil
}

// trustedRoots returns the certificates of the roots that count: those that have not
// ended, as nothing below a root outlives it, and were not compromised. No list can say
// that a root is revoked; the one that follows says it of its link to it.
func (o *Office) trustedRoots(ctx context.Context, ring keyring) ([][]byte, error) {
	var all [][]byte
	for _, g := range ring {
		c, err := o.selfSigned(ctx, g)
		if err != nil {
			return nil, err
		}
		certified, err := o.certifiedByRoots(ctx, ring, g.Point)
		if err != nil {
			return nil, err
		}
		if certified != nil && c.NotAfter().After(o.now()) {
			all = append(all, c.DER)
		}
	}
	return all, nil
}

// certifiedByRoots returns what the roots of a ring have certified a key by, the oldest
// root's first, without certificates that say the key was compromised: then there are
// none at all. An authority's anchor is each of them: every one is valid in its own
// time, and a signature is judged at its time.
func (o *Office) certifiedByRoots(ctx context.Context, ring keyring, point pki.Point) ([][]byte, error) {
	var all [][]byte
	for _, root := range ring {
		for r, err := range o.store.IssuedBy(ctx, root.Point, cert.Serial{}) {
			if err != nil {
				return nil, err
			}
			if r.Point != point || r.DER == nil {
				continue
			}
			if lost(r.Status) {
				return nil, nil
			}
			all = append(all, r.DER)
		}
	}
	return all, nil
}

// lost reports whether nothing can be relied on that the key of a certificate has signed.
func lost(s ca.Status) bool {
	reason := s.Revocation.Reason
	return s.State == ca.Revoked && (reason == cert.KeyCompromise || reason == cert.CACompromise)
}

// AuthorityCertificates returns the certificates of the roots and of the intermediate authorities, also of those whose
// key was rotated, by the name that their URL has: that of the key. A key that several roots have certified has the
// certificate by the newest of them under that name and the others under NAME.by.ROOT, as the links between roots.
func (o *Office) AuthorityCertificates(ctx context.Context) (map[string]*cert.Certificate, error) {
	roots, err := o.rootKeyring(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[pki.Point]string)
	isRoot := make(map[pki.Point]bool)
	for _, g := range roots {
		names[g.Point], isRoot[g.Point] = g.Key, true
	}
	for _, name := range Intermediates() {
		ring, err := o.keyringOfAuthority(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, g := range ring {
			names[g.Point] = g.Key
		}
	}
	found := make(map[string]*cert.Certificate)
	holders := make(map[string]string) // of names: the root that signed
	for _, root := range roots {
		for r, err := range o.store.IssuedBy(ctx, root.Point, cert.Serial{}) {
			if err != nil {
				return nil, err
			}
			name, ours := names[r.Point]
			if !ours || r.DER == nil {
				continue
			}
			c, err := cert.Parse(r.DER)
			if err != nil {
				return nil, err
			}
			if isRoot[r.Point] && r.Point != root.Point {
				found[name+".by."+root.Key] = c
				continue
			}
			if before := found[name]; before != nil {
				found[name+".by."+holders[name]] = before
			}
			found[name], holders[name] = c, root.Key
		}
	}
	return found, nil
}
