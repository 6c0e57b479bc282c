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
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// Options say how a terminal works.
type Options struct {
	Trust string           // the cache folder
	Pin   *[sm3.Size]byte  // SM3 of a root file, or nil
	State string           // folder for what is remembered; empty: nothing is
	JSON  bool             // one JSON object a line instead of text
	Out   io.Writer        // verdicts
	Warn  func(string)     // warnings, one line each
	Now   func() time.Time // the clock
}

// Terminal is a running terminal. It is not safe for concurrent use.
type Terminal struct {
	o        Options
	second   pki.SecondOpinion
	verifier *verify.Verifier
	good     bool      // a cache was loaded at least once
	stamp    time.Time // modification time of the time file at the last try
	out      *bufio.Writer
	refused  bool // something was not valid
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
	t := &Terminal{o: o, second: second.Opinion{}, out: bufio.NewWriter(o.Out)}
	t.refresh()
	if t.o.Pin == nil {
		o.Warn("the root is not pinned: give --root-sm3, or verdicts are only as good as the folder " + o.Trust)
	}
	return t, nil
}

// refresh loads the cache again if its time file has changed since the last try.
func (t *Terminal) refresh() {
	info, err := os.Stat(filepath.Join(t.o.Trust, string(trust.RoleTime)))
	if err == nil && t.verifier != nil && info.ModTime().Equal(t.stamp) {
		return
	}
	if err == nil {
		t.stamp = info.ModTime()
	}
	options := verify.Options{Second: t.second, Now: t.o.Now, Disagree: func(digits string) {
		t.o.Warn("the two implementations of SM2 disagree on this code; keep it and report it: " + digits)
	}}
	cache, err := t.load()
	switch {
	case err == nil:
		t.verifier, t.good = verify.New(cache, options), true
	case t.good:
		t.o.Warn("new trust files are refused, the last good ones stay in force: " + err.Error())
	default:
		t.o.Warn("the trust files cannot be used: " + err.Error())
		t.verifier = verify.Without(err, options)
	}
}

func (t *Terminal) load() (*trust.Cache, error) {
	dir := os.DirFS(t.o.Trust)
	options := trust.Options{Pin: t.o.Pin, Second: t.second, Now: t.o.Now}
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

// Picture decides on the code in a picture file.
func (t *Terminal) Picture(path string) error {
	t.refresh()
	start := time.Now()
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	if info.Size() > picture.MaxFileSize {
		return t.report(path, t.verifier.Unreadable(verify.CauseNoPicture, fmt.Sprintf("%d bytes", info.Size())))
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	text, err := picture.Read(file)
	if err != nil {
		return t.report(path, t.verifier.Unreadable(pictureCause(err), ""))
	}
	r := t.verifier.Text(text)
	r.TookMicros = time.Since(start).Microseconds()
	return t.report(path, r)
}

// pictureCause names why no code was read from a picture.
func pictureCause(err error) verify.CauseCode {
	switch {
	case errors.Is(err, picture.ErrSeveralCodes):
		return verify.CauseSeveralCodes
	case errors.Is(err, picture.ErrNotPicture):
		return verify.CauseNoPicture
	default:
		return verify.CauseNoCode
	}
}

// maxLine bounds a line that a scanner delivers. What is longer is one malformed
// scan.
const maxLine = 64 << 10

// Lines decides on every line of a stream, one verdict a line, and flushes after
// each: a scanner waits for its answer. Empty lines are skipped.
func (t *Terminal) Lines(in io.Reader) error {
	lines := bufio.NewReaderSize(in, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading codes: %w", err)
		}
		ended := err != nil
		if text := string(line); tooLong || !blank(text) {
			t.refresh()
			r := t.verifier.Unreadable(verify.CauseLongLine, "")
			if !tooLong {
				r = t.verifier.Text(text)
			}
			if err := t.report("", r); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

func blank(s string) bool {
	for _, c := range []byte(s) {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// Accepted reports whether every scan so far was valid.
func (t *Terminal) Accepted() bool { return !t.refused }
