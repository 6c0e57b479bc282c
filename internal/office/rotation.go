package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// ErrNoRotation: there is no key of this name that can be rotated.
var ErrNoRotation = bilingual.New("没有可轮换的此名密钥", "no key of this name can be rotated")

// maxAnnounce bounds how long before its use a key may be announced.
const maxAnnounce = 90 * day

const day = 24 * time.Hour

// rotatable is a key that the service signs with, and its certificate.
type rotatable struct {
	purpose   keystore.Purpose
	name      string
	separator string // before the number of a generation
	authority string
	request   ca.Request
}

// RotateKey puts a new key with a certificate of its own in the place of one that the
// service signs with: code, present, checkpoint, maker, tsa, ocsp-NAME of an intermediate
// authority, the trust files' trust, catalogue, status and time, token-status-es256 (the one
// of the status list tokens, which has no certificate: its JWK Set announces and keeps it),
// or an issuing authority by its unified social credit code.
//
// With a notice the new key is announced now and used from then on, so that terminals
// know it before they meet it; trust files go by their root, which announces itself,
// and take none. What the old key signed stays valid: the trust list keeps it with the
// time in which it was used. The keys of trust files are named in their root, so its
// key is needed from the offline store.
func (o *Office) RotateKey(ctx context.Context, actor, name string, notice time.Duration, offline *keystore.Store) error {
	if notice < 0 || notice > maxAnnounce {
		return fmt.Errorf("notice of %v is not 0 to %v: %w", notice, maxAnnounce, ErrOutOfRange)
	}
	if name == tokenKey {
		return o.rotateTokenKey(ctx, actor, notice)
	}
	r, err := o.rotatable(ctx, name)
	if err != nil {
		return err
	}
	if r.purpose == keystore.PurposeTrust && notice != 0 {
		return fmt.Errorf("key %s changes with the next root of the trust files and takes no notice: %w", name, ErrOutOfRange)
	}
	// Nobody signs while a key changes hands, so that no signature falls outside of
	// the time that the trust list gives its key.
	o.rotating.Lock()
	defer o.rotating.Unlock()
	ring, err := o.keyring(ctx, r.purpose, r.name)
	if err != nil {
		return err
	}
	now := o.now()
	if err := ring.settled(name, now); err != nil {
		return err
	}
	next := fmt.Sprintf("%s%s%d", r.name, r.separator, len(ring)+1)
	key, _, err := o.certified(ctx, actor, r.purpose, next, r.authority, r.request)
	if err != nil {
		return err
	}
	grown := ring.next(next, key.Public().Point(), now.Add(notice).Unix())
	value, err := json.Marshal(grown)
	if err != nil {
		return err
	}
	entry, err := o.folder.Entry(actor, audit.ActKeyRotate, next)
	if err != nil {
		return err
	}
	settings := map[string][]byte{keyringSetting(r.purpose, r.name): value}
	if r.purpose == keystore.PurposeTrust {
		return o.rotateRole(ctx, actor, trust.Role(r.name), grown, settings, entry, offline)
	}
	if err := o.store.PutSettings(ctx, settings, entry); err != nil {
		return err
	}
	if r.purpose == keystore.PurposeTSA {
		if err := o.closeStamping(ctx); err != nil { // the next stamp is the new key's
			return err
		}
	}
	_, err = o.Publish(ctx, actor)
	return err
}

// rotatable finds a key by the name that an officer gives it.
func (o *Office) rotatable(ctx context.Context, name string) (rotatable, error) {
	for _, s := range serviceKeys() {
		if s.name == name {
			return rotatable{s.purpose, s.name, ".", s.authority, o.serviceRequest(s)}, nil
		}
	}
	if r, found, err := o.rotatableResponder(ctx, name); found || err != nil {
		return r, err
	}
	if idcode.CheckUSCC(name) == nil {
		a, err := o.authorityOf(ctx, name)
		if err != nil {
			return rotatable{}, err
		}
		return rotatable{keystore.PurposeAuthority, a.USCC, ".", caIssuers, authorityRequest(a)}, nil
	}
	return rotatable{}, fmt.Errorf("%q: %w", name, ErrNoRotation)
}

