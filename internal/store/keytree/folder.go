package keytree

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/keystore"
)

// ErrNoGeneration says that the folder has no tree of a generation.
var ErrNoGeneration = bilingual.New("没有这一代的记录密钥", "there are no record keys of this generation")

const (
	secretName = "record-keys"
	lockName   = "lock"
)

// Folder is an open folder of record keys. It is safe for concurrent use, also by several
// processes at once.
type Folder struct {
	dir    string
	sealer sealer

	changing sync.Mutex // held while files are changed

	mu    sync.RWMutex
	trees map[uint8]*tree // guarded by mu

	// at is called before each change of a file. Tests stop there.
	at func(step string) error
}

func proceed(string) error { return nil }

// StopAt has a function called before each change of a file; its error is that of the
// change. Nil: no more. Tests stop there.
func (f *Folder) StopAt(at func(step string) error) {
	f.changing.Lock()
	defer f.changing.Unlock()
	if f.at = at; at == nil {
		f.at = proceed
	}
}

// Create makes an empty folder, which must not exist, and the secret of its files, which
// may.
func Create(dir string, keys *keystore.Store) (*Folder, error) {
	secret, err := keys.GenerateSecret(keystore.PurposeRegister, secretName)
	if errors.Is(err, fs.ErrExist) {
		secret, err = keys.Secret(keystore.PurposeRegister, secretName)
	}
	if err == nil {
		err = durable.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = durable.CreateFile(filepath.Join(dir, lockName), nil, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("making the folder of record keys: %w", err)
	}
	return newFolder(dir, keys, secret), nil
}

func newFolder(dir string, keys *keystore.Store, secret *keystore.Secret) *Folder {
	return &Folder{dir: dir, sealer: sealer{secret, keys.ID()}, trees: make(map[uint8]*tree), at: proceed}
}

// Open opens a folder, and finishes what was cut off in it. One that is not there wraps
// fs.ErrNotExist.
func Open(dir string, keys *keystore.Store) (*Folder, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("opening the record keys: %w", err)
	}
	secret, err := keys.Secret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("opening the record keys: %w", err)
	}
	f := newFolder(dir, keys, secret)
	if err := f.alone(f.load); err != nil {
		return nil, fmt.Errorf("opening the record keys: %w", err)
	}
	return f, nil
}

// alone runs a change of files under the folder's lock.
func (f *Folder) alone(change func() error) error {
	f.changing.Lock()
	defer f.changing.Unlock()
	return locked(f.dir, change)
}

// locked runs something while no other process changes a folder. The lock ends with the
// process, however that ends.
func locked(dir string, do func() error) error {
	lock, err := lockedfile.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("locking the folder of record keys: %w", err)
	}
	return errors.Join(do(), lock.Close())
}

// load reads all files. The folder is locked.
func (f *Folder) load() error {
	parts, err := partsOf(f.dir)
	if err != nil {
		return err
	}
	trees := make(map[uint8]*tree)
	for _, at := range parts {
		p, _, err := f.read(at)
		if err != nil {
			return err
		}
		t := trees[at.generation]
		if t == nil {
			t = newTree()
			trees[at.generation] = t
		}
		if at.space == 0 {
			t.top = p
		} else {
			t.blocks[at.block] = p
		}
	}
	for generation, t := range trees {
		if t.top.key == nil && t.top.node == nil { // its destruction was cut off
			delete(trees, generation)
			if err := f.remove(generation); err != nil {
				return err
			}
			continue
		}
		if err := f.finish(generation, t); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trees = trees
	return nil
}

// finish takes the keys of blocks that have a file out of the top.
func (f *Folder) finish(generation uint8, t *tree) error {
	at := place{generation: generation}
	top, written, err := f.read(at)
	if err != nil {
		return err
	}
	changed := false
	for b := range t.blocks {
		_, was, err := top.destroy(b.path())
		if err != nil {
			return err
		}
		changed = changed || was
	}
	if !changed {
		return nil
	}
	t.top = top
	return f.write(at, top, written+1)
}

// partsOf lists what a folder has.
func partsOf(dir string) ([]place, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, e := range entries {
		if e.Name() == lockName || e.Name() == keptName || strings.HasPrefix(e.Name(), ".") {
			continue // the last are temporary files of a killed process
		}
		at, ours := parseName(e.Name())
		if !ours {
			return nil, fmt.Errorf("%s is no file of the record keys: %w", filepath.Join(dir, e.Name()), ErrDamaged)
		}
		all = append(all, at)
	}
	return all, nil
}

// Generations returns the numbers of the trees in ascending order.
func (f *Folder) Generations() []uint8 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Sorted(maps.Keys(f.trees))
}

