// Package datafolder opens the folder that holds everything of a service: what was settled when it was made, the key
// store, the records with the keys that they are under, and the documents.
//
//	elicence.db    the records (package internal/store/records, in a bbolt file), if they are in no database
//	record-keys/   the keys that they are under
//	keys/          the key store; kek beside it if the key-encryption key is a file
//	documents/     pictures, encrypted, if they are in no bucket
//	high-water     how far the audit log was
//	profiles/, catalogue/, imported/
//	               what the operator has changed or decided to trust; need not be there
//	cache/         what can be made anew: PDFium as it was compiled for this machine
//	desk.sock      while the service runs: where commands ask it
//	offline/       keys that the service does not need: the root's and the trust
//	               root's, under a passphrase; to be moved off the machine
//
// [Open] refuses what does not belong together: records that were made with other keys, documents that lie elsewhere,
// records that were moved away, and a store of an earlier moment than the folder remembers. One process has the file of
// the records open at a time; where they are in a database, several have ([Folder.Shared]).
//
// What the parts hold is the business of those who act on them, packages internal/office and internal/atrest.
package datafolder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
)

// Names within a data folder.
const (
	KeysName      = "keys" // the key store
	KEKName       = "kek"  // the key-encryption key, where it is a file
	DocumentsName = "documents"
	// RecordKeysName is the folder of the keys that records are encrypted under. It is in no backup of the data folder,
	// but in one of its own.
	RecordKeysName = "record-keys"
	ProfilesName   = "profiles"  // the operator's changes of certificate profiles
	CatalogueName  = "catalogue" // the operator's changes of the catalogue
	OfflineName    = "offline"   // the offline keys, where nothing else is said
	RecordName     = "ceremony"  // a ceremony's record, where a plan names none

	storeName = "elicence.db"
)

// ErrNotDataFolder: there is no store in the folder, if there is a folder.
var ErrNotDataFolder = bilingual.New("不是数据目录", "not a data folder")

// ErrRecordKeys says that the keys that the records are under are not in the data folder.
var ErrRecordKeys = sealed.ErrNoKeys

var (
	// ErrLookups says that the secrets of the look-up keys in use are not in the data folder.
	ErrLookups = sealed.ErrNoLookups
	// ErrOtherLookups says that those in it are others.
	ErrOtherLookups = sealed.ErrOtherLookups
)

// Config is what is settled when a data folder is made.
type Config struct {
	Host   string `json:"host"`   // in printed codes: https://HOST/v#…
	Region string `json:"region"` // six digits, GB/T 2260
	Domain string `json:"domain"` // name of the province or body
	// TSAPolicy is the policy of time stamps (RFC 3161, 2.4.2) in dotted decimals; empty: the
	// example policy of package internal/office.
	TSAPolicy string `json:"tsa_policy,omitempty"`
}

// Options say how a data folder is opened.
type Options struct {
	// Passphrase opens a key store that is protected by one.
	Passphrase []byte
	// KeyFile is the key-encryption key's file where it is not DATA/kek.
	KeyFile string
	// Token wraps the key-encryption key of a key store that neither of them opens.
	Token keystore.Wrapper
	// Devices hold signing keys.
	Devices []keystore.Device
	// Store is the address of the database that holds the records; empty: a file in the
	// data folder.
	Store string
	// Documents is the URL of the bucket that the documents lie in, s3://…; empty: the
	// folder DATA/documents.
	Documents string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Older opens a store that is not the one that the data folder remembers, for
	// [Folder.AdoptOlder]. Otherwise it is refused with [ErrOlderStore].
	Older bool
	// Moved opens a store that was moved away, to finish the move. Otherwise it is refused
	// with [ErrMoved].
	Moved bool
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
		return keystore.Unlock{File: filepath.Join(dir, KEKName)}
	}
}

// OpenKeys opens the key store of a data folder alone.
func (o Options) OpenKeys(dir string) (*keystore.Store, error) {
	return keystore.Config{Devices: o.Devices, Now: o.Now}.Open(filepath.Join(dir, KeysName), o.unlock(dir))
}

// Folder is an open data folder. Its fields stay as they are until it is closed, and it is safe for concurrent use.
type Folder struct {
	Dir       string
	Config    Config
	Keys      *keystore.Store
	Box       *sealed.Box // what encrypts Records
	Records   *records.Store
	Documents *documents.Store
	Shared    bool // other processes may have the records open
	Now       func() time.Time

	marking sync.Mutex // held while the high water is written
	older   bool       // opened with [Options.Older] and not adopted; guarded by marking
}

