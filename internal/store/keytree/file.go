package keytree

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/keystore"
)

const (
	fileVersion = 1
	fileExt     = ".keys"
	nonceSize   = 12
	// maxFile bounds a file in bytes: a block of which every other leaf was destroyed has
	// about half of it.
	maxFile = 64 << 20
)

// file is a part at rest.
type file struct {
	Version    uint64      `cbor:"1,keyasint"`
	Store      keystore.ID `cbor:"2,keyasint"`
	Generation uint8       `cbor:"3,keyasint"`
	Space      Space       `cbor:"4,keyasint"` // 0: the top
	Block      uint64      `cbor:"5,keyasint"`
	Written    uint64      `cbor:"6,keyasint"` // how many times
	Nonce      []byte      `cbor:"7,keyasint"`
	Ciphertext []byte      `cbor:"8,keyasint"`
}

// place names a part: a block, or the top, whose space is 0.
type place struct {
	generation uint8
	block
}

func (p place) height() int {
	if p.space == 0 {
		return topLevels
	}
	return p.space.levels()
}

// name is the part's file.
func (p place) name() string {
	if p.space == 0 {
		return fmt.Sprintf("%d-top%s", p.generation, fileExt)
	}
	return fmt.Sprintf("%d-%d-%016x%s", p.generation, p.space, p.number, fileExt)
}

// parseName returns the part that a file's name stands for.
func parseName(name string) (place, bool) {
	base, isKeys := strings.CutSuffix(name, fileExt)
	parts := strings.Split(base, "-")
	if !isKeys || len(parts) < 2 {
		return place{}, false
	}
	var p place
	generation, err := strconv.ParseUint(parts[0], 10, 8)
	p.generation = uint8(generation) //nolint:gosec // 8 bits
	if len(parts) == 3 {
		var space uint64
		var notNumber error
		space, err = strconv.ParseUint(parts[1], 10, 8)
		p.space = Space(space) //nolint:gosec // 8 bits
		p.number, notNumber = strconv.ParseUint(parts[2], 16, 64)
		err = errors.Join(err, notNumber, Leaf{block: p.block}.check())
	}
	return p, err == nil && p.name() == name
}

// sealer encrypts parts.
type sealer struct {
	secret *keystore.Secret
	store  keystore.ID
}

func (s sealer) associated(f file) ([]byte, error) {
	f.Nonce, f.Ciphertext = nil, nil
	return detcbor.Marshal(f)
}

// seal makes the file of a part.
func (s sealer) seal(at place, p part, written uint64) ([]byte, error) {
	f := file{Version: fileVersion, Store: s.store, Generation: at.generation, Space: at.space, Block: at.number, Written: written}
	associated, err := s.associated(f)
	if err != nil {
		return nil, err
	}
	aead, err := s.secret.AEAD([]byte("record keys"), []byte(at.name()))
	if err != nil {
		return nil, err
	}
	f.Nonce = make([]byte, nonceSize)
	if _, err := rand.Read(f.Nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	plain := p.marshal()
	defer clear(plain)
	f.Ciphertext = aead.Seal(nil, f.Nonce, plain, associated)
	return detcbor.Marshal(f)
}

// parseFile reads a file without opening it.
func parseFile(b []byte) (file, error) {
	var f file
	if len(b) > maxFile {
		return f, fmt.Errorf("it has %d bytes, at most %d are expected: %w", len(b), maxFile, ErrDamaged)
	}
	if err := detcbor.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if f.Version != fileVersion {
		return f, fmt.Errorf("it has version %d, this program knows version %d", f.Version, fileVersion)
	}
	if len(f.Nonce) != nonceSize {
		return f, fmt.Errorf("its nonce has %d bytes: %w", len(f.Nonce), ErrDamaged)
	}
	return f, nil
}

// open reads a part and how many times it was written.
func (s sealer) open(at place, b []byte) (part, uint64, error) {
	f, err := parseFile(b)
	if err != nil {
		return part{}, 0, err
	}
	if f.Store != s.store || f.Generation != at.generation || f.Space != at.space || f.Block != at.number {
		return part{}, 0, fmt.Errorf("it is of another key store or another part: %w", ErrDamaged)
	}
	associated, err := s.associated(f)
	if err != nil {
		return part{}, 0, err
	}
	aead, err := s.secret.AEAD([]byte("record keys"), []byte(at.name()))
	if err != nil {
		return part{}, 0, err
	}
	plain, err := aead.Open(nil, f.Nonce, f.Ciphertext, associated)
	if err != nil {
		return part{}, 0, ErrDamaged
	}
	defer clear(plain)
	p, err := parsePart(plain, at.height())
	return p, f.Written, err
}

// read reads a part from the folder. One that is not there wraps fs.ErrNotExist.
func (f *Folder) read(at place) (part, uint64, error) {
	path := filepath.Join(f.dir, at.name())
	b, err := readPrivate(path)
	if err != nil {
		return part{}, 0, err
	}
	p, written, err := f.sealer.open(at, b)
	if err != nil {
		return part{}, 0, fmt.Errorf("%s: %w", path, err)
	}
	return p, written, nil
}

// write replaces a part.
func (f *Folder) write(at place, p part, written uint64) error {
	b, err := f.sealer.seal(at, p, written)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(f.dir, at.name()), b, 0o600)
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, &fs.PathError{Op: "read", Path: path, Err: keystore.ErrMode}
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are expected: %w", path, info.Size(), maxFile, ErrDamaged)
	}
	return os.ReadFile(path)
}