// rotateRole signs a root of the trust files that names a new key for a role, and every
// file of it anew, and releases them together.
func (o *Office) rotateRole(ctx context.Context, actor string, role trust.Role, ring keyring, settings map[string][]byte, entry audit.Record, offline *keystore.Store) error {
	if offline == nil {
		return ErrNeedsOffline
	}
	o.publishing.Lock()
	defer o.publishing.Unlock()
	before, err := o.newestTrustRoot(ctx)
	if err != nil {
		return err
	}
	signers, err := o.trustRootKeys(ctx, before, offline)
	if err != nil {
		return err
	}
	p, err := o.publication(ctx)
	if err != nil {
		return err
	}
	after := p.rootAfter(before)
	for i := range after.Roles {
		if after.Roles[i].Role != role {
			continue
		}
		if len(after.Roles[i].Points) != 1 {
			return fmt.Errorf("role %s has %d keys, this program rotates one: %w", role, len(after.Roles[i].Points), ErrNoRotation)
		}
		after.Roles[i].Points[0] = ring[len(ring)-1].Point
	}
	if err := p.signRoot(before, after, signers); err != nil {
		return err
	}
	if p.keys[role], err = o.generationKey(keystore.PurposeTrust, ring[len(ring)-1]); err != nil {
		return err
	}
	// Not only when their content changes: the old signature counts no more.
	p.state.Trust.Content, p.state.Catalogue.Content = [32]byte{}, [32]byte{}
	if err := p.run(ctx); err != nil {
		return err
	}
	return p.release(ctx, actor, settings, entry)
}

// newestTrustRoot returns the root of the trust files that is in force.
func (o *Office) newestTrustRoot(ctx context.Context) (*trust.Root, error) {
	var newest *trust.Root
	for n := 1; ; n++ {
		signed, err := o.store.TrustFile(ctx, fmt.Sprintf("%d.root", n))
		if err != nil {
			return nil, err
		}
		if signed == nil {
			break
		}
		if newest, err = trust.OpenRoot(signed, newest, o.second); err != nil {
			return nil, err
		}
	}
	if newest == nil {
		return nil, errors.New("there is no root of the trust files")
	}
	return newest, nil
}

// RotateAuthority gives an intermediate certificate authority a new key, with a
// certificate by the root under a name of its own. The old one issues no more; it goes
// on signing its CRLs until its last certificate has ended ([Office.StatusAuthorities]),
// and what it has issued stays valid.
func (o *Office) RotateAuthority(ctx context.Context, actor, name string, offline *keystore.Store) (*cert.Certificate, error) {
	o.rotating.Lock()
	defer o.rotating.Unlock()
	ring, err := o.keyringOfAuthority(ctx, name)
	if err != nil {
		return nil, err
	}
	root, err := o.root(ctx, offline)
	if err != nil {
		return nil, err
	}
	generation := len(ring) + 1
	next := fmt.Sprintf("%s.%d", name, generation)
	key, err := o.keys.Signer(keystore.PurposeCA, next)
	if errors.Is(err, keystore.ErrNoKey) {
		key, err = o.keys.GenerateSigner(keystore.PurposeCA, next)
	}
	if err != nil {
		return nil, err
	}
	subject, err := o.authorityName(ctx, ring, generation)
	if err != nil {
		return nil, err
	}
	r := ca.Request{Profile: ca.ProfileIntermediate, Subject: subject, Key: key.Public()}
	c, err := certify(ctx, root, r, actor)
	if errors.Is(err, ca.ErrKeyInUse) { // a try before this one came so far
		c, err = o.certificateOf(ctx, key.Public())
	}
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(ring.next(next, key.Public().Point(), o.now().Unix()))
	if err != nil {
		return nil, err
	}
	entry, err := o.folder.Entry(actor, audit.ActKeyRotate, next)
	if err != nil {
		return nil, err
	}
	counts, err := o.shardCounts(ctx, ring[len(ring)-1].Key)
	if err != nil {
		return nil, err
	}
	shards, err := json.Marshal(counts[len(counts)-1:])
	if err != nil {
		return nil, err
	}
	settings := map[string][]byte{keyringSetting(keystore.PurposeCA, name): value, shardsSetting + next: shards}
	if err := o.store.PutSettings(ctx, settings, entry); err != nil {
		return nil, err
	}
	_, err = o.Publish(ctx, actor)
	return c, err
}

