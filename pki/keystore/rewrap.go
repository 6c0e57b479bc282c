package keystore

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Rewrap changes the key-encryption key: the store opens with u from now on and
// no longer with what opened it before. Only the `store` file is written, in one
// step: after a crash the store opens in the one way or in the other. Open
// stores, in this process and in others, go on working.
//
// Who has kept the old key-encryption key and an old copy of the `store` file still
// has the master key; [Store.Rotate] afterwards makes that worthless.
func (s *Store) Rewrap(u Unlock) error {
	h, release, err := s.alone()
	if err != nil {
		return fmt.Errorf("changing the key-encryption key: %w", err)
	}
	if err := errors.Join(s.rewrap(h, u), release()); err != nil {
		return fmt.Errorf("changing the key-encryption key: %w", err)
	}
	return nil
}

func (s *Store) rewrap(h head, u Unlock) error {
	ring, err := s.open(h)
	if err != nil {
		return err
	}
	defer ring.clear()
	l, kek, err := newLock(u, s.id, s.gmOnly, s.now().Unix())
	if err != nil {
		return err
	}
	h.Lock = l
	if err := s.writeHead(h, kek, ring); err != nil {
		clear(kek)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kek == nil {
		clear(kek)
		return ErrClosed
	}
	clear(s.kek)
	s.kek = kek
	return nil
}

// open decrypts the keyring of a head with the key that this store was opened
// with. If the head was locked anew since, it is [ErrStale].
func (s *Store) open(h head) (keyring, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.kek == nil {
		return nil, ErrClosed
	}
	ring, err := h.open(s.kek)
	if errors.Is(err, ErrLocked) {
		return nil, ErrStale
	}
	return ring, err
}

// writeHead replaces the `store` file.
func (s *Store) writeHead(h head, kek []byte, ring keyring) error {
	b, err := h.seal(kek, ring)
	if err != nil {
		return err
	}
	return s.replace(filepath.Join(s.dir, headFile), b)
}
