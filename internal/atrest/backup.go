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

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki/audit"
)

// maxSmallFile bounds a file of the data folder that goes into a backup, in bytes.
const maxSmallFile = 1 << 20

// Backup writes the content of a backup: all records as of one moment, every key as it lies encrypted, the
// key-encryption key if it lies in the data folder, profiles, changes of the catalogue, the ceremony's record and all
// documents. The offline keys are not in it, and neither are the record keys, without which no licence can be read: see
// [BackupRecordKeys]. The service works on meanwhile; pictures and keys that are newer than the moment may be in it as
// well.
//
// That a backup was made is in the audit log, and so in the backup itself. What is written
// is not encrypted yet: whoever keeps it encrypts it (backup.Encrypt).
func Backup(ctx context.Context, f *datafolder.Folder, actor string, w io.Writer) (backup.Totals, error) {
	entry, err := f.Entry(actor, audit.ActStoreBackup, f.Config.Region)
	if err != nil {
		return backup.Totals{}, err
	}
	if _, err := f.Records.Append(ctx, entry); err != nil {
		return backup.Totals{}, err
	}
	var out *backup.Writer
	err = f.Records.Copy(ctx, func(m records.Moment) (records.Sink, error) {
		var err error
		out, err = backup.NewWriter(w, backup.Head{
			Made: f.Now().Unix(), Domain: f.Config.Domain, Region: f.Config.Region, Format: m.Format, LogSize: m.LogSize, LogRoot: m.LogRoot,
		})
		if err != nil {
			return nil, err
		}
		return out, backupFiles(f, out)
	})
	if err == nil {
		err = backupDocuments(ctx, f.Documents, out)
	}
	if err != nil {
		return backup.Totals{}, fmt.Errorf("making a backup: %w", err)
	}
	totals, err := out.Close()
	if err != nil {
		return totals, fmt.Errorf("making a backup: %w", err)
	}
	return totals, nil
}

// backupFiles copies what lies beside the store. It is copied after the moment of the
// store began: every key that the records need was there by then.
func backupFiles(f *datafolder.Folder, out *backup.Writer) error {
	err := f.Keys.Copy(func(name string, content []byte) error { return out.File(datafolder.KeysName+"/"+name, content) })
	if err != nil {
		return err
	}
	for _, name := range []string{datafolder.KEKName, datafolder.ProfilesName, datafolder.CatalogueName, datafolder.RecordName} {
		root := filepath.Join(f.Dir, name)
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if path == root && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			if info.Size() > maxSmallFile {
				return fmt.Errorf("%s has %d bytes, at most %d are expected", path, info.Size(), maxSmallFile)
			}
			below, err := filepath.Rel(f.Dir, path)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return out.File(filepath.ToSlash(below), content)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func backupDocuments(ctx context.Context, docs *documents.Store, out *backup.Writer) error {
	for name, err := range docs.Names(ctx) {
		if err != nil {
			return err
		}
		object, err := docs.Sealed(ctx, name)
		if errors.Is(err, documents.ErrNotFound) {
			// A rekeying has taken it over since it was listed, and may have put it where the
			// list has been already.
			name, _ = docs.NamesOf(name.ID())
			object, err = docs.Sealed(ctx, name)
		}
		if err != nil {
			return fmt.Errorf("document %s: %w", name, err)
		}
		if err := out.Document(name.ID(), object); err != nil {
			return err
		}
	}
	return nil
}