// authorityName is the name of a further generation of an intermediate authority's key:
// each has a name of its own, so that no CRL can be taken for another's.
func (o *Office) authorityName(ctx context.Context, ring keyring, generation int) (cert.Name, error) {
	der, err := o.store.CertificateOf(ctx, ring[0].Point)
	if err != nil {
		return cert.Name{}, err
	}
	first, err := cert.Parse(der)
	if err != nil {
		return cert.Name{}, err
	}
	name := first.Subject
	name.CommonName += fmt.Sprintf(" G%d", generation)
	return name, nil
}

// StatusAuthority is an authority that answers for the status of certificates.
type StatusAuthority struct {
	*ca.Authority
	Name   string // of its key, and within URLs
	Shards []ca.Shard
}

// StatusAuthorities returns the intermediate authorities that sign CRLs: those in use,
// and those whose key was rotated as long as a certificate of theirs has not ended.
func (o *Office) StatusAuthorities(ctx context.Context) ([]StatusAuthority, error) {
	var all []StatusAuthority
	now := o.now()
	for _, name := range Intermediates() {
		ring, err := o.keyringOfAuthority(ctx, name)
		if err != nil {
			return nil, err
		}
		for i, g := range ring {
			if i < len(ring)-1 {
				live, err := o.hasLive(ctx, g, now)
				if err != nil {
					return nil, err
				}
				if !live {
					continue
				}
			}
			a, err := o.authorityOfKey(ctx, g)
			if err != nil {
				return nil, err
			}
			shards, err := o.Shards(ctx, g.Key)
			if err != nil {
				return nil, err
			}
			all = append(all, StatusAuthority{a, g.Key, shards})
		}
	}
	return all, nil
}

// hasLive reports whether a certificate that an authority's key signed has not ended.
func (o *Office) hasLive(ctx context.Context, g generation, now time.Time) (bool, error) {
	for r, err := range o.store.IssuedBy(ctx, g.Point, cert.Serial{}) {
		if err != nil {
			return false, err
		}
		if r.NotAfter.After(now) {
			return true, nil
		}
	}
	return false, nil
}

// KeyGeneration is one key of those that followed one another under a name.
type KeyGeneration struct {
	Name        string // in the key store
	Purpose     keystore.Purpose
	Certificate *cert.Certificate // nil: the status list tokens' key has none
	From, Until time.Time         // zero: from the beginning; open
	InUse       bool
}

// KeyGenerations lists the keys that can be rotated, with their certificates.
func (o *Office) KeyGenerations(ctx context.Context) ([]KeyGeneration, error) {
	type named struct {
		purpose keystore.Purpose
		name    string
	}
	var names []named
	for _, name := range Intermediates() {
		names = append(names, named{keystore.PurposeCA, name})
	}
	for _, s := range serviceKeys() {
		names = append(names, named{s.purpose, s.name})
	}
	for _, name := range Intermediates() {
		r, _, err := o.rotatableResponder(ctx, responderKey(name))
		if err != nil {
			return nil, err
		}
		names = append(names, named{r.purpose, r.name})
	}
	authorities, err := o.store.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range authorities {
		names = append(names, named{keystore.PurposeAuthority, a.USCC})
	}
	roots, err := o.Roots(ctx)
	if err != nil {
		return nil, err
	}
	var all []KeyGeneration
	for i, r := range roots {
		all = append(all, KeyGeneration{
			Name: r.Name, Purpose: keystore.PurposeCA, Certificate: r.Certificate, From: r.From, Until: r.Until, InUse: i == len(roots)-1,
		})
	}
	for _, n := range names {
		ring, err := o.keyring(ctx, n.purpose, n.name)
		if errors.Is(err, keystore.ErrNoKey) && (n.purpose == keystore.PurposeOCSP || n.name == presentKey) {
			continue // made when the authority first answers, or the first code is asked for
		}
		if err != nil {
			return nil, err
		}
		for _, g := range ring {
			k := KeyGeneration{Name: g.Key, Purpose: n.purpose, InUse: g.at(o.now().Unix())}
			k.From, k.Until = g.times()
			der, err := o.store.CertificateOf(ctx, g.Point)
			if err != nil {
				return nil, err
			}
			if k.Certificate, err = cert.Parse(der); err != nil {
				return nil, err
			}
			all = append(all, k)
		}
	}
	tokens, err := o.tokenGenerations(ctx)
	return append(all, tokens...), err
}
