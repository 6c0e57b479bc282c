package atrest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/internal/store/records"
)

// BackupRecordKeys writes the content of a backup of a data folder's record keys, encrypted
// as they lie there. It wants nothing opened, and may run beside a service on the folder.
// What is written is not encrypted for a recovery key yet, as with [Backup].
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
	state, err := keytree.Copy(filepath.Join(dir, datafolder.RecordKeysName), func(name string, content []byte) error {
		return out.File(datafolder.RecordKeysName+"/"+name, content)
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

// KeepRecordKeys remembers that a backup of the record keys in a state is kept.
func KeepRecordKeys(dir string, s keytree.State) error {
	if err := keytree.Keep(filepath.Join(dir, datafolder.RecordKeysName), s); err != nil {
		return fmt.Errorf("remembering the backup of the record keys: %w", err)
	}
	return nil
}

// checkRecordKeys says whether a copy of the record keys is kept.
func checkRecordKeys(dir string, r *Report) error {
	has, err := datafolder.HasRecordKeys(dir)
	if err != nil || !has {
		return err
	}
	kept, err := keytree.Kept(filepath.Join(dir, datafolder.RecordKeysName))
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
	below, is := strings.CutPrefix(name, datafolder.RecordKeysName+"/")
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
	place := filepath.Join(dir, datafolder.RecordKeysName)
	if err := os.Mkdir(place, 0o700); err != nil {
		return err
	}
	if _, err := backup.Read(content, pastedKeys{dir: place}); err != nil {
		return fmt.Errorf("the record keys: %w", err)
	}
	return nil
}
