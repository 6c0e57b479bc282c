package keystore

import (
	"fmt"
	"time"
)

// NewEnvelope draws a key of 32 bytes for something that lies outside of a store, such
// as a backup, and returns it with the envelope that gives it back to whoever has what u
// names. The envelope is what the `store` file of a key store is, and says nothing more.
// With gmOnly it uses national algorithms only.
func NewEnvelope(u Unlock, gmOnly bool, now time.Time) (envelope, key []byte, err error) {
	h := head{Version: version, GMOnly: gmOnly, Created: now.Unix(), Rotated: now.Unix(), Generation: 1}
	if len(u.Shares) > 0 {
		h.Store = u.Shares[0].Store()
	} else if h.Store, err = NewID(); err != nil {
		return nil, nil, err
	}
	lock, kek, err := newLock(u, h.Store, gmOnly, now.Unix())
	if err != nil {
		return nil, nil, fmt.Errorf("making an envelope: %w", err)
	}
	defer clear(kek)
	h.Lock = lock
	m, err := newMaster(h.Generation)
	if err != nil {
		return nil, nil, err
	}
	if envelope, err = h.seal(kek, keyring{m}); err != nil {
		return nil, nil, fmt.Errorf("making an envelope: %w", err)
	}
	return envelope, m.Key[:], nil
}

// OpenEnvelope returns the key in an envelope. What does not open it is [ErrLocked] or
// [ErrMethod].
func OpenEnvelope(envelope []byte, u Unlock) ([]byte, error) {
	h, err := parseHead(envelope)
	if err != nil {
		return nil, fmt.Errorf("opening the envelope: %w", err)
	}
	kek, err := h.Lock.kek(u, h.Store)
	if err != nil {
		return nil, fmt.Errorf("opening the envelope: %w", err)
	}
	defer clear(kek)
	ring, err := h.open(kek)
	if err != nil {
		return nil, fmt.Errorf("opening the envelope: %w", err)
	}
	defer ring.clear()
	key, held := ring.of(h.Generation)
	if !held {
		return nil, fmt.Errorf("opening the envelope: %w", ErrLocked)
	}
	return key, nil
}
