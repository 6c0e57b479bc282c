//go:build unix

package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// LockDir takes the lock of a folder, which ends with the process at the latest. If
// another process holds it the error wraps [ErrInUse].
func LockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // opened for reading: nothing to lose
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return func() {
		// Closing alone would leave the lock with a child that was forked and has not
		// begun its own program yet.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close() // opened for reading: nothing to lose
	}, nil
}

// sweep removes the half-made folders of a prefix that no living process holds.
func sweep(prefix string) error {
	parent := filepath.Dir(prefix)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("looking for half-made folders: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), filepath.Base(prefix)) {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		unlock, err := LockDir(dir)
		if err != nil {
			continue // somebody is at work in it
		}
		err = os.RemoveAll(dir)
		unlock()
		if err != nil {
			return fmt.Errorf("removing what a killed process left: %w", err)
		}
	}
	return nil
}
