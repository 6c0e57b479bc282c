package bolt_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/kvtest"
)

var schema = kv.Schema{
	Tables:  []kv.TableSpec{{Name: "random"}, {Name: "growing", Order: kv.Growing}},
	Indexes: []kv.IndexSpec{{Name: "index", KeySize: 3, RefSize: 2}},
}

func TestEngine(t *testing.T) {
	t.Parallel()
	kvtest.Engine(t, func(tb testing.TB, schema kv.Schema) func(testing.TB) kv.Engine {
		path := filepath.Join(tb.TempDir(), "store.db")
		e, err := bolt.Create(path, schema)
		if err != nil {
			tb.Fatal(err)
		}
		if err := e.Close(); err != nil {
			tb.Fatal(err)
		}
		return func(tb testing.TB) kv.Engine {
			e, err := bolt.Open(path, schema)
			if err != nil {
				tb.Fatal(err)
			}
			return e
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	if _, err := bolt.Open(path, schema); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v, want fs.ErrNotExist", err)
	}
	s, err := bolt.Create(path, schema)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Create(path, schema); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a store: %v, want fs.ErrExist", err)
	}
	if _, err := bolt.Open(path, schema); !errors.Is(err, kv.ErrInUse) {
		t.Errorf("a second Open: %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("garbage "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(garbage, schema); err == nil {
		t.Error("garbage opens")
	}
	// Somebody else's bbolt file.
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(foreign, schema); err == nil {
		t.Error("another program's file opens")
	}
}

// TestSchema: what a new version adds is made, what it does not know or knows otherwise
// is refused.
func TestSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	e, err := bolt.Create(path, schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	more := schema
	more.Tables = append([]kv.TableSpec{{Name: "more"}}, schema.Tables...)
	e, err = bolt.Open(path, more)
	if err != nil {
		t.Fatal(err)
	}
	err = e.Update(t.Context(), func(tx kv.Tx) error { return tx.Table("more").Put([]byte("key"), []byte("value")) })
	if err := errors.Join(err, e.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path, schema); err == nil {
		t.Error("a file with a table that is not in the schema opens")
	}
	other := more
	other.Indexes = []kv.IndexSpec{{Name: "index", KeySize: 3, RefSize: 3}}
	if _, err := bolt.Open(path, other); err == nil {
		t.Error("a file with an index of another size opens")
	}
}

// TestDamagedOpenLetsGo: a file that does not open as it is damaged is not held: what was
// put in its place opens.
func TestDamagedOpenLetsGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	e, err := bolt.Create(path, schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for n := 2; n < len(whole)/page; n++ {
		damaged := bytes.Clone(whole)
		copy(damaged[n*page:(n+1)*page], bytes.Repeat([]byte{0xa5}, page))
		put := func(content []byte) {
			t.Helper()
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt(content, 0)
			}
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		put(damaged)
		if e, err := bolt.Open(path, schema); err == nil { // a free page
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
		put(whole)
		e, err := bolt.Open(path, schema)
		if err != nil {
			t.Fatalf("with page %d as it was again: %v", n, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
