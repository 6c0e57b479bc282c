package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// RotateTrustRoot puts a new key in the place of the newest one of the offline store
// that the root of the trust files names, and returns the root that says so. It is
// signed by the old key and the new one: terminals that know the root before it, or pin
// any before that, follow. How many keys there are, and how many must sign, stays.
//
// A key that a try before this one has made, and no root names yet, is the new one.
func (o *Office) RotateTrustRoot(ctx context.Context, actor string, offline *keystore.Store) (*trust.Root, error) {
	if offline == nil {
		return nil, ErrNeedsOffline
	}
	o.rotating.Lock()
	defer o.rotating.Unlock()
	before, err := o.newestTrustRoot(ctx)
	if err != nil {
		return nil, err
	}
	ring, err := o.trustRootKeyring(ctx)
	if err != nil {
		return nil, err
	}
	signers, err := o.trustRootKeys(ctx, before, offline)
	if err != nil {
		return nil, err
	}
	next := fmt.Sprintf("%s.%d", trust.RoleRoot, len(ring)+1)
	key, err := offline.Signer(keystore.PurposeTrust, next)
	if errors.Is(err, keystore.ErrNoKey) {
		key, err = offline.GenerateSigner(keystore.PurposeTrust, next)
	}
	if err != nil {
		return nil, err
	}
	old := signers[len(signers)-1].Public().Point()
	value, err := json.Marshal(ring.next(next, key.Public().Point(), o.now().Unix()))
	if err != nil {
		return nil, err
	}
	entry, err := o.folder.Entry(actor, audit.ActKeyRotate, "trust/"+next)
	if err != nil {
		return nil, err
	}
	o.publishing.Lock()
	defer o.publishing.Unlock()
	p, err := o.publication(ctx)
	if err != nil {
		return nil, err
	}
	after := p.rootAfter(before)
	keys := &after.Roles[slices.Index(trust.Roles(), trust.RoleRoot)]
	keys.Points[slices.Index(keys.Points, old)] = key.Public().Point()
	if err := p.signRoot(before, after, append(signers, key)); err != nil {
		return nil, err
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	settings := map[string][]byte{keyringSetting(keystore.PurposeTrust, string(trust.RoleRoot)): value}
	return after, p.release(ctx, actor, settings, entry)
}

// trustRootKeyring returns the generations of the key of the trust files' root that this
// service's offline store holds. The first is that of the first root.
func (o *Office) trustRootKeyring(ctx context.Context) (keyring, error) {
	b, err := o.store.Setting(ctx, keyringSetting(keystore.PurposeTrust, string(trust.RoleRoot)))
	if err != nil {
		return nil, err
	}
	if b != nil {
		return o.keyring(ctx, keystore.PurposeTrust, string(trust.RoleRoot))
	}
	signed, err := o.store.TrustFile(ctx, "1.root")
	if err != nil {
		return nil, err
	}
	first, err := trust.OpenRoot(signed, nil, o.second)
	if err != nil {
		return nil, err
	}
	return keyring{{Key: string(trust.RoleRoot), Point: first.Roles[slices.Index(trust.Roles(), trust.RoleRoot)].Points[0]}}, nil
}

// trustRootKeys opens the keys of the offline store that a root names for the next one,
// the newest last.
func (o *Office) trustRootKeys(ctx context.Context, root *trust.Root, offline *keystore.Store) ([]*pki.Key, error) {
	ring, err := o.trustRootKeyring(ctx)
	if err != nil {
		return nil, err
	}
	named := root.Roles[slices.Index(trust.Roles(), trust.RoleRoot)].Points
	var keys []*pki.Key
	for _, g := range ring {
		if !slices.Contains(named, g.Point) {
			continue
		}
		key, err := offline.Signer(keystore.PurposeTrust, g.Key)
		if err != nil {
			return nil, err
		}
		if key.Public().Point() != g.Point {
			return nil, fmt.Errorf("offline key trust/%s is another than the one that the root of the trust files names", g.Key)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("root %d of the trust files names no key of this offline store: %w", root.Version, ErrNoRotation)
	}
	return keys, nil
}

// rootAfter is the root of the trust files that follows another, with the same keys.
func (p *publication) rootAfter(before *trust.Root) *trust.Root {
	after := *before
	after.Head = p.head(before.Version+1, rootLife)
	after.Roles = slices.Clone(before.Roles)
	for i := range after.Roles {
		after.Roles[i].Points = slices.Clone(after.Roles[i].Points)
	}
	return &after
}

// signRoot signs a root of the trust files and checks, as terminals will, that it follows
// the one before.
func (p *publication) signRoot(before, after *trust.Root, keys []*pki.Key) error {
	signed, err := trust.Sign(trust.RoleRoot, after, p.office.second, keys...)
	if err != nil {
		return err
	}
	if _, err := trust.OpenRoot(signed, before, p.office.second); err != nil {
		return fmt.Errorf("the next root of the trust files does not follow the one before: %w", err)
	}
	p.files[fmt.Sprintf("%d.root", after.Version)] = signed
	return nil
}
