package bolt

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/kvtest"
)

// TestEngineThatLetsGo: the suite, with the map let go after every commit.
func TestEngineThatLetsGo(t *testing.T) {
	t.Parallel()
	kvtest.Engine(t, func(tb testing.TB, schema kv.Schema) func(testing.TB) kv.Engine {
		path := filepath.Join(tb.TempDir(), "store.db")
		e, err := Create(path, schema)
		if err != nil {
			tb.Fatal(err)
		}
		if err := e.Close(); err != nil {
			tb.Fatal(err)
		}
		return func(tb testing.TB) kv.Engine {
			e, err := Open(path, schema)
			if err != nil {
				tb.Fatal(err)
			}
			e.letGoEvery = 1
			return e
		}
	})
}

// TestLetGo: after enough was written no page of the map is this process's memory.
func TestLetGo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	e, err := Create(filepath.Join(t.TempDir(), "store.db"), kv.Schema{Tables: []kv.TableSpec{{Name: "growing", Order: kv.Growing}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	write := func(from, to uint64) {
		t.Helper()
		err := e.Update(ctx, func(tx kv.Tx) error {
			for i := from; i < to; i++ {
				if err := tx.Table("growing").Put(binary.BigEndian.AppendUint64(nil, i), make([]byte, 8000)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() {
		t.Helper()
		err := e.View(ctx, func(tx kv.Tx) error {
			for range tx.Table("growing").Range(nil, nil) {
				continue
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write(0, 2000) // 16 MB
	read()
	held := residentPages(t, e)
	if held < 2000 {
		t.Fatalf("%d pages are resident after all were read", held)
	}
	e.letGoEvery = 1
	write(2000, 2001)
	if left := residentPages(t, e); left > 20 {
		t.Errorf("%d of %d pages are resident after the map was let go", left, held)
	}
	e.letGoEvery = letGoEvery
	read()
	if residentPages(t, e) < 2000 {
		t.Fatal("what was let go is not read again")
	}
	for range letGoEvery/viewed + 64 { // that look nothing up
		if err := e.View(ctx, func(kv.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if left := residentPages(t, e); left > 20 {
		t.Errorf("%d pages are resident after many were looked up", left)
	}
}

// residentPages counts the pages of the map that this process has, by /proc/self/pagemap.
func residentPages(t *testing.T, e *Engine) int {
	t.Helper()
	f, err := unix.Open("/proc/self/pagemap", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(f) }() // only read
	pages := make([]byte, 8*5000)
	n, err := unix.Pread(f, pages, int64(e.db.Info().Data)/int64(unix.Getpagesize())*8)
	if err != nil {
		t.Fatal(err)
	}
	present := 0
	for at := 0; at+8 <= n; at += 8 {
		if binary.NativeEndian.Uint64(pages[at:])>>63 == 1 {
			present++
		}
	}
	return present
}