// Begin makes the tree of a generation; one that is there stays as it is.
func (f *Folder) Begin(generation uint8) error {
	err := f.alone(func() error {
		var k Key
		if _, err := rand.Read(k[:]); err != nil {
			return fmt.Errorf("drawing a key: %w", err)
		}
		at := place{generation: generation}
		b, err := f.sealer.seal(at, part{key: &k}, 1)
		if err != nil {
			return err
		}
		err = durable.CreateFile(filepath.Join(f.dir, at.name()), b, 0o600)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return f.load()
	})
	if err != nil {
		return fmt.Errorf("making record keys of generation %d: %w", generation, err)
	}
	return nil
}

// End destroys a generation: all that was encrypted under it is lost.
func (f *Folder) End(generation uint8) error {
	err := f.alone(func() error {
		if err := f.remove(generation); err != nil {
			return err
		}
		return f.load()
	})
	if err != nil {
		return fmt.Errorf("destroying the record keys of generation %d: %w", generation, err)
	}
	return nil
}

// remove removes the files of a generation, the top first: what is left without one does
// not count. The folder is locked.
func (f *Folder) remove(generation uint8) error {
	parts, err := partsOf(f.dir)
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(parts, func(p place) bool { return p.generation != generation })
	slices.SortFunc(parts, func(a, b place) int { return int(a.space) - int(b.space) })
	for i, at := range parts {
		if err := os.Remove(filepath.Join(f.dir, at.name())); err != nil {
			return err
		}
		if i == 0 {
			if err := durable.SyncDir(f.dir); err != nil {
				return err
			}
		}
	}
	return durable.SyncDir(f.dir)
}

// Key returns the key of a leaf. The error is [ErrDestroyed] where it was destroyed,
// [ErrNoGeneration] where there is no such tree.
func (f *Folder) Key(generation uint8, l Leaf) (Key, error) {
	if err := l.check(); err != nil {
		return Key{}, err
	}
	f.mu.RLock()
	t := f.trees[generation]
	if t == nil {
		f.mu.RUnlock()
		return f.reloaded(generation, l)
	}
	key, derived, err := t.derive(l)
	f.mu.RUnlock()
	if derived != nil {
		f.mu.Lock()
		t.remember(derived)
		f.mu.Unlock()
	}
	return key, err
}

// reloaded reads the folder again: another process may have begun the generation.
func (f *Folder) reloaded(generation uint8, l Leaf) (Key, error) {
	if err := f.alone(f.load); err != nil {
		return Key{}, fmt.Errorf("reading the record keys: %w", err)
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	t := f.trees[generation]
	if t == nil {
		return Key{}, fmt.Errorf("generation %d: %w", generation, ErrNoGeneration)
	}
	key, _, err := t.derive(l)
	return key, err
}

// Destroyed reports whether a leaf was destroyed.
func (f *Folder) Destroyed(generation uint8, l Leaf) (bool, error) {
	_, err := f.Key(generation, l)
	if errors.Is(err, ErrDestroyed) {
		return true, nil
	}
	return false, err
}

// Destroy destroys the keys of leaves; those that are destroyed stay so. When it returns
// without an error they cannot be read from the disk any more.
func (f *Folder) Destroy(generation uint8, leaves ...Leaf) error {
	var left []Leaf
	for _, l := range leaves {
		gone, err := f.Destroyed(generation, l)
		if err != nil {
			return fmt.Errorf("destroying record keys: %w", err)
		}
		if !gone {
			left = append(left, l)
		}
	}
	if len(left) == 0 {
		return nil
	}
	if err := f.alone(func() error { return f.destroy(generation, left) }); err != nil {
		return fmt.Errorf("destroying record keys: %w", err)
	}
	return nil
}

// destroy changes what lies in the folder, which may be newer than what this process has
// read. The folder is locked.
func (f *Folder) destroy(generation uint8, leaves []Leaf) error {
	topAt := place{generation: generation}
	top, topWritten, err := f.read(topAt)
	if err != nil {
		return err
	}
	blocks, topChanged := make(map[block]part), false
	for b, of := range byBlock(leaves) {
		// A block that has a file may still have its key in the top, if a change was cut off.
		key, inTop, err := top.destroy(b.path())
		if err != nil {
			return err
		}
		topChanged = topChanged || inTop
		at := place{generation, b}
		p, written, err := f.read(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && inTop:
			p = part{key: &key}
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is missing: %w", at.name(), ErrDamaged)
		case err != nil:
			return err
		}
		changed := false
		for _, l := range of {
			_, was, err := p.destroy(l.path())
			if err != nil {
				return err
			}
			changed = changed || was
		}
		blocks[b] = p
		if !changed {
			continue
		}
		if err := f.at("block"); err != nil {
			return err
		}
		if err := f.write(at, p, written+1); err != nil {
			return err
		}
	}
	if topChanged {
		if err := f.at("top"); err != nil {
			return err
		}
		if err := f.write(topAt, top, topWritten+1); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.trees[generation]; t != nil {
		t.replace(top, blocks)
	}
	return nil
}