// Open opens a data folder.
func Open(ctx context.Context, dir string, o Options) (*Folder, error) {
	if err := findStore(dir, o.Store); err != nil {
		return nil, err
	}
	keys, err := o.OpenKeys(dir)
	if err != nil {
		return nil, err
	}
	f := newFolder(dir, keys, o)
	if err := f.open(ctx, o); err != nil {
		return nil, errors.Join(err, f.closeParts())
	}
	return f, nil
}

func newFolder(dir string, keys *keystore.Store, o Options) *Folder {
	f := &Folder{Dir: dir, Keys: keys, Shared: o.Store != "", Now: o.Now}
	if f.Now == nil {
		f.Now = time.Now
	}
	return f
}

// open opens what the key store opens, and sees that it belongs together.
func (f *Folder) open(ctx context.Context, o Options) error {
	var err error
	if f.Box, err = sealed.OpenBox(f.Keys, filepath.Join(f.Dir, RecordKeysName)); err != nil {
		return err
	}
	if f.Documents, err = openDocuments(filepath.Join(f.Dir, DocumentsName), f.Keys, o.Documents); err != nil {
		return err
	}
	if f.Records, err = openStore(ctx, f.Dir, o.Store, f.Box); err != nil {
		return err
	}
	if f.Config, err = readConfig(ctx, f.Records, f.Keys); err != nil {
		return err
	}
	if err := f.checkMoved(ctx); err != nil && !(o.Moved && errors.Is(err, ErrMoved)) {
		return err
	}
	err = f.checkHighWater(ctx)
	f.older = o.Older && errors.Is(err, ErrOlderStore)
	if f.older {
		return nil
	}
	return err
}

// CreateOptions say what a new data folder is to be.
type CreateOptions struct {
	Options
	Config Config
	// GMOnly makes a key store that uses national algorithms only, and keeps signing keys in
	// devices only.
	GMOnly bool
	Actor  string // who makes it, for the audit log
}

// Create makes the parts of a data folder in a folder that is empty, and opens it. What is cut off leaves some of them:
// the caller gives the folder its name when it is whole. The database of [Options.Store] must be empty.
func Create(ctx context.Context, dir string, o CreateOptions) (*Folder, error) {
	unlock := o.unlock(dir)
	if unlock.File != "" {
		if err := keystore.NewKeyFile(unlock.File); err != nil {
			return nil, err
		}
	}
	keys, err := keystore.Config{GMOnly: o.GMOnly, Devices: o.Devices, Now: o.Now}.Create(filepath.Join(dir, KeysName), unlock)
	if err != nil {
		return nil, err
	}
	f := newFolder(dir, keys, o.Options)
	if err := f.create(ctx, o); err != nil {
		return nil, errors.Join(err, f.closeParts())
	}
	return f, nil
}

func (f *Folder) create(ctx context.Context, o CreateOptions) error {
	var err error
	if f.Box, err = sealed.CreateBox(f.Keys, filepath.Join(f.Dir, RecordKeysName)); err != nil {
		return err
	}
	if f.Documents, err = createDocuments(ctx, filepath.Join(f.Dir, DocumentsName), f.Keys, o.Documents); err != nil {
		return err
	}
	if f.Records, err = createStore(ctx, f.Dir, o.Store, f.Box); err != nil {
		return err
	}
	f.Config = o.Config
	return f.settle(ctx, o.Actor)
}

// Close remembers how far the audit log is, closes all parts and zeroes the keys. It is called once.
func (f *Folder) Close() error {
	return errors.Join(f.KeepHighWater(context.Background()), f.closeParts())
}

// closeParts closes what is open.
func (f *Folder) closeParts() error {
	var err error
	if f.Records != nil {
		err = f.Records.Close()
	}
	if f.Documents != nil {
		err = errors.Join(err, f.Documents.Close())
	}
	return errors.Join(err, f.Keys.Close())
}

// Entry returns an entry of the audit log as of now, without a digest.
func (f *Folder) Entry(actor string, act audit.Act, subject string) (audit.Record, error) {
	return audit.NewRecord(audit.Entry{Time: f.Now().Unix(), Actor: actor, Act: act, Subject: subject}, nil)
}

// HasRecordKeys reports whether the data folder of a path has record keys: one of before there were any has none until
// it is rekeyed.
func HasRecordKeys(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, RecordKeysName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
