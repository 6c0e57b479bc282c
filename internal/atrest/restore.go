package atrest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki/keystore"
)

// RestoreOptions say how a data folder is made from a backup.
type RestoreOptions struct {
	// Options open the restored folder, as they did the one that was lost.
	datafolder.Options
	// Office opens the office on the restored folder, by the same options.
	Office func(dir string) (OpenOffice, error)
	Actor  string
	// Published, if not nil, is a folder of trust files that were given out later than the
	// backup was made: a terminal's cache, or a mirror. What is revoked or suspended there
	// is so in the restored register too. Without it, terminals that know of a revocation
	// after the backup refuse the next trust files.
	Published fs.FS
	// RecordKeys is the content of a backup of the record keys ([BackupRecordKeys]), the newest that there is: what was
	// erased before it was made stays erased. It may be nil only for a store whose records share their keys.
	RecordKeys io.Reader
	// Progress, if not nil, is told of rows that were restored.
	Progress func(rows int)
}

// Restored is what a restore has done.
type Restored struct {
	backup.Totals
	Made      time.Time       `json:"made"`      // when the backup was
	LogSize   uint64          `json:"log_size"`  // entries of the audit log in the backup
	LogSeen   *uint64         `json:"log_seen"`  // entries that the published files know of, or null
	Checked   records.Counted `json:"checked"`   // what was verified
	Revoked   []string        `json:"revoked"`   // licences that were revoked after the backup, by the published files
	Suspended []string        `json:"suspended"` // likewise
	Erased    []string        `json:"erased"`    // licences that were erased after the backup, by the record keys
}

// ErrNoRecordKeys says that a backup cannot be restored without the record keys.
var ErrNoRecordKeys = bilingual.New("备份中没有记录密钥，没有它读不出任何证照", "the record keys are not with it, and nothing of a licence can be read without them")

// ErrDamagedBackup says that what a backup holds is not whole or does not agree with
// itself.
var ErrDamagedBackup = bilingual.New("备份中的数据目录不完整", "the backup does not hold a whole data folder")

// Restore makes a data folder from the content of a backup (backup.Decrypt). It is built
// beside its place, verified altogether, taken out of the way of everything that was given
// out after the backup (records.Store.Jump), and only then moved into place. A folder that
// is not empty is refused; the error then wraps fs.ErrExist.
func Restore(ctx context.Context, dir string, content io.Reader, o RestoreOptions) (Restored, error) {
	var r Restored
	err := durable.BuildDir(dir, 0o700, func(building string) error {
		var err error
		r, err = restore(ctx, building, content, o)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("restoring: %w", err)
	}
	return r, nil
}

func restore(ctx context.Context, dir string, content io.Reader, o RestoreOptions) (Restored, error) {
	r := &restoring{ctx: ctx, dir: dir, options: o}
	totals, err := backup.Read(content, r)
	if err == nil && r.loader == nil {
		err = fmt.Errorf("it has no records: %w", ErrDamagedBackup)
	}
	if err == nil {
		err = r.loader.Close()
	}
	if err := errors.Join(err, r.close()); err != nil {
		return Restored{}, err
	}
	done := Restored{Totals: totals, Made: time.Unix(r.head.Made, 0).UTC(), LogSize: r.head.LogSize, Revoked: []string{}, Suspended: []string{}, Erased: []string{}}
	// Keys and folders were written without it; the tree is durable before it has its name.
	if err := syncTree(dir); err != nil {
		return done, err
	}
	office, err := o.Office(dir)
	if err != nil {
		return done, err
	}
	err = verifyRestored(ctx, office.Folder(), r.head, &done)
	if err == nil {
		err = goAhead(ctx, office, o, r.head, &done)
	}
	return done, errors.Join(err, office.Close())
}

// restoring takes what a backup holds.
type restoring struct {
	ctx       context.Context
	dir       string
	options   RestoreOptions
	head      backup.Head
	db        kv.Engine
	loader    *records.Loader
	keys      *keystore.Store
	documents *documents.Store
}

var _ backup.Content = (*restoring)(nil)

// Head implements [backup.Content].
func (r *restoring) Head(h backup.Head) error {
	if h.Format < records.OldestFormat || h.Format > records.Format {
		return fmt.Errorf("the backup's store has format %d, this program restores formats %d to %d: restore it with the program that made it, and open the folder with this one", h.Format, records.OldestFormat, records.Format)
	}
	r.head = h
	if h.Format >= records.WithRecordKeys {
		if err := restoreRecordKeys(r.dir, r.options.RecordKeys); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(r.dir, datafolder.KeysName), 0o700); err != nil {
		return err
	}
	return nil
}

// File implements [backup.Content].
func (r *restoring) File(name string, content []byte) error {
	if below, isKey := strings.CutPrefix(name, datafolder.KeysName+"/"); isKey {
		return keystore.Paste(filepath.Join(r.dir, datafolder.KeysName), below, content)
	}
	top, _, _ := strings.Cut(name, "/")
	if name != datafolder.KEKName && top != datafolder.ProfilesName && top != datafolder.CatalogueName && top != datafolder.RecordName {
		return fmt.Errorf("file %q: %w", name, ErrDamagedBackup)
	}
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return durable.CreateFile(path, content, 0o600)
}

func (r *restoring) load() error {
	if r.loader != nil {
		return nil
	}
	var err error
	if r.db, err = datafolder.EmptyEngine(r.ctx, r.dir, r.options.Store); err != nil {
		return err
	}
	r.loader, err = records.NewLoader(r.ctx, r.db, r.options.Progress)
	return err
}

// Table implements [backup.Content].
func (r *restoring) Table(name string) error {
	if err := r.load(); err != nil {
		return err
	}
	return r.loader.Table(name)
}

// Index implements [backup.Content].
func (r *restoring) Index(name string) error {
	if err := r.load(); err != nil {
		return err
	}
	return r.loader.Index(name)
}

// Row implements [backup.Content].
func (r *restoring) Row(key, value []byte) error { return r.loader.Row(key, value) }

// Document implements [backup.Content].
func (r *restoring) Document(id [sm3.Size]byte, object []byte) error {
	if r.documents == nil {
		if err := r.openDocuments(); err != nil {
			return err
		}
	}
	if name, err := r.documents.PutSealed(r.ctx, id, object); err != nil {
		return fmt.Errorf("document %s: %w", name, err)
	}
	return nil
}

// openDocuments opens the place of the documents with the keys that were restored.
func (r *restoring) openDocuments() error {
	var err error
	r.keys, err = r.options.OpenKeys(r.dir)
	if err != nil {
		return err
	}
	if r.options.Documents != "" {
		r.documents, err = documents.OpenBucket(r.options.Documents, r.keys)
		return err
	}
	place := filepath.Join(r.dir, datafolder.DocumentsName)
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	r.documents, err = documents.Open(place, r.keys)
	return err
}

func (r *restoring) close() error {
	var err error
	if r.options.Documents == "" && r.documents == nil && r.loader != nil {
		err = os.MkdirAll(filepath.Join(r.dir, datafolder.DocumentsName), 0o700) // there were none
	}
	if r.documents != nil {
		err = errors.Join(err, r.documents.Close())
	}
	if r.keys != nil {
		err = errors.Join(err, r.keys.Close())
	}
	if r.db != nil {
		err = errors.Join(err, r.db.Close())
	}
	return err
}

// syncTree makes every folder below one durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return durable.SyncDir(path)
	})
}
