package keytree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/durable"
)

// keptName is the file that says of which state a copy was made last.
const keptName = "kept"

// State is a digest of what a folder holds: each file and how often it was written. It
// changes with every destruction.
type State [sm3.Size]byte

// Copy calls f with every file of a folder as of one moment, encrypted as they lie there.
// It wants no key, and may run beside a process that has the folder open.
func Copy(dir string, f func(name string, content []byte) error) (State, error) {
	var state State
	err := locked(dir, func() error {
		var err error
		state, err = each(dir, f)
		return err
	})
	if err != nil {
		return state, fmt.Errorf("copying the record keys: %w", err)
	}
	return state, nil
}

func each(dir string, f func(name string, content []byte) error) (State, error) {
	parts, err := partsOf(dir)
	if err != nil {
		return State{}, err
	}
	slices.SortFunc(parts, func(a, b place) int { return strings.Compare(a.name(), b.name()) })
	sum := sm3.New()
	for _, at := range parts {
		b, err := readPrivate(filepath.Join(dir, at.name()))
		if err != nil {
			return State{}, err
		}
		written, err := parseFile(b)
		if err != nil {
			return State{}, fmt.Errorf("%s: %w", at.name(), err)
		}
		sum.Write(binary.BigEndian.AppendUint64([]byte(at.name()+"\x00"), written.Written))
		if err := f(at.name(), b); err != nil {
			return State{}, err
		}
	}
	return State(sum.Sum(nil)), nil
}

// Keep remembers that a copy of a state is kept elsewhere.
func Keep(dir string, s State) error {
	return durable.WriteFile(filepath.Join(dir, keptName), s[:], 0o600)
}

// Kept reports whether a copy of what the folder holds now is kept elsewhere.
func Kept(dir string) (bool, error) {
	kept, err := os.ReadFile(filepath.Join(dir, keptName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	state, err := Copy(dir, func(string, []byte) error { return nil })
	return bytes.Equal(kept, state[:]), err
}

// Paste writes what [Copy] has read into a folder that is there and has no file of this
// name.
func Paste(dir, name string, content []byte) error {
	at, ours := parseName(name)
	if !ours {
		return fmt.Errorf("%q is not the name of a file of record keys", name)
	}
	f, err := parseFile(content)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if f.Generation != at.generation || f.Space != at.space || f.Block != at.number {
		return fmt.Errorf("%s holds another part: %w", name, ErrDamaged)
	}
	return durable.CreateFile(filepath.Join(dir, name), content, 0o600)
}
