package keystore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/elicence/elicence/internal/detcbor"
)

// ID names a key store for good: 16 random bytes, drawn when it is made. Keys and
// shares are bound to it.
type ID [16]byte

// NewID draws the identifier of a new store.
func NewID() (ID, error) {
	var id ID
	if _, err := rand.Read(id[:]); err != nil {
		return ID{}, fmt.Errorf("drawing an identifier: %w", err)
	}
	return id, nil
}

// String returns the identifier in lower-case hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

const (
	headFile    = "store"
	lockFile    = "lock"
	version     = 2
	masterSize  = 32
	nonceSize   = 12
	maxHeadFile = 8192
)

// head is the `store` file. Everything but the keyring is its associated data.
type head struct {
	Version    uint64 `cbor:"1,keyasint"`
	Store      ID     `cbor:"2,keyasint"`
	GMOnly     bool   `cbor:"3,keyasint"`
	Created    int64  `cbor:"4,keyasint"` // Unix seconds, like Rotated
	Rotated    int64  `cbor:"5,keyasint"` // when the newest master key was drawn
	Generation uint64 `cbor:"6,keyasint"` // the newest master key's
	Rotating   bool   `cbor:"7,keyasint"` // key files of the generation before are left
	Lock       lock   `cbor:"8,keyasint"`
	Nonce      []byte `cbor:"9,keyasint"`
	Keyring    []byte `cbor:"10,keyasint"` // SM4-GCM of the master keys
}

// keyring is what the key-encryption key protects: the newest master key and,
// while keys are moved to it, the one before.
type keyring []master

type master struct {
	_          struct{} `cbor:",toarray"`
	Generation uint64
	Key        [masterSize]byte
}

func (r keyring) clear() {
	for i := range r {
		clear(r[i].Key[:])
	}
}

// of returns a copy of the master key of a generation.
func (r keyring) of(generation uint64) ([]byte, bool) {
	for i := range r {
		if r[i].Generation == generation {
			return slices.Clone(r[i].Key[:]), true
		}
	}
	return nil, false
}

func (r keyring) holds(generation uint64) bool {
	return slices.ContainsFunc(r, func(m master) bool { return m.Generation == generation })
}

// matches says whether the keyring is the one that the head announces.
func (r keyring) matches(h head) bool {
	switch {
	case len(r) == 0 || r[0].Generation != h.Generation:
		return false
	case h.Rotating:
		return len(r) == 2 && r[1].Generation == h.Generation-1
	default:
		return len(r) == 1
	}
}

// newMaster draws a master key.
func newMaster(generation uint64) (master, error) {
	m := master{Generation: generation}
	if _, err := rand.Read(m.Key[:]); err != nil {
		return master{}, fmt.Errorf("drawing a master key: %w", err)
	}
	return m, nil
}

// associated is everything of the head but the keyring.
func (h head) associated() ([]byte, error) {
	h.Keyring = nil
	return detcbor.Marshal(h)
}

// seal puts the keyring into the head and returns the file. The head must be
// complete but for its nonce and keyring.
func (h head) seal(kek []byte, r keyring) ([]byte, error) {
	h.Nonce = make([]byte, nonceSize)
	if _, err := rand.Read(h.Nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	associated, err := h.associated()
	if err != nil {
		return nil, err
	}
	aead, err := newGCM(derive(kek, "elicence/keystore/keyring/2", h.Store, h.GMOnly))
	if err != nil {
		return nil, err
	}
	plain, err := detcbor.Marshal(r)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	h.Keyring = aead.Seal(nil, h.Nonce, plain, associated)
	return detcbor.Marshal(h)
}

// open decrypts the keyring. Whatever is wrong is [ErrLocked].
func (h head) open(kek []byte) (keyring, error) {
	associated, err := h.associated()
	if err != nil {
		return nil, err
	}
	aead, err := newGCM(derive(kek, "elicence/keystore/keyring/2", h.Store, h.GMOnly))
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, h.Nonce, h.Keyring, associated)
	if err != nil {
		return nil, ErrLocked
	}
	defer clear(plain)
	var r keyring
	if err := detcbor.Unmarshal(plain, &r); err != nil || !r.matches(h) {
		r.clear()
		return nil, ErrLocked
	}
	return r, nil
}

// parseHead decodes a `store` file. It can only say that a file cannot be one of
// ours; whether it is whole shows when the keyring opens.
func parseHead(b []byte) (head, error) {
	var h head
	if len(b) > maxHeadFile {
		return head{}, fmt.Errorf("the `store` file has %d bytes: %w", len(b), ErrLocked)
	}
	if err := detcbor.Unmarshal(b, &h); err != nil {
		return head{}, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	if h.Version != version {
		return head{}, fmt.Errorf("the key store has version %d, this program knows version %d", h.Version, version)
	}
	if err := h.check(); err != nil {
		return head{}, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return h, nil
}

func (h head) check() error {
	switch {
	case h.Store == ID{}:
		return errors.New("the store has no identifier")
	case h.Generation < 1 || h.Rotating && h.Generation < 2:
		return fmt.Errorf("the store has generation %d", h.Generation)
	case h.Created < 0 || h.Rotated < h.Created:
		return errors.New("the store's times are out of order")
	case len(h.Nonce) != nonceSize:
		return fmt.Errorf("the nonce has %d bytes, want %d", len(h.Nonce), nonceSize)
	case len(h.Keyring) == 0:
		return errors.New("the keyring is missing")
	}
	return h.Lock.check(h.GMOnly)
}

func readHead(dir string) (head, error) {
	b, err := readPrivate(filepath.Join(dir, headFile), maxHeadFile)
	if err != nil {
		return head{}, fmt.Errorf("opening the key store: %w", err)
	}
	h, err := parseHead(b)
	if err != nil {
		return head{}, fmt.Errorf("opening the key store: %w", err)
	}
	return h, nil
}

// IsGMOnly reports whether a store uses national algorithms only.
func IsGMOnly(dir string) (bool, error) {
	h, err := readHead(dir)
	return h.GMOnly, err
}

// NeedsPassphrase reports whether a store opens with a passphrase.
func NeedsPassphrase(dir string) (bool, error) {
	h, err := readHead(dir)
	return h.Lock.Method == MethodPassphrase, err
}
