package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/elicence/elicence/internal/durable"
)

// Config says how stores are made and opened. The zero value is an ordinary store
// without devices.
type Config struct {
	// GMOnly makes a store that uses national algorithms only and keeps signing
	// keys in devices only. The choice is in the store for good; to open such a
	// store it need not be set, and set it refuses any other store.
	GMOnly bool
	// Devices hold signing keys. New ones are made in the first device that is a
	// [Maker]; without one they are made in files.
	Devices []Device
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Store is an open key store. It is safe for concurrent use, also by several
// processes at once.
type Store struct {
	dir     string
	devices []Device
	now     func() time.Time
	id      ID
	gmOnly  bool

	mu   sync.RWMutex // guards what follows
	kek  []byte       // nil when closed
	ring keyring      // the newest master first; older ones stay while a process runs

	// at is called before and after each change of a file. Tests stop there.
	at func(step string) error
}

// Create is [Config.Create] without devices.
func Create(dir string, u Unlock) (*Store, error) { return Config{}.Create(dir, u) }

// Open is [Config.Open] without devices.
func Open(dir string, u Unlock) (*Store, error) { return Config{}.Open(dir, u) }

func (c Config) clock() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

// Create makes a new key store in a folder that does not exist yet.
func (c Config) Create(dir string, u Unlock) (*Store, error) {
	s := &Store{dir: dir, devices: c.Devices, now: c.clock(), gmOnly: c.GMOnly, at: proceed}
	var err error
	if len(u.Shares) > 0 {
		s.id = u.Shares[0].Store()
	} else if s.id, err = NewID(); err != nil {
		return nil, err
	}
	now := s.now().Unix()
	h := head{Version: version, Store: s.id, GMOnly: s.gmOnly, Created: now, Rotated: now, Generation: 1}
	if h.Lock, s.kek, err = newLock(u, s.id, s.gmOnly, now); err != nil {
		return nil, fmt.Errorf("creating the key store: %w", err)
	}
	first, err := newMaster(h.Generation)
	if err != nil {
		return nil, err
	}
	s.ring = keyring{first}
	b, err := h.seal(s.kek, s.ring)
	if err != nil {
		return nil, err
	}
	if err := durable.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the key store: %w", err)
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{lockFile, nil}, {headFile, b}} {
		if err := durable.CreateFile(filepath.Join(dir, f.name), f.content, 0o600); err != nil {
			return nil, fmt.Errorf("creating the key store: %w", err)
		}
	}
	return s, nil
}

// Open opens an existing key store. A key-encryption key that is not the
// store's is [ErrLocked].
func (c Config) Open(dir string, u Unlock) (*Store, error) {
	h, err := readHead(dir)
	if err != nil {
		return nil, err
	}
	if err := checkModes(dir); err != nil {
		return nil, fmt.Errorf("opening the key store: %w", err)
	}
	if c.GMOnly && !h.GMOnly {
		return nil, fmt.Errorf("opening the key store: it was not made with gm-only: %w", ErrNational)
	}
	kek, err := h.Lock.kek(u, h.Store)
	if err != nil {
		return nil, fmt.Errorf("opening the key store: %w", err)
	}
	ring, err := h.open(kek)
	if err != nil {
		clear(kek)
		return nil, err
	}
	return &Store{dir: dir, devices: c.Devices, now: c.clock(), id: h.Store, gmOnly: h.GMOnly, kek: kek, ring: ring, at: proceed}, nil
}

func proceed(string) error { return nil }

// Close zeroes the keys that the store holds. Keys that were handed out keep
// working.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kek)
	s.kek = nil
	s.ring.clear()
	s.ring = nil
	return nil
}

// ID names the store.
func (s *Store) ID() ID { return s.id }

// GMOnly reports whether the store was made with national algorithms only.
func (s *Store) GMOnly() bool { return s.gmOnly }

// String names the store and nothing that it holds.
func (s *Store) String() string { return "key store " + s.id.String() }

// GoString is [Store.String].
func (s *Store) GoString() string { return s.String() }

// master returns a copy of the master key of a generation; the caller clears it. A
// generation that is not known was begun by another process: the `store` file is
// read again.
func (s *Store) master(generation uint64) ([]byte, error) {
	if m, ok := s.known(generation); ok {
		return m, nil
	}
	if _, err := s.refresh(); err != nil {
		return nil, err
	}
	if m, ok := s.known(generation); ok {
		return m, nil
	}
	return nil, fmt.Errorf("its master key, generation %d, is gone: %w", generation, ErrDamaged)
}

func (s *Store) known(generation uint64) ([]byte, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ring.of(generation)
}

// refresh reads the `store` file and takes up master keys that are new in it.
func (s *Store) refresh() (head, error) {
	h, err := readHead(s.dir)
	if err != nil {
		return head{}, err
	}
	if h.Store != s.id || h.GMOnly != s.gmOnly {
		return head{}, fmt.Errorf("another key store lies in its place: %w", ErrStale)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kek == nil {
		return head{}, ErrClosed
	}
	if h.Generation < s.ring[0].Generation { // nothing may be written under a master key that was given up
		return head{}, fmt.Errorf("an older copy of the `store` file lies in its place: %w", ErrStale)
	}
	if s.ring.holds(h.Generation) {
		return h, nil
	}
	ring, err := h.open(s.kek)
	if errors.Is(err, ErrLocked) {
		return head{}, ErrStale
	}
	if err != nil {
		return head{}, err
	}
	for _, m := range s.ring {
		if !ring.holds(m.Generation) {
			ring = append(ring, m)
		}
	}
	s.ring = ring
	return h, nil
}

// sharing locks the store against a change of its `store` file, together with
// others, and returns the head that is in force until the lock is released.
func (s *Store) sharing() (head, func() error, error) { return s.locked(os.O_RDONLY) }

// alone locks the store against all others.
func (s *Store) alone() (head, func() error, error) { return s.locked(os.O_RDWR) }

// locked takes the lock that lockedfile gives for a flag: shared for reading,
// exclusive for writing. It ends with the process, however that ends.
func (s *Store) locked(flag int) (head, func() error, error) {
	f, err := lockedfile.OpenFile(filepath.Join(s.dir, lockFile), flag|os.O_CREATE, 0o600)
	if err != nil {
		return head{}, nil, fmt.Errorf("locking the key store: %w", err)
	}
	h, err := s.refresh()
	if err != nil {
		return head{}, nil, errors.Join(err, f.Close())
	}
	return h, f.Close, nil
}

// create writes a new file and never replaces one.
func (s *Store) create(path string, content []byte) error {
	if err := durable.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.step("create "+filepath.Base(path), func() error { return durable.CreateFile(path, content, 0o600) })
}

// replace writes a file in the place of another, whole or not at all.
func (s *Store) replace(path string, content []byte) error {
	return s.step("replace "+filepath.Base(path), func() error { return durable.WriteFile(path, content, 0o600) })
}

func (s *Store) step(name string, change func() error) error {
	if err := s.at("before " + name); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return s.at("after " + name)
}
