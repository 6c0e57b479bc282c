package office

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence/catalogue"
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

// Names within a data folder.
const (
	storeName     = "elicence.db"
	keysName      = "keys"
	kekName       = "kek"
	documentsName = "documents"
	// recordKeysName is the folder of the keys that records are encrypted under. It is in no
	// backup of the data folder: see Office.BackupRecordKeys.
	recordKeysName = "record-keys"
	profilesName   = "profiles"
	offlineName    = "offline"
)

// Config is what is settled when a data folder is made.
type Config struct {
	Host   string `json:"host"`   // in printed codes: https://HOST/v#…
	Region string `json:"region"` // six digits, GB/T 2260
	Domain string `json:"domain"` // name of the province or body
	// TSAPolicy is the policy of time stamps (RFC 3161, 2.4.2) in dotted decimals; empty:
	// [ExampleTSAPolicy].
	TSAPolicy string `json:"tsa_policy,omitempty"`
}

// Office is an open data folder. It is safe for concurrent use.
type Office struct {
	dir       string
	config    Config
	store     *records.Store
	box       *sealed.Box // of the store
	keys      *keystore.Store
	documents *documents.Store
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
	categories        atomic.Pointer[catalogue.Catalogue] // exchanged as a whole, under publishing
	second            pki.SecondOpinion
	tabled            *fixedkey.Keys // of the codes and seals that are verified here
	now               func() time.Time
	observe           func(Event)

	shared     bool      // other nodes may have the records open
	following  following // of status changes, where they are shared
	profiles   *ca.Profiles
	ocspMemory int64
	closing    sync.Once
	marking    sync.Mutex    // held while the high water is written
	publishing sync.Mutex    // held while trust files are made
	importing  turns         // of the runs of one import, by its setting
	changes    []string      // of the catalogue, by their digests, that categories has; guarded by publishing
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

// Options say how a data folder is opened.
type Options struct {
	// Passphrase opens a key store that is protected by one.
	Passphrase []byte
	// KeyFile is the key-encryption key's file where it is not DATA/kek.
	KeyFile string
	// Token wraps the key-encryption key of a key store that neither of them opens.
	Token keystore.Wrapper
	// Documents is the URL of the bucket that the documents lie in, s3://…; empty: the
	// folder DATA/documents.
	Documents string
	// Devices hold signing keys.
	Devices []keystore.Device
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Clock says how the time of time stamps is proven; zero: the machine's clock, by
	// its kernel's word.
	Clock tsa.ClockSettings
	// TSAPolicy stands in place of the data folder's, if it is not empty.
	TSAPolicy string
	// OCSPMemory bounds the OCSP answers that are made ahead, in bytes; 0: 512 MiB.
	OCSPMemory int64
	// Store is the address of the database that holds the records; empty: a file in the
	// data folder.
	Store string
	// Observe is told what an operator must hear of, at once and by whatever
	// goroutine finds it; it must not block. Nil: nobody is told.
	Observe func(Event)
	// Older opens a store that is not the one that the data folder remembers, for
	// [Office.AdoptOlder]. Otherwise it is refused with [ErrOlderStore].
	Older bool

	movedAway bool // a store that was moved away is opened, to finish the move
}

// ErrSelfTest is returned before anything is opened if the machine's
// cryptography gives wrong answers.
var ErrSelfTest = pki.ErrSelfTest

// SelfTest checks both implementations of the national algorithms. Every program
// of ours runs it when it starts.
func SelfTest() error { return errors.Join(pki.SelfTest(), second.SelfTest()) }

// ErrNotDataFolder: there is no store in the folder, if there is a folder.
var ErrNotDataFolder = bilingual.New("不是数据目录", "not a data folder")

// Open opens a data folder.
func Open(dir string, o Options) (*Office, error) {
	if err := findStore(dir, o.Store); err != nil {
		return nil, err
	}
	keys, err := keystore.Config{Devices: o.Devices, Now: o.Now}.Open(filepath.Join(dir, keysName), o.unlock(dir))
	if err != nil {
		return nil, err
	}
	return open(dir, keys, o)
}

// unlock finds the key-encryption key: a passphrase, the named file, a token, or
// DATA/kek.
func (o Options) unlock(dir string) keystore.Unlock {
	switch {
	case len(o.Passphrase) > 0:
		return keystore.Unlock{Passphrase: o.Passphrase}
	case o.KeyFile != "":
		return keystore.Unlock{File: o.KeyFile}
	case o.Token != nil:
		return keystore.Unlock{Token: o.Token}
	default:
		return keystore.Unlock{File: filepath.Join(dir, kekName)}
	}
}

func open(dir string, keys *keystore.Store, o Options) (*Office, error) {
	box, err := sealed.OpenBox(keys, filepath.Join(dir, recordKeysName))
	if err != nil {
		return nil, err
	}
	docs, err := openDocuments(filepath.Join(dir, documentsName), keys, o.Documents)
	if err != nil {
		return nil, err
	}
	store, err := openStore(context.Background(), dir, o.Store, box)
	if err != nil {
		return nil, errors.Join(err, docs.Close())
	}
	office, err := assemble(dir, keys, box, store, docs, o)
	if err != nil {
		return nil, errors.Join(err, store.Close(), docs.Close())
	}
	if office.config, err = readConfig(store, keys); err != nil {
		return nil, errors.Join(err, store.Close(), docs.Close())
	}
	if o.TSAPolicy != "" {
		office.config.TSAPolicy = o.TSAPolicy
	}
	if err := office.checkMoved(context.Background()); err != nil && !o.movedAway {
		return nil, errors.Join(err, store.Close(), docs.Close())
	}
	if err := office.checkHighWater(context.Background()); err != nil && !(o.Older && errors.Is(err, ErrOlderStore)) {
		return nil, errors.Join(err, store.Close(), docs.Close())
	}
	office.shared = o.Store != ""
	if err := office.recover(); err != nil {
		return nil, errors.Join(err, store.Close(), docs.Close())
	}
	return office, nil
}

// ErrDocumentsPlace says that the documents lie elsewhere than where they are looked for.
var ErrDocumentsPlace = bilingual.New("文档不在此处", "the documents are in another place")

// openDocuments opens the folder, or the bucket where one is named. Whoever forgets the
// bucket, or names one for a folder that has documents, would find half of them.
func openDocuments(dir string, keys *keystore.Store, bucket string) (*documents.Store, error) {
	entries, err := os.ReadDir(dir)
	there := err == nil
	switch {
	case bucket == "" && errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s is not there: %w", dir, ErrDocumentsPlace)
	case bucket == "":
		return documents.Open(dir, keys)
	case there && len(entries) > 0:
		return nil, fmt.Errorf("%s has some: %w", dir, ErrDocumentsPlace)
	default:
		return documents.OpenBucket(bucket, keys)
	}
}

// cutOff is the age from which a certificate that was intended and not recorded is no
// other node's work, but was cut off.
const cutOff = 10 * time.Minute

// recover gives up certificates whose signing was cut off. A store in the data folder is
// this process's alone; one that is shared may be at work for another.
func (o *Office) recover() error {
	ctx, now := context.Background(), o.now()
	var err error
	if o.shared {
		_, err = ca.RecoverOlder(ctx, o.store, "recover", now, cutOff)
	} else {
		_, err = ca.Recover(ctx, o.store, "recover", now)
	}
	return err
}

func assemble(dir string, keys *keystore.Store, box *sealed.Box, store *records.Store, docs *documents.Store, o Options) (*Office, error) {
	cat, changes, err := loadCatalogue(context.Background(), store, filepath.Join(dir, catalogueName))
	if err != nil {
		return nil, err
	}
	profiles, err := ca.LoadProfiles(os.DirFS(filepath.Join(dir, profilesName)))
	if err != nil {
		return nil, err
	}
	now := o.Now
	if now == nil {
		now = time.Now
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
		dir: dir, store: store, box: box, keys: keys, documents: docs, tokenKeys: make(map[string]*status.TokenKey), profiles: profiles, second: second.Opinion{}, now: now, observe: observe,
		tabled: fixedkey.NewKeys(tabledKeys, func(key pki.Point) { observe(Event{Kind: EventTables, Subject: key.String()}) }),
		clock:  clock, unknown: newNotice(), ocspMemory: cmp.Or(o.OCSPMemory, ocspShelf), words: pagetext.New(filepath.Join(dir, "cache", "pagetext")),
		pictures: likeness.NewMemory(), known: seal.NewMemory(), changes: changes,
	}
	office.categories.Store(cat)
	return office, nil
}

// Close closes the data folder and zeroes the keys that it holds. Once more does nothing.
func (o *Office) Close() error {
	var err error
	o.closing.Do(func() {
		ctx := context.Background()
		err = errors.Join(o.closeStamping(ctx), o.keepHighWater(ctx), o.words.Close(), o.store.Close(), o.documents.Close(), o.keys.Close())
	})
	return err
}

// Config returns what was settled when the data folder was made.
func (o *Office) Config() Config { return o.config }

// Profiles returns the profiles of certificates with the operator's changes.
func (o *Office) Profiles() *ca.Profiles { return o.profiles }

// GMOnly reports whether the key store uses national algorithms only.
func (o *Office) GMOnly() bool { return o.keys.GMOnly() }

// Catalogue returns the licence categories as they are now.
func (o *Office) Catalogue() *catalogue.Catalogue { return o.categories.Load() }

// Ready says whether the store answers.
func (o *Office) Ready(ctx context.Context) error {
	_, err := o.store.Setting(ctx, configSetting)
	return err
}
