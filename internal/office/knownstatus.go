package office

import (
	"context"
	"sync"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// knownStatus remembers what the ledger says for as long as the store stays as it is: a
// revocation is a change, and whoever asks behind it asks the ledger.
type knownStatus[K comparable] struct {
	mu      sync.Mutex
	changes uint64          // of the store, before any of all was read; guarded by mu
	all     map[K]ca.Status // guarded by mu
}

// maxKnownStatus bounds what is remembered.
const maxKnownStatus = 4096

// of returns the status of something in a store that was changed so often, and reads it
// where it is not known.
func (k *knownStatus[K]) of(changes uint64, what K, read func() (ca.Status, error)) (ca.Status, error) {
	k.mu.Lock()
	status, known := k.all[what]
	known = known && k.changes == changes
	k.mu.Unlock()
	if known {
		return status, nil
	}
	status, err := read()
	if err != nil || status.State == ca.Unknown { // of which strangers can ask without end
		return status, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil || k.changes < changes || len(k.all) >= maxKnownStatus {
		k.changes, k.all = max(k.changes, changes), make(map[K]ca.Status)
	}
	if k.changes == changes { // else it may be what somebody has changed meanwhile
		k.all[what] = status
	}
	return status, nil
}

// ledgerPlace is where the ledger has a certificate.
type ledgerPlace struct {
	issuer pki.Point
	serial cert.Serial
}

// statusOf returns what an issuer says of a serial number now.
func (o *Office) statusOf(ctx context.Context, issuer pki.Point, serial cert.Serial) (ca.Status, error) {
	read := func() (ca.Status, error) { return o.store.StatusOf(ctx, issuer, serial) }
	if o.folder.Shared { // another node's changes are not counted here
		return read()
	}
	return o.certificateStatus.of(o.store.Generation(), ledgerPlace{issuer, serial}, read)
}

// statusOfKey returns the status of a key's newest certificate now.
func (o *Office) statusOfKey(ctx context.Context, point pki.Point) (ca.Status, error) {
	read := func() (ca.Status, error) { return o.store.StatusOfKey(ctx, point) }
	if o.folder.Shared {
		return read()
	}
	return o.keyStatus.of(o.store.Generation(), point, read)
}
