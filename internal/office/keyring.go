package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/keystore"
)

// generation is one key of those that follow one another under a name. The first has
// the name itself in the key store, the others NAME.2, NAME.3, …
type generation struct {
	Key   string    `json:"key"`            // name within the key store
	Point pki.Point `json:"point,omitzero"` // of SM2; none: a key on another curve
	From  int64     `json:"from"`           // UTC seconds; 0: from the beginning
	// Until is when the next one takes over, UTC seconds; 0: open. The key itself is
	// kept: an authority's signs its CRL until its last certificate has ended.
	Until int64 `json:"until,omitempty"`
}

// at reports whether the key is in use at a time.
func (g generation) at(now int64) bool { return g.From <= now && (g.Until == 0 || now < g.Until) }

// times returns both ends in UTC; zero: from the beginning, open.
func (g generation) times() (from, until time.Time) {
	for into, at := range map[*time.Time]int64{&from: g.From, &until: g.Until} {
		if at != 0 {
			*into = time.Unix(at, 0).UTC()
		}
	}
	return from, until
}

// keyring is the key of one purpose and name with those before it and one that may be
// announced, the oldest first.
type keyring []generation

// current is the generation in use.
func (k keyring) current(now time.Time) (generation, error) {
	for _, g := range k {
		if g.at(now.Unix()) {
			return g, nil
		}
	}
	return generation{}, errors.New("no generation of the key is in use now")
}

func keyringSetting(p keystore.Purpose, name string) string {
	return "keys." + string(p) + "." + name
}

// keyring returns the generations of a key. A key that was never rotated has one.
func (o *Office) keyring(ctx context.Context, p keystore.Purpose, name string) (keyring, error) {
	b, err := o.store.Setting(ctx, keyringSetting(p, name))
	if err != nil {
		return nil, err
	}
	if b == nil {
		point, err := o.first.of(string(p)+"/"+name, func() (*pki.Key, error) { return o.keys.Signer(p, name) })
		if err != nil {
			return nil, err
		}
		return keyring{{Key: name, Point: point}}, nil
	}
	var ring keyring
	if err := json.Unmarshal(b, &ring); err != nil || len(ring) == 0 {
		return nil, fmt.Errorf("generations of key %s/%s: %w", p, name, errors.Join(err, errors.New("the record is damaged")))
	}
	return ring, nil
}

// firstPoints remembers the points of keys under their first names, which never change, so
// that nobody opens a key to learn its point.
type firstPoints struct {
	mu  sync.Mutex
	all map[string]pki.Point // guarded by mu
}

func (f *firstPoints) of(name string, open func() (*pki.Key, error)) (pki.Point, error) {
	f.mu.Lock()
	point, known := f.all[name]
	f.mu.Unlock()
	if known {
		return point, nil
	}
	key, err := open()
	if err != nil {
		return point, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[string]pki.Point)
	}
	f.all[name] = key.Public().Point()
	return f.all[name], nil
}

// currentKey opens the key that is in use under a name.
func (o *Office) currentKey(ctx context.Context, p keystore.Purpose, name string) (*pki.Key, error) {
	return o.keyAt(ctx, p, name, o.now())
}

// keyAt is [Office.currentKey] for what is dated with a time that is now.
func (o *Office) keyAt(ctx context.Context, p keystore.Purpose, name string, at time.Time) (*pki.Key, error) {
	ring, err := o.keyring(ctx, p, name)
	if err != nil {
		return nil, err
	}
	g, err := ring.current(at)
	if err != nil {
		return nil, fmt.Errorf("key %s/%s: %w", p, name, err)
	}
	if err := o.inForce(ctx, g.Point); err != nil {
		return nil, fmt.Errorf("key %s/%s: %w", p, g.Key, err)
	}
	return o.generationKey(p, g)
}

// errUncertified says that a key has no certificate yet: it is being made, or its making
// was cut off.
var errUncertified = errors.New("it has no certificate yet")

// inForce refuses a key whose certificate is held or revoked: it signs nothing more.
func (o *Office) inForce(ctx context.Context, point pki.Point) error {
	status, err := o.statusOfKey(ctx, point)
	if err != nil {
		return err
	}
	switch status.State {
	case ca.Good:
		return nil
	case ca.Unknown:
		return fmt.Errorf("%w: %w", errUncertified, ca.ErrState)
	default:
		return fmt.Errorf("its certificate is %s: %w", status.State, ca.ErrState)
	}
}

// compromised reports whether nothing that a key has signed can be relied on any more.
func (o *Office) compromised(ctx context.Context, point pki.Point) (bool, error) {
	status, err := o.statusOfKey(ctx, point)
	if err != nil {
		return false, err
	}
	return lost(status), nil
}

// generationKey opens the key of one generation and checks that it is the one that was
// put into use.
func (o *Office) generationKey(p keystore.Purpose, g generation) (*pki.Key, error) {
	open := func() (*pki.Key, error) {
		key, err := o.keys.FastSigner(p, g.Key)
		if err != nil {
			return nil, err
		}
		if key.Public().Point() != g.Point {
			return nil, fmt.Errorf("key %s/%s is another than the one that was put into use", p, g.Key)
		}
		return key, nil
	}
	if p == keystore.PurposeAuthority {
		return o.signers.key(g.Point, false, open)
	}
	return open()
}

// settled says that no successor is announced yet.
func (k keyring) settled(name string, now time.Time) error {
	if last := k[len(k)-1]; last.From > now.Unix() {
		return fmt.Errorf("key %s: its successor is announced for %s already: %w", name, time.Unix(last.From, 0).UTC().Format(time.RFC3339), ErrOutOfRange)
	}
	return nil
}

// next appends a generation that takes over at a time.
func (k keyring) next(name string, point pki.Point, from int64) keyring {
	grown := make(keyring, len(k), len(k)+1)
	copy(grown, k)
	grown[len(grown)-1].Until = from
	return append(grown, generation{Key: name, Point: point, From: from})
}
