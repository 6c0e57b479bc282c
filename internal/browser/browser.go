// Package browser is the verifier of the pages without the pages: it takes trust files
// from wherever a page can read them, keeps to the rules of [trust.Load], and answers
// scans.
//
// The page stores what [Verifier.Refresh] returns, all of it or nothing, and gives it back
// at the next visit. It is not trusted with more than that: files that do not belong
// together, that were changed or that are older than the ones before are refused, and
// the last good ones stay in force.
//
// There is no second implementation of SM2 in a browser, so a signature that ours
// refuses is put to nobody else.
package browser

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// Kept is what a page stores between visits, in one transaction.
type Kept struct {
	Pin   string            // SM3 of the root that was pinned, in hexadecimal
	State []byte            // versions and time, see [trust.State]
	Files map[string][]byte // the trust files in force
}

// Options say how a verifier works.
type Options struct {
	// RootSM3 is the pin that was built in, in hexadecimal. Empty: the root of the
	// first visit is pinned, and [About] says so.
	RootSM3 string
	Now     func() time.Time
}

// Verifier answers scans with the cache that was loaded last. It is not safe for
// concurrent use: a browser's worker has one thread.
type Verifier struct {
	o        Options
	broken   error // the cryptography fails its self-test: nothing may be said
	verifier *verify.Verifier
	cache    *trust.Cache // nil before the first one was loaded
	kept     Kept

	shown    *verify.Memory    // nil: nobody stands at a counter
	question *verify.Challenge // nil: none waits for its answer
}

// New returns a verifier that has no trust files yet.
func New(o Options) *Verifier {
	v := &Verifier{o: o, broken: pki.SelfTest()}
	v.refuse(ErrNoFiles)
	if v.broken != nil {
		v.refuse(v.broken)
	}
	return v
}

// ErrNoFiles says that no trust files were loaded yet.
var ErrNoFiles = errors.New("the trust files are not here yet")

func (v *Verifier) refuse(why error) {
	v.cache, v.verifier = nil, verify.Without(why, verify.Options{Now: v.o.Now})
}

// use answers with a cache from now on.
func (v *Verifier) use(cache *trust.Cache) {
	o := verify.Options{Now: v.o.Now}
	if v.shown != nil {
		o.Replays = v.shown
	}
	v.cache, v.verifier = cache, verify.New(cache, o)
}

// Restore loads what was kept. What cannot be used any more (too old, a clock that is
// wrong) is remembered as the reason why nothing can be said.
func (v *Verifier) Restore(kept Kept) error {
	v.kept = kept
	if _, err := v.load(context.Background(), nil); err != nil {
		v.refuse(err)
		return err
	}
	return nil
}

// Refresh takes new trust files from where read finds them and returns what to keep,
// or false if nothing is new. An error leaves everything as it was.
func (v *Verifier) Refresh(ctx context.Context, read Read) (Kept, bool, error) {
	changed, err := v.load(ctx, read)
	// Between the time file and another one the service may have published.
	if errors.Is(err, trust.ErrMismatch) {
		changed, err = v.load(ctx, read)
	}
	if err != nil {
		if v.cache == nil {
			v.refuse(err)
		}
		return Kept{}, false, err
	}
	return v.kept, changed, nil
}

// load takes the files from the network, or without read from what was kept, and
// reports whether they are others than before.
func (v *Verifier) load(ctx context.Context, read Read) (bool, error) {
	if v.broken != nil {
		return false, v.broken
	}
	files := newFolder(ctx, v.kept.Files, read)
	pinText := v.o.RootSM3
	if pinText == "" {
		pinText = v.kept.Pin
	}
	if pinText == "" {
		first, err := trust.FirstRoot(files)
		if err != nil {
			return false, files.because(err)
		}
		pinText = hex.EncodeToString(first[:])
	}
	pin, err := trust.ParsePin(pinText)
	if err != nil {
		return false, fmt.Errorf("pin: %w", err)
	}
	if v.cache != nil && read != nil {
		now, err := fs.ReadFile(files, string(trust.RoleTime))
		if err != nil {
			return false, files.because(err)
		}
		if bytes.Equal(now, v.kept.Files[string(trust.RoleTime)]) {
			return false, nil
		}
	}
	next := Kept{Pin: pinText, State: v.kept.State}
	state, err := trust.NewState(v.kept.State, func(b []byte) error {
		next.State = b
		return nil
	})
	if err != nil {
		return false, err
	}
	options := trust.Options{Pin: pin, Now: v.o.Now, State: state, Previous: v.cache, Lazy: true}
	if read != nil {
		options.Take = files.take
	}
	cache, err := trust.Load(files, options)
	if err != nil {
		return false, files.because(err)
	}
	// The next visit starts from the state of the lists instead of all files that led to it.
	base, err := cache.Base()
	if err != nil {
		return false, err
	}
	next.Files = files.used()
	next.Files[trust.BaseName] = base
	v.use(cache)
	v.kept = next
	return true, nil
}

// About says what verdicts rest on.
type About struct {
	Ready   bool   `json:"ready"` // there are trust files
	Domain  string `json:"domain"`
	RootSM3 string `json:"root_sm3"`
	BuiltIn bool   `json:"built_in"` // the pin came with the program, not with the first visit
	Trust   uint64 `json:"trust_version"`
	AsOf    string `json:"as_of"`   // RFC 3339
	Expires string `json:"expires"` // of the first file that expires, RFC 3339
}

// About returns what the verdicts rest on now.
func (v *Verifier) About() About {
	if v.cache == nil {
		return About{BuiltIn: v.o.RootSM3 != ""}
	}
	expires := v.cache.Root.ExpiresAt()
	for _, at := range []time.Time{v.cache.Trust.ExpiresAt(), v.cache.Catalogue.ExpiresAt(), v.cache.Status.ExpiresAt(), v.cache.Time.ExpiresAt()} {
		if at.Before(expires) {
			expires = at
		}
	}
	return About{
		Ready: true, Domain: v.cache.Root.Domain.Name, RootSM3: v.kept.Pin, BuiltIn: v.o.RootSM3 != "", Trust: v.cache.Trust.Version,
		AsOf: v.cache.AsOf().UTC().Format(time.RFC3339), Expires: expires.Format(time.RFC3339),
	}
}
