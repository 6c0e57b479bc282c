package keystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Rotate draws a new master key and encrypts every key file under it, then forgets
// the old master key. It returns how many files it has written.
//
//  1. The `store` file gets the new master key beside the old one.
//  2. File by file is replaced. A file names the generation it is under, so open
//     stores read on; new keys are made under the new master key.
//  3. When no file is left, the `store` file gets the new master key alone.
//
// A rotation that was cut off at any point is taken up by the next call, which
// then draws no further master key.
func (s *Store) Rotate(ctx context.Context) (int, error) {
	generation, err := s.beginRotation()
	if err != nil {
		return 0, fmt.Errorf("rotating the master key: %w", err)
	}
	written := 0
	err = s.each(func(path string, f keyFile) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Generation == generation {
			return nil
		}
		written++
		return s.move(path, generation)
	})
	if err == nil {
		err = s.endRotation(generation)
	}
	if err != nil {
		return written, fmt.Errorf("rotating the master key (call again to go on): %w", err)
	}
	return written, nil
}

// beginRotation draws a new master key, unless a rotation is under way, and
// returns its generation.
func (s *Store) beginRotation() (uint64, error) {
	h, release, err := s.alone()
	if err != nil {
		return 0, err
	}
	if h.Rotating {
		return h.Generation, release()
	}
	return h.Generation + 1, errors.Join(s.draw(h), release())
}

func (s *Store) draw(h head) error {
	ring, err := s.open(h)
	if err != nil {
		return err
	}
	defer ring.clear()
	next, err := newMaster(h.Generation + 1)
	if err != nil {
		return err
	}
	defer clear(next.Key[:])
	both := append(keyring{next}, ring...)
	defer both.clear()
	h.Generation, h.Rotating, h.Rotated = next.Generation, true, max(s.now().Unix(), h.Created)
	return s.rewriteHead(h, both)
}

// rewriteHead writes the head under the key-encryption key it has and takes up
// what is new in it.
func (s *Store) rewriteHead(h head, ring keyring) error {
	s.mu.RLock()
	kek := s.kek
	err := ErrClosed
	if kek != nil {
		err = s.writeHead(h, kek, ring)
	}
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	_, err = s.refresh()
	return err
}

// move encrypts one file under the newest master key. The lock is held, so that no
// other rotation can end, and begin anew, in between.
func (s *Store) move(path string, generation uint64) error {
	h, release, err := s.sharing()
	if err != nil {
		return err
	}
	return errors.Join(s.moveUnder(h, path, generation), release())
}

func (s *Store) moveUnder(h head, path string, generation uint64) error {
	if h.Generation != generation {
		return fmt.Errorf("another rotation has begun: %w", ErrStale)
	}
	f, err := s.read(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f.Generation == generation {
		return nil // another process was faster
	}
	secret, _, err := s.take(f.Purpose, f.Name, f.Kind)
	if err != nil {
		return err
	}
	defer clear(secret)
	m, err := s.master(generation)
	if err != nil {
		return err
	}
	defer clear(m)
	f.Generation = generation
	b, err := f.seal(m, s.id, s.gmOnly, secret)
	if err != nil {
		return err
	}
	return s.replace(path, b)
}

// endRotation forgets the old master key after it has made sure, with everybody
// else locked out, that no file needs it.
func (s *Store) endRotation(generation uint64) error {
	h, release, err := s.alone()
	if err != nil {
		return err
	}
	return errors.Join(s.forget(h, generation), release())
}

func (s *Store) forget(h head, generation uint64) error {
	if h.Generation != generation || !h.Rotating {
		return nil // another process has ended it
	}
	err := s.each(func(path string, f keyFile) error {
		if f.Generation != generation {
			return fmt.Errorf("%s is still under generation %d: %w", path, f.Generation, ErrStale)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.sweep(); err != nil {
		return err
	}
	ring, err := s.open(h)
	if err != nil {
		return err
	}
	defer ring.clear()
	h.Rotating = false
	return s.rewriteHead(h, ring[:1])
}

// each calls f for every key file, by purpose and name. A file that is not a key
// file ends the walk.
func (s *Store) each(f func(path string, k keyFile) error) error {
	return eachPath(s.dir, func(_ Purpose, _, path string) error {
		k, err := s.read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return f(path, k)
	})
}

// eachPath calls f for the path of every key file.
func eachPath(dir string, f func(p Purpose, name, path string) error) error {
	for _, p := range Purposes() {
		entries, err := os.ReadDir(filepath.Join(dir, string(p)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			name, isKey := strings.CutSuffix(e.Name(), keyExt)
			if !isKey || strings.HasPrefix(name, ".") {
				continue
			}
			if err := f(p, name, filepath.Join(dir, string(p), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes what writers that were killed have left half-written: those files
// are under the old master key. The store is locked, so none is in use.
func (s *Store) sweep() error {
	return filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(e.Name(), ".tmp-") {
			return err
		}
		return s.step("remove "+e.Name(), func() error { return os.Remove(path) })
	})
}
