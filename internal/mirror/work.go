package mirror

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/elicence/elicence/internal/durable"
)

// errLocal marks what failed on this machine: the disk is full, a folder may not be
// written.
var errLocal = errors.New("this machine")

func local(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, errLocal, err)
}

// work is the folder beside the cache in which the next cache is built:
//
//	next/   the cache that is being built, or, after a kill, the one before
//	last/   the cache before the one in force, for readers that are still at it
//	parts/  set files, whole under their names or begun, as NAME.part; ours in own/
//	state/  versions and time that were seen, unless another folder was given
//	tags    what sources said of their files; a hint, nothing is lost with it
//
// Its lock is held for the whole of a run.
type work struct {
	cache  string // the cache folder; need not be there
	dir    string
	unlock func()
	step   func(string) // tests stop here
}

// openWork makes and locks the folder beside a cache.
func openWork(cache string, step func(string)) (*work, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, local("finding the cache", err)
	}
	// Folders are moved, so a link to the cache must stay where it is.
	if real, err := filepath.EvalSymlinks(cache); err == nil {
		cache = real
	}
	if err := checkCacheFolder(cache); err != nil {
		return nil, err
	}
	w := &work{cache: cache, dir: filepath.Join(filepath.Dir(cache), ".hallsync-"+filepath.Base(cache)), step: step}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, local("making the working folder", err)
	}
	if w.unlock, err = durable.LockDir(w.dir); err != nil {
		return nil, local("locking the cache", err)
	}
	err = errors.Join(w.recover(), w.setAside())
	if err != nil {
		w.unlock()
		return nil, local("preparing the working folder", err)
	}
	return w, nil
}

// close ends the work. What is left of it only takes room, and the next run removes it.
func (w *work) close() {
	_ = os.RemoveAll(w.next())
	w.unlock()
}

func (w *work) next() string { return filepath.Join(w.dir, "next") }
func (w *work) last() string { return filepath.Join(w.dir, "last") }

// parts is where set files of a domain are until they are in force.
func (w *work) parts(at string) string {
	if at == "" {
		at = "own"
	}
	return filepath.Join(w.dir, "parts", filepath.FromSlash(at))
}

func (w *work) state() string { return filepath.Join(w.dir, "state") }

// path is where the cache in force has a file.
func (w *work) path(name string) string { return filepath.Join(w.cache, filepath.FromSlash(name)) }

// recover ends what a kill between two renames has left, on systems that cannot
// exchange two folders: without a cache, and with a next one, that before is put back.
func (w *work) recover() error {
	if _, err := os.Stat(w.cache); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(w.next()); err != nil {
		return nil //nolint:nilerr // whoever removed the cache wanted it gone
	}
	if err := os.Rename(w.last(), w.cache); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// setAside moves what a kill has left of a next cache to last: it may be the one that
// was in force, and somebody may be reading it.
func (w *work) setAside() error {
	if _, err := os.Stat(w.next()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(os.RemoveAll(w.last()), os.Rename(w.next(), w.last()))
}

var cacheName = regexp.MustCompile(`^([1-9][0-9]{0,8}\.root|trust|catalogue|status|time|set|base|crl|domains)$`)

// checkCacheFolder refuses a folder that holds something else: it would be moved away.
func checkCacheFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return local("looking at the cache", err)
	}
	for _, e := range entries {
		// What a writer of single files leaves when it is killed.
		if name := e.Name(); !cacheName.MatchString(name) && !strings.HasPrefix(name, ".tmp-") {
			return local("looking at the cache", fmt.Errorf("%s holds %q, which is no trust file: give a folder of its own", dir, name))
		}
	}
	return nil
}

// begin makes an empty next cache.
func (w *work) begin() error {
	if err := errors.Join(os.RemoveAll(w.next()), os.MkdirAll(filepath.Join(w.next(), "set"), 0o755)); err != nil {
		return local("building the next cache", err)
	}
	return nil
}

// put writes a file into the next cache.
func (w *work) put(name string, b []byte) error {
	target := filepath.Join(w.next(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return local("building the next cache", err)
	}
	if err := durable.WriteFile(target, b, 0o644); err != nil {
		return local("building the next cache", err)
	}
	return nil
}

// keep takes a file of the cache in force into the next one.
func (w *work) keep(name string) error {
	return w.link(w.path(name), name)
}

// link takes a file that is on the disk into the next cache: nobody writes into a file
// that is there, so both caches can have it.
func (w *work) link(from, name string) error {
	target := filepath.Join(w.next(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return local("building the next cache", err)
	}
	if os.Link(from, target) == nil {
		return nil
	}
	// File systems of sticks have no links.
	b, err := os.ReadFile(from)
	if err != nil {
		return local("building the next cache", err)
	}
	return w.put(name, b)
}

// commit puts the next cache into the place of the one in force. After a crash at any
// moment one of the two is there, whole and on the disk.
func (w *work) commit() error {
	next := w.next()
	err := filepath.WalkDir(next, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return errors.Join(os.Chmod(path, 0o755), durable.SyncDir(path))
	})
	if err != nil {
		return local("syncing the next cache", err)
	}
	if err := os.RemoveAll(w.last()); err != nil {
		return local("removing the cache before the last", err)
	}
	w.step("last removed")
	if err := w.replace(next); err != nil {
		return local("putting the next cache in force", err)
	}
	w.step("replaced")
	if err := errors.Join(durable.SyncDir(filepath.Dir(w.cache)), durable.SyncDir(w.dir)); err != nil {
		return local("putting the next cache in force", err)
	}
	return nil
}

// replaceByRenames moves the cache out of the way and the next one into its place. For
// a moment there is none.
func (w *work) replaceByRenames(next string) error {
	err := os.Rename(w.cache, w.last())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.step("moved out")
	if err := os.Rename(next, w.cache); err != nil {
		return errors.Join(err, os.Rename(w.last(), w.cache))
	}
	return nil
}

// tag is what a source said of a file.
type tag struct {
	Tag
	SM3 string `json:"sm3"` // of the file, in hexadecimal
}

const (
	maxTags    = 4096
	maxTagFile = 2 << 20
)

// tags reads what sources said. What cannot be read was never said.
func (w *work) tags() map[string]tag {
	all := make(map[string]tag)
	info, err := os.Stat(w.tagFile())
	if err != nil || info.Size() > maxTagFile {
		return all
	}
	b, err := os.ReadFile(w.tagFile())
	if err != nil || json.Unmarshal(b, &all) != nil {
		return make(map[string]tag)
	}
	return all
}

// remember keeps what a source said.
func (w *work) remember(source string, t tag) error {
	all := w.tags()
	if len(all) > maxTags {
		clear(all)
	}
	if all[source] == t {
		return nil
	}
	all[source] = t
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("remembering what the source said: %w", err)
	}
	if err := durable.WriteFile(w.tagFile(), b, 0o600); err != nil {
		return local("remembering what the source said", err)
	}
	return nil
}

func (w *work) tagFile() string { return filepath.Join(w.dir, "tags") }
