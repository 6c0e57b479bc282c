package office

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

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// ErrRecordKeys says that the keys that the records are under are not in the data folder.
var ErrRecordKeys = sealed.ErrNoKeys

// BackupRecordKeys writes the content of a backup of a data folder's record keys, encrypted
// as they lie there. It wants nothing opened, and may run beside a service on the folder.
// What is written is not encrypted for a recovery key yet, as with [Office.Backup].
//
// Every erasure makes another one necessary: whoever has the one of before reads what was
// erased since in backups of the data folder. [KeepRecordKeys] remembers that there is one.
func BackupRecordKeys(dir string, now time.Time, w io.Writer) (backup.Totals, keytree.State, error) {
	fail := func(err error) (backup.Totals, keytree.State, error) {
		return backup.Totals{}, keytree.State{}, fmt.Errorf("making a backup of the record keys: %w", err)
	}
	out, err := backup.NewWriter(w, backup.Head{Made: now.Unix(), Format: records.WithRecordKeys})
	if err != nil {
		return fail(err)
	}
	state, err := keytree.Copy(filepath.Join(dir, recordKeysName), func(name string, content []byte) error {
		return out.File(recordKeysName+"/"+name, content)
	})
	if err != nil {
		return fail(err)
	}
	totals, err := out.Close()
	if err != nil {
		return fail(err)
	}
	return totals, state, nil
}

// HasRecordKeys reports whether a data folder has record keys: one of before there were
// any has none until it is rekeyed.
func HasRecordKeys(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, recordKeysName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// KeepRecordKeys remembers that a backup of the record keys in a state is kept.
func KeepRecordKeys(dir string, s keytree.State) error {
	if err := keytree.Keep(filepath.Join(dir, recordKeysName), s); err != nil {
		return fmt.Errorf("remembering the backup of the record keys: %w", err)
	}
	return nil
}

// checkRecordKeys says whether a copy of the record keys is kept.
func (o *Office) checkRecordKeys(r *StorageReport) error {
	has, err := HasRecordKeys(o.dir)
	if err != nil || !has {
		return err
	}
	kept, err := keytree.Kept(filepath.Join(o.dir, recordKeysName))
	r.RecordKeysKept = &kept
	return err
}

// pastedKeys takes what a backup of record keys holds.
type pastedKeys struct {
	backup.Discard
	dir string
}

// File implements [backup.Content].
func (p pastedKeys) File(name string, content []byte) error {
	below, is := strings.CutPrefix(name, recordKeysName+"/")
	if !is {
		return fmt.Errorf("file %q: %w", name, ErrDamagedBackup)
	}
	return keytree.Paste(p.dir, below, content)
}

// restoreRecordKeys makes the folder of record keys from the content of its backup.
func restoreRecordKeys(dir string, content io.Reader) error {
	if content == nil {
		return ErrNoRecordKeys
	}
	place := filepath.Join(dir, recordKeysName)
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	if _, err := backup.Read(content, pastedKeys{dir: place}); err != nil {
		return fmt.Errorf("the record keys: %w", err)
	}
	return nil
}

// eraseAgain erases what was erased before, in a store that does not know of it because it
// was put back to an earlier moment: the keys are destroyed, so nothing can be read. It
// returns the identifiers of the licences.
func (o *Office) eraseAgain(ctx context.Context, actor string) ([]string, error) {
	const reason = "依记录密钥的状态重做 carried out again: the key was destroyed before the store was put back"
	all, entries, err := o.store.Destroyed(ctx)
	if err != nil {
		return nil, err
	}
	erased := []string{}
	var erasures []licence.Erasure
	var notes []audit.Record
	now := o.now().UTC().Truncate(time.Second)
	for _, d := range all {
		category, known := o.Catalogue().Category(catalogue.ID(d.Category))
		if !known {
			return nil, fmt.Errorf("category %03d: %w", d.Category, ErrNoCategory)
		}
		id, err := licence.NewIdentifier(category.Code, d.Issuer, d.Serial, d.Version)
		if err != nil {
			return nil, err
		}
		entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActLicenceErase, Subject: id.String()}, []byte(reason))
		if err != nil {
			return nil, err
		}
		// Whether its number was to be kept from others is not known any more.
		e := licence.Erasure{Identifier: id, KeepNumber: true, AppliedBy: actor, AppliedAt: now, ApprovedBy: actor, ApprovedAt: now}
		erasures, notes, erased = append(erasures, e), append(notes, entry), append(erased, id.String())
	}
	const together = 1000
	for len(erasures) > 0 {
		n := min(together, len(erasures))
		if err := o.store.EraseAgain(ctx, erasures[:n], notes[:n]); err != nil {
			return nil, err
		}
		erasures, notes = erasures[n:], notes[n:]
	}
	if len(entries) > 0 {
		return erased, o.EraseDetails(ctx, actor, reason, entries...)
	}
	return erased, nil
}
