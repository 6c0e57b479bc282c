package officetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
)

// CopyOf copies a data folder that nobody writes to into a folder of its own.
func CopyOf(tb testing.TB, dir string) string {
	tb.Helper()
	place := filepath.Join(tb.TempDir(), "data")
	err := os.CopyFS(place, os.DirFS(dir))
	// CopyFS makes files as the umask has them, and keys must not be open to others.
	for _, p := range []string{datafolder.KeysName, datafolder.OfflineName, datafolder.KEKName, datafolder.RecordKeysName} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(place, p), func(path string, e os.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == filepath.Join(place, datafolder.RecordKeysName) {
				return nil // a folder of before there were any
			}
			if err != nil {
				return err
			}
			if e.IsDir() {
				return os.Chmod(path, 0o700)
			}
			return os.Chmod(path, 0o600)
		}))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return place
}

// Backup returns the content of a backup of the data folder.
func (f *Fixture) Backup(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	if _, err := atrest.Backup(context.Background(), f.Office.Folder(), "test", &b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// RecordKeys returns a backup of the record keys as they are now, which is remembered as kept.
func (f *Fixture) RecordKeys(tb testing.TB) io.Reader {
	tb.Helper()
	var b bytes.Buffer
	_, state, err := atrest.BackupRecordKeys(f.Dir, time.Now(), &b)
	if err == nil {
		err = atrest.KeepRecordKeys(f.Dir, state)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return &b
}

// Restoring are the options to restore a data folder, with the content of a backup of its record keys or nil.
func Restoring(o datafolder.Options, recordKeys io.Reader) atrest.RestoreOptions {
	return atrest.RestoreOptions{Options: o, Actor: "test", RecordKeys: recordKeys, Office: func(dir string) (atrest.OpenOffice, error) {
		return office.Open(dir, office.Options{Options: o})
	}}
}

// Whole checks that an office's storage is whole.
func Whole(tb testing.TB, o *office.Office) {
	tb.Helper()
	r, err := atrest.Check(context.Background(), o, true)
	if err != nil || len(r.Faults) > 0 {
		tb.Errorf("the storage is not whole: %v, %v", r.Faults, err)
	}
}
