package office

import (
	"bytes"
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
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// RestoreOptions say how a data folder is made from a backup.
type RestoreOptions struct {
	// Options open the restored folder, as they did the one that was lost.
	Options
	Actor string
	// Published, if not nil, is a folder of trust files that were given out later than the
	// backup was made: a terminal's cache, or a mirror. What is revoked or suspended there
	// is so in the restored register too. Without it, terminals that know of a revocation
	// after the backup refuse the next trust files.
	Published fs.FS
	// RecordKeys is the content of a backup of the record keys ([BackupRecordKeys]), the newest
	// that there is: what was erased before it was made stays erased. It may be nil only for
	// a store whose records share their keys.
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
	office, err := Open(dir, o.Options)
	if err != nil {
		return done, err
	}
	err = office.verifyRestored(ctx, r.head, &done)
	if err == nil {
		err = office.goAhead(ctx, o, r.head, &done)
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
	if err := os.Mkdir(filepath.Join(r.dir, keysName), 0o700); err != nil {
		return err
	}
	return nil
}

// File implements [backup.Content].
func (r *restoring) File(name string, content []byte) error {
	if below, isKey := strings.CutPrefix(name, keysName+"/"); isKey {
		return keystore.Paste(filepath.Join(r.dir, keysName), below, content)
	}
	top, _, _ := strings.Cut(name, "/")
	if name != kekName && top != profilesName && top != catalogueName && top != recordName {
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
	if r.db, err = emptyEngine(r.ctx, r.dir, r.options.Store); err != nil {
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
	r.keys, err = keystore.Config{Devices: r.options.Devices, Now: r.options.Now}.Open(filepath.Join(r.dir, keysName), r.options.unlock(r.dir))
	if err != nil {
		return err
	}
	if r.options.Documents != "" {
		r.documents, err = documents.OpenBucket(r.options.Documents, r.keys)
		return err
	}
	place := filepath.Join(r.dir, documentsName)
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	r.documents, err = documents.Open(place, r.keys)
	return err
}

func (r *restoring) close() error {
	var err error
	if r.options.Documents == "" && r.documents == nil && r.loader != nil {
		err = os.MkdirAll(filepath.Join(r.dir, documentsName), 0o700) // there were none
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

// verifyRestored compares what was restored with what the backup says and with itself:
// every signature, every index, the whole log, every document of every licence.
func (o *Office) verifyRestored(ctx context.Context, h backup.Head, done *Restored) error {
	err := o.AuditLog().Read(ctx, func(log audit.Storage, size uint64) error {
		if size < h.LogSize {
			return fmt.Errorf("the log has %d entries, the head says %d: %w", size, h.LogSize, ErrDamagedBackup)
		}
		root, err := audit.Root(log, h.LogSize)
		if err == nil && !bytes.Equal(root, h.LogRoot) {
			err = fmt.Errorf("the log is another one than the head says: %w", ErrDamagedBackup)
		}
		return err
	})
	if err != nil {
		return err
	}
	var faults []records.Fault
	tell := func(f records.Fault) { faults = append(faults, f) }
	var wanted wantedDocuments
	if done.Checked, wanted, err = o.checkRecords(ctx, true, tell); err != nil {
		return err
	}
	if _, err := o.checkDocuments(ctx, wanted, false, tell); err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s: %s (and %d more faults): %w", faults[0].Where, faults[0].What, len(faults)-1, ErrDamagedBackup)
	}
	return nil
}

// goAhead takes a restored office out of the way of what was given out after the backup.
func (o *Office) goAhead(ctx context.Context, r RestoreOptions, h backup.Head, done *Restored) error {
	var sets []*status.Set
	subject := fmt.Sprintf("backup of %s with %d log entries", time.Unix(h.Made, 0).UTC().Format(time.RFC3339), h.LogSize)
	if r.Published != nil {
		cache, err := o.publishedCache(ctx, r.Published)
		if err != nil {
			return fmt.Errorf("published trust files: %w", err)
		}
		for _, l := range cache.Status.Lists {
			if set, ok := cache.Set(uint32(l.List)); ok { //nolint:gosec // a list has 32 bits
				sets = append(sets, set)
			}
		}
		if size, ok := checkpointSize(cache); ok {
			done.LogSeen = &size
			subject += fmt.Sprintf(", %d were seen", size)
		}
	}
	digest := sm3.Sum(h.LogRoot)
	entry, err := audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: r.Actor, Act: audit.ActStoreRestore, Subject: subject, Digest: digest[:]}, nil)
	if err != nil {
		return err
	}
	if err := o.store.Jump(ctx, sets, entry); err != nil {
		return err
	}
	if done.Erased, err = o.eraseAgain(ctx, r.Actor); err != nil {
		return err
	}
	return o.repeatSteps(ctx, r.Actor, sets, done)
}

// publishedCache opens trust files that this office has given out, by its own first root.
func (o *Office) publishedCache(ctx context.Context, files fs.FS) (*trust.Cache, error) {
	root, err := o.store.TrustFile(ctx, "1.root")
	if err != nil {
		return nil, err
	}
	pin := sm3.Sum(root)
	return trust.Load(files, trust.Options{Pin: &pin, Second: o.second, Now: o.now})
}

// checkpointSize is how long the log was that published files know of.
func checkpointSize(cache *trust.Cache) (uint64, bool) {
	keys, err := cache.Trust.LogKeys()
	if err != nil {
		return 0, false
	}
	seen, err := audit.OpenWitnessed("time", cache.Time.Checkpoint, keys...)
	if err != nil {
		return 0, false
	}
	return seen.Checkpoint.Size, true
}

// repeatSteps revokes and suspends what published lists say to be so and the restored
// register does not: these steps were taken after the backup, and their reasons are lost.
func (o *Office) repeatSteps(ctx context.Context, actor string, sets []*status.Set, done *Restored) error {
	if len(sets) == 0 {
		return nil
	}
	const reason = "按备份之后公布的状态重做 repeated from the status lists that were published after the backup"
	lists := make(map[uint32]*status.Set)
	for _, s := range sets {
		lists[s.List] = s
	}
	type missing struct {
		id   licence.Identifier
		step licence.Step
	}
	var steps []missing // taken when all are known: a step moves a licence to the end of the list
	for after := uint64(0); ; {
		page, err := o.store.List(ctx, after, 1000)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			after = l.Revision
			set, place := lists[l.Licence.Status.List], l.Licence.Status.Index
			switch {
			case set == nil:
			case set.Revoked.Has(place) && l.State != licence.Revoked:
				steps = append(steps, missing{l.Licence.Identifier, licence.Revoke})
			case set.Suspended.Has(place) && l.State == licence.Active:
				steps = append(steps, missing{l.Licence.Identifier, licence.Suspend})
			}
		}
	}
	for _, m := range steps {
		if _, err := o.Step(ctx, actor, m.id, m.step, reason); err != nil {
			return err
		}
		if m.step == licence.Revoke {
			done.Revoked = append(done.Revoked, m.id.String())
		} else {
			done.Suspended = append(done.Suspended, m.id.String())
		}
	}
	return nil
}
