package datafolder_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
)

var config = datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}

// made makes a data folder, and returns its path and the folder, open.
func made(t *testing.T) (string, *datafolder.Folder) {
	t.Helper()
	dir := t.TempDir()
	f, err := datafolder.Create(t.Context(), dir, datafolder.CreateOptions{Config: config, Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return dir, f
}

// closed closes a folder.
func closed(t *testing.T, f *datafolder.Folder) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// opened opens a folder, which the caller closes.
func opened(t *testing.T, dir string, o datafolder.Options) *datafolder.Folder {
	t.Helper()
	f, err := datafolder.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// refused reports whether a folder is refused with an error, and closes it if it is not.
func refused(t *testing.T, dir string, o datafolder.Options, want error) {
	t.Helper()
	f, err := datafolder.Open(t.Context(), dir, o)
	if err == nil {
		err = f.Close()
		t.Errorf("it is opened; %v", err)
	}
	if !errors.Is(err, want) {
		t.Errorf("opened: %v, want %v", err, want)
	}
}

// acted adds an entry to the log of a folder.
func acted(t *testing.T, f *datafolder.Folder, subject string) {
	t.Helper()
	entry, err := f.Entry("test", audit.ActStoreBackup, subject)
	if err == nil {
		_, err = f.Records.Append(t.Context(), entry)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func logSize(t *testing.T, f *datafolder.Folder) uint64 {
	t.Helper()
	var n uint64
	err := f.ReadLog(t.Context(), func(_ audit.Storage, size uint64) error {
		n = size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func replaced(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCreateAndOpen: what was made is opened with what was settled, by one process at a time, and closed it lets go of
// everything.
func TestCreateAndOpen(t *testing.T) {
	t.Parallel()
	dir, f := made(t)
	refused(t, dir, datafolder.Options{}, kv.ErrInUse)
	if f.Config != config || f.Shared || f.Dir != dir {
		t.Errorf("made %+v, shared %t, in %s", f.Config, f.Shared, f.Dir)
	}
	if err := f.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	closed(t, f)
	if err := f.Ready(t.Context()); err == nil {
		t.Error("the records answer after they were closed")
	}
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	for range 2 { // what was closed can be opened again
		f = opened(t, dir, datafolder.Options{Now: func() time.Time { return at }})
		if f.Config != config || !f.Now().Equal(at) {
			t.Errorf("opened %+v at %s", f.Config, f.Now())
		}
		r, err := f.Entry("test", audit.ActStoreBackup, "x")
		if err != nil {
			t.Fatal(err)
		}
		if e, err := r.Entry(); err != nil || e.Time != at.Unix() || e.Actor != "test" || e.Subject != "x" {
			t.Errorf("entry %+v, %v", e, err)
		}
		closed(t, f)
	}
}

// TestOpenRefuses: what is not a data folder, or does not belong together, is refused with what is wrong, and refusing
// it leaves nothing open.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	base, f := made(t)
	closed(t, f)
	foreign, f := made(t)
	closed(t, f)
	for name, test := range map[string]struct {
		spoil   func(t *testing.T, dir string) error
		options datafolder.Options
		want    error
	}{
		"nothing there": {func(_ *testing.T, dir string) error { return os.RemoveAll(dir) }, datafolder.Options{}, datafolder.ErrNotDataFolder},
		"nothing there, records elsewhere": {
			func(_ *testing.T, dir string) error { return os.RemoveAll(dir) }, datafolder.Options{Store: "postgres://localhost/x"}, datafolder.ErrNotDataFolder,
		},
		"no records": {func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "elicence.db")) }, datafolder.Options{}, datafolder.ErrNoRecords},
		"no record keys": {
			func(_ *testing.T, dir string) error {
				return os.RemoveAll(filepath.Join(dir, datafolder.RecordKeysName))
			}, datafolder.Options{}, datafolder.ErrRecordKeys,
		},
		"no documents": {
			func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, datafolder.DocumentsName)) }, datafolder.Options{}, datafolder.ErrDocumentsPlace,
		},
		"documents in a bucket as well": {
			func(_ *testing.T, dir string) error {
				return os.WriteFile(filepath.Join(dir, datafolder.DocumentsName, "x"), nil, 0o600)
			},
			datafolder.Options{Documents: "s3://documents"}, datafolder.ErrDocumentsPlace,
		},
		"documents in a bucket, and perhaps where nobody can look": {
			func(_ *testing.T, dir string) error {
				place := filepath.Join(dir, datafolder.DocumentsName)
				return errors.Join(os.Remove(place), os.WriteFile(place, nil, 0o600))
			},
			datafolder.Options{Documents: "s3://documents?region=x&endpoint=http://localhost:1"}, syscall.ENOTDIR,
		},
		"another's key-encryption key": {
			func(t *testing.T, dir string) error {
				replaced(t, filepath.Join(dir, datafolder.KEKName), contentOf(t, filepath.Join(foreign, datafolder.KEKName)))
				return nil
			}, datafolder.Options{}, keystore.ErrLocked,
		},
		"high water that is none": {
			func(_ *testing.T, dir string) error {
				return os.WriteFile(filepath.Join(dir, "high-water"), []byte("{"), 0o600)
			}, datafolder.Options{Older: true}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, base)
			if err := test.spoil(t, dir); err != nil {
				t.Fatal(err)
			}
			f, err := datafolder.Open(t.Context(), dir, test.options)
			if err == nil {
				t.Fatalf("it is opened, %v", f.Close())
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
	// A folder that was refused was let go of.
	dir := copied(t, base)
	if err := os.Rename(filepath.Join(dir, datafolder.DocumentsName), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, datafolder.Options{}, datafolder.ErrDocumentsPlace)
	replaced(t, filepath.Join(dir, "high-water"), []byte(`{"size":99,"root":"","time":0}`))
	if err := os.Rename(filepath.Join(dir, "elsewhere"), filepath.Join(dir, datafolder.DocumentsName)); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, datafolder.Options{}, datafolder.ErrOlderStore)
	if err := os.Remove(filepath.Join(dir, "high-water")); err != nil {
		t.Fatal(err)
	}
	closed(t, opened(t, dir, datafolder.Options{}))
}

// copied copies a data folder that nobody has open.
func copied(t *testing.T, dir string) string {
	t.Helper()
	place := t.TempDir()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		below, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.Mkdir(filepath.Join(place, below), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(place, below), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return place
}

// TestMoved: records that were moved away are opened by who says so alone.
func TestMoved(t *testing.T) {
	t.Parallel()
	dir, f := made(t)
	if err := f.Records.PutSetting(t.Context(), datafolder.MovedSetting, []byte(datafolder.StoreWords("postgres://user:secret@host/x"))); err != nil {
		t.Fatal(err)
	}
	closed(t, f)
	refused(t, dir, datafolder.Options{}, datafolder.ErrMoved)
	closed(t, opened(t, dir, datafolder.Options{Moved: true}))
	refused(t, dir, datafolder.Options{}, datafolder.ErrMoved)
}

// TestHighWater: what was given out is remembered beside the store, by closing as well, and never less than before.
func TestHighWater(t *testing.T) {
	t.Parallel()
	dir, f := made(t)
	mark := filepath.Join(dir, "high-water")
	if _, err := os.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("it is there before anything was given out: %v", err)
	}
	if err := f.KeepHighWater(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := contentOf(t, mark)
	if err := f.KeepHighWater(t.Context()); err != nil || !bytes.Equal(contentOf(t, mark), first) {
		t.Errorf("nothing happened since, and it is written anew: %v", err)
	}
	acted(t, f, "later")
	closed(t, f)
	if bytes.Equal(contentOf(t, mark), first) {
		t.Error("closing does not remember what happened since")
	}
	// It need not be there.
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	closed(t, opened(t, dir, datafolder.Options{}))
	contentOf(t, mark)
}

// TestOlderStore: a store of an earlier moment, or of another history, is refused. Opened to be adopted it is as before
// until that is done, however much longer it has become, and afterwards it is the one that the folder remembers.
func TestOlderStore(t *testing.T) {
	t.Parallel()
	dir, f := made(t)
	closed(t, f)
	path := filepath.Join(dir, "elicence.db")
	earlier := contentOf(t, path)
	f = opened(t, dir, datafolder.Options{})
	err := f.AdoptOlder(t.Context(), func(datafolder.HighWater) error {
		t.Error("what is not older is adopted")
		return nil
	})
	if err == nil {
		t.Error("there was something to adopt")
	}
	acted(t, f, "lost")
	lost := logSize(t, f)
	closed(t, f)
	mark := contentOf(t, filepath.Join(dir, "high-water"))
	replaced(t, path, earlier)
	refused(t, dir, datafolder.Options{}, datafolder.ErrOlderStore)

	// It goes on without being adopted, and overtakes what is remembered.
	f = opened(t, dir, datafolder.Options{Older: true})
	for range lost + 1 {
		acted(t, f, "of another history")
	}
	if err := f.KeepHighWater(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed(t, f)
	if !bytes.Equal(contentOf(t, filepath.Join(dir, "high-water")), mark) {
		t.Error("a store that nobody adopted is remembered")
	}
	refused(t, dir, datafolder.Options{}, datafolder.ErrOlderStore)

	// An adoption that fails changes nothing.
	failed := errors.New("failed")
	f = opened(t, dir, datafolder.Options{Older: true})
	if err := f.AdoptOlder(t.Context(), func(datafolder.HighWater) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v, want the error of who takes it over", err)
	}
	closed(t, f)
	refused(t, dir, datafolder.Options{}, datafolder.ErrOlderStore)

	f = opened(t, dir, datafolder.Options{Older: true})
	err = f.AdoptOlder(t.Context(), func(h datafolder.HighWater) error {
		if h.Size != lost {
			t.Errorf("%d entries are remembered, want %d", h.Size, lost)
		}
		acted(t, f, "adopted")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, f)
	f = opened(t, dir, datafolder.Options{})
	if n := logSize(t, f); n <= lost+1 {
		t.Errorf("the log has %d entries", n)
	}
	closed(t, f)
}
