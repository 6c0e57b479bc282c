// Package terminal is the hall terminal without its command line: it keeps a cache
// of trust files loaded, takes codes as lines or pictures, and writes one verdict
// for each.
//
// It cannot talk to anyone: nothing it imports opens a connection, and a test holds
// it to that. New files in the cache folder are picked up before the next scan; a
// change that does not verify leaves the last good cache in force until it is too
// old to say anything.
package terminal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// Options say how a terminal works.
type Options struct {
	Trust string           // the cache folder
	Pin   *[sm3.Size]byte  // SM3 of a root file, or nil
	State string           // folder for what is remembered; empty: nothing is
	Show  Display          // where verdicts go
	Warn  func(string)     // warnings, one line each
	Now   func() time.Time // the clock

	// Replays remembers which codes were presented. Nil: nothing is remembered.
	Replays verify.Replays
	// Questions, if set, have the terminal take answers to its questions only.
	Questions *Questions

	// Journal keeps what was decided, without personal data. Nil: nothing is kept.
	Journal Journal
}

// Display shows verdicts. [Lines], [JSON] and the screen are such.
type Display interface {
	// Scan shows the verdict on a scan; source is a picture's path, or empty.
	Scan(source string, r verify.Result) error
	// Tick is called about once a second, when nothing else happens, and tells what
	// the terminal's data is.
	Tick(health Health) error
}

// Health is what a terminal can say of itself between two scans.
type Health struct {
	Now    time.Time
	Usable bool      // there are trust files that can be used
	AsOf   time.Time // of the data; zero without
	Pinned bool
}

// Journal keeps one entry a scan.
type Journal interface {
	Append(at time.Time, r verify.Result) error
	// Sync is called about once a second: what was appended is on the disk after it.
	Sync() error
}

// Terminal is a running terminal. It is not safe for concurrent use.
type Terminal struct {
	o        Options
	second   pki.SecondOpinion
	keys     *fixedkey.Keys
	verifier *verify.Verifier
	good     bool         // a cache was loaded at least once
	stamp    fs.FileInfo  // the time file at the last try; nil: there was none
	failed   string       // why the last try failed; empty: it did not
	tried    time.Time    // when it was, by the monotonic clock
	cache    *trust.Cache // behind verifier; nil without
	refused  bool         // something was not valid
	question *verify.Challenge
}

// ErrNoCache says that the cache folder is not one.
var ErrNoCache = errors.New("no trust files")

// New checks the cryptography and loads the cache. A folder that is no cache at
// all is [ErrNoCache]; a cache that cannot be used is a warning, and every scan will
// say so.
func New(o Options) (*Terminal, error) {
	if err := errors.Join(pki.SelfTest(), second.SelfTest()); err != nil {
		return nil, err
	}
	if _, err := trust.FirstRoot(os.DirFS(o.Trust)); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", o.Trust, ErrNoCache, err)
	}
	t := &Terminal{o: o, second: second.Opinion{}, keys: fixedkey.NewKeys(tabledKeys, func(key pki.Point) {
		o.Warn("the fast verification of key " + key.String() + " went wrong, as after a fault of this computer's memory; it is not used any more: have the computer checked")
	})}
	t.refresh()
	if t.o.Pin == nil {
		o.Warn("the root is not pinned: give --root-sm3, or verdicts are only as good as the folder " + o.Trust)
	}
	return t, nil
}

// tabledKeys is for how many keys a terminal has tables: 3 MB of them, more than the
// authorities whose papers one counter sees much of.
const tabledKeys = 64

// retryEvery is after how long files that were refused are tried again although they
// have not changed: the clock may have been set since, or the disk have room again.
const retryEvery = 10 * time.Second

// stale reports whether the cache should be loaded: its time file has changed since the
// last try, or that one failed a while ago.
func (t *Terminal) stale() bool {
	if t.failed != "" && time.Since(t.tried) >= retryEvery {
		return true
	}
	info, err := os.Stat(filepath.Join(t.o.Trust, string(trust.RoleTime)))
	if err != nil {
		return t.failed == ""
	}
	if t.stamp != nil && os.SameFile(info, t.stamp) && info.ModTime().Equal(t.stamp.ModTime()) {
		return false
	}
	t.stamp = info
	return true
}

// refresh loads the cache if it is [Terminal.stale]. One reason for failing is warned of
// once.
func (t *Terminal) refresh() {
	if !t.stale() {
		return
	}
	t.tried = time.Now()
	options := verify.Options{Second: t.second, Judge: t.keys.Judge, Now: t.o.Now, Replays: t.o.Replays, Disagree: func(digits string) {
		t.o.Warn("the two implementations of SM2 disagree on this code; keep it and report it: " + digits)
	}}
	cache, err := t.load()
	if err == nil {
		t.verifier, t.cache, t.good, t.failed = verify.New(cache, options), cache, true, ""
		return
	}
	warning := "new trust files are refused, the last good ones stay in force: " + err.Error()
	if !t.good {
		warning = "the trust files cannot be used: " + err.Error()
		t.verifier = verify.Without(err, options)
	}
	if warning != t.failed {
		t.failed = warning
		t.o.Warn(warning)
	}
}

// load reads the cache folder. It is held open meanwhile, so that a whole folder that
// is put in its place is seen before or after, never in between; what is then missing
// in the old one is looked for in the new.
func (t *Terminal) load() (*trust.Cache, error) {
	for {
		dir, err := os.OpenRoot(t.o.Trust)
		if err != nil {
			return nil, fmt.Errorf("reading the cache: %w", err)
		}
		cache, err := t.loadFrom(dir.FS())
		before, errBefore := dir.Stat(".")
		if err := dir.Close(); err != nil {
			return nil, fmt.Errorf("reading the cache: %w", err)
		}
		if err == nil || errBefore != nil {
			return cache, err
		}
		after, errAfter := os.Stat(t.o.Trust)
		if errAfter != nil || os.SameFile(before, after) {
			return nil, err
		}
	}
}

func (t *Terminal) loadFrom(dir fs.FS) (*trust.Cache, error) {
	options := trust.Options{Pin: t.o.Pin, Second: t.second, Now: t.o.Now, Previous: t.cache}
	if t.o.State != "" {
		root := t.o.Pin
		if root == nil {
			first, err := trust.FirstRoot(dir)
			if err != nil {
				return nil, err
			}
			root = &first
		}
		state, err := trust.OpenState(t.o.State, *root)
		if err != nil {
			return nil, err
		}
		options.State = state
	}
	return trust.Load(dir, options)
}

// report shows a verdict, keeps it, and remembers whether it was valid.
func (t *Terminal) report(source string, r verify.Result) error {
	if r.Verdict != verify.Valid {
		t.refused = true
	}
	if t.o.Journal != nil {
		if err := t.o.Journal.Append(t.o.Now(), r); err != nil {
			t.o.Warn("this scan is not in the journal: " + err.Error())
		}
	}
	if err := t.o.Show.Scan(source, r); err != nil {
		return fmt.Errorf("%w: %w", errShow, err)
	}
	return nil
}

// Accepted reports whether every scan so far was valid.
func (t *Terminal) Accepted() bool { return !t.refused }
