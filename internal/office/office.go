package office

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/elicence/elicence/internal/amended"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
)

// Office is an open data folder with the acts on it. It is safe for concurrent use.
type Office struct {
	folder    *datafolder.Folder
	config    datafolder.Config // the folder's, with what the options say instead
	store     *records.Store    // the folder's, as the next three are
	keys      *keystore.Store
	documents *documents.Store
	now       func() time.Time
	words     *pagetext.Finder
	pictures  *likeness.Memory // of seals on documents
	known     *seal.Memory     // seals that were in order on documents
	seals     openSeals        // of the house, for their next use
	rules     knownRules       // by which documents are judged here
	first     firstPoints      // of keys that were never rotated
	// certificateStatus and keyStatus are what the ledger said last.
	certificateStatus knownStatus[ledgerPlace]
	keyStatus         knownStatus[pki.Point]
	roots             parsedRoots
	categories        *amended.Catalogue
	second            pki.SecondOpinion
	tabled            *fixedkey.Keys // of the codes and seals that are verified here
	observe           func(Event)

	following  following // of status changes, where they are shared
	profiles   *ca.Profiles
	ocspMemory int64
	closing    sync.Once
	publishing sync.Mutex    // held while trust files are made
	importing  turns         // of the runs of one import, by its setting
	published  *status.State // the lists as this process last gave them out, or nil; guarded by publishing
	unknown    notice        // of what terminals cannot know yet
	// rotating is held by who puts a new key into use, and for reading by who signs
	// with one: a signature never falls outside of its key's time.
	rotating   sync.RWMutex
	signers    signers                     // keys of issuing authorities
	presenting sync.Mutex                  // held while the first key for codes of kind 3, or one for tokens, is made
	tokenKeys  map[string]*status.TokenKey // those that were wanted, by their name; guarded by presenting
	opened     struct {
		mu          sync.Mutex
		authorities map[string]*ca.Authority // by the name of their key; guarded by mu
	}
	answering struct {
		mu        sync.Mutex
		responder *ocsp.Responder // nil until somebody asks; guarded by mu
	}
	stamping struct {
		mu        sync.Mutex
		authority *tsa.Authority // nil until somebody asks; guarded by mu
		point     pki.Point      // its key's; guarded by mu
	}
	clock *tsa.Clock // of time stamps
}

// Options say how a data folder is opened, and how the office works on it.
type Options struct {
	datafolder.Options
	// Clock says how the time of time stamps is proven; zero: the machine's clock, by
	// its kernel's word.
	Clock tsa.ClockSettings
	// TSAPolicy stands in place of the data folder's, if it is not empty.
	TSAPolicy string
	// OCSPMemory bounds the OCSP answers that are made ahead, in bytes; 0: 512 MiB.
	OCSPMemory int64
	// Observe is told what an operator must hear of, at once and by whatever
	// goroutine finds it; it must not block. Nil: nobody is told.
	Observe func(Event)
}

// ErrSelfTest is returned before anything is opened if the machine's
// cryptography gives wrong answers.
var ErrSelfTest = pki.ErrSelfTest

// SelfTest checks both implementations of the national algorithms. Every program
// of ours runs it when it starts.
func SelfTest() error { return errors.Join(pki.SelfTest(), second.SelfTest()) }

// Open opens a data folder.
func Open(dir string, o Options) (*Office, error) {
	ctx := context.Background()
	folder, err := datafolder.Open(ctx, dir, o.Options)
	if err != nil {
		return nil, err
	}
	office, err := assemble(ctx, folder, o)
	if err == nil {
		err = office.recover(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return office, nil
}

// cutOff is the age from which a certificate that was intended and not recorded is no
// other node's work, but was cut off.
const cutOff = 10 * time.Minute

// recover gives up certificates whose signing was cut off. A store in the data folder is
// this process's alone; one that is shared may be at work for another.
func (o *Office) recover(ctx context.Context) error {
	now := o.now()
	var err error
	if o.folder.Shared {
		_, err = ca.RecoverOlder(ctx, o.store, "recover", now, cutOff)
	} else {
		_, err = ca.Recover(ctx, o.store, "recover", now)
	}
	return err
}

// assemble makes the office on an open folder.
func assemble(ctx context.Context, f *datafolder.Folder, o Options) (*Office, error) {
	categories, err := amended.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	profiles, err := ca.LoadProfiles(os.DirFS(filepath.Join(f.Dir, datafolder.ProfilesName)))
	if err != nil {
		return nil, err
	}
	observe := o.Observe
	if observe == nil {
		observe = func(Event) {}
	}
	if o.Clock.Read == nil {
		o.Clock.Read = tsa.SystemClock()
	}
	if o.Clock.Probe == nil {
		o.Clock.Probe = tsa.KernelClock
	}
	clock, err := tsa.NewClock(o.Clock)
	if err != nil {
		return nil, err
	}
	office := &Office{
		folder: f, config: f.Config, store: f.Records, keys: f.Keys, documents: f.Documents, now: f.Now,
		tokenKeys: make(map[string]*status.TokenKey), profiles: profiles, second: second.Opinion{}, observe: observe,
		tabled: fixedkey.NewKeys(tabledKeys, func(key pki.Point) { observe(Event{Kind: EventTables, Subject: key.String()}) }),
		clock:  clock, unknown: newNotice(), ocspMemory: cmp.Or(o.OCSPMemory, ocspShelf), words: pagetext.New(filepath.Join(f.Dir, "cache", "pagetext")),
		pictures: likeness.NewMemory(), known: seal.NewMemory(), categories: categories,
	}
	office.config.TSAPolicy = cmp.Or(o.TSAPolicy, f.Config.TSAPolicy)
	return office, nil
}

// Close closes the data folder and zeroes the keys that it holds. Once more does nothing.
func (o *Office) Close() error {
	var err error
	o.closing.Do(func() {
		err = errors.Join(o.closeStamping(context.Background()), o.words.Close(), o.folder.Close())
	})
	return err
}

// Folder returns the open data folder, for package internal/atrest. It is closed with the office.
func (o *Office) Folder() *datafolder.Folder { return o.folder }

// Config returns what was settled when the data folder was made.
func (o *Office) Config() datafolder.Config { return o.config }

// Profiles returns the profiles of certificates with the operator's changes.
func (o *Office) Profiles() *ca.Profiles { return o.profiles }

// GMOnly reports whether the key store uses national algorithms only.
func (o *Office) GMOnly() bool { return o.keys.GMOnly() }

// Ready says whether the store answers.
func (o *Office) Ready(ctx context.Context) error { return o.folder.Ready(ctx) }
