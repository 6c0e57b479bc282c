package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

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

// TestLetGo: however large the store, few pages of it are this process's memory: while an index
// is asked for keys all over it, while runs are merged and taken apart, while all is read, and
// while it is only looked up. (Not parallel: a kernel counts the pages of all files together.)
func TestLetGo(t *testing.T) {
	const most, large = 1 << 20, 10 << 20
	e, keys := largeIndex(t, most)
	random := rand.New(rand.NewPCG(3, 4))
	// The most that was in memory, in some moments of what is done.
	var held int64
	look := func() { held = max(held, residentBytes(t, e)) }
	in := func(tx kv.Tx) *index {
		i, calls := tx.Index("i").(*index), 0
		touch := i.touch
		i.touch = func(bytes int) {
			touch(bytes)
			if calls++; calls%128 == 0 {
				look()
			}
		}
		for _, r := range i.runs {
			r.touch = i.touch
		}
		return i
	}
	expect := func(doing string, bound int64) {
		t.Helper()
		look()
		t.Logf("%s: %d KiB of the store are in memory", doing, held>>10)
		if held > bound {
			t.Errorf("%s: %d KiB of the store are in memory, at most %d are wanted", doing, held>>10, bound>>10)
		}
		held = 0
	}
	var asked [][]byte
	for range 2048 {
		asked = append(asked, binary.BigEndian.AppendUint64(nil, random.Uint64()), keys[random.IntN(len(keys))])
	}
	ask := func(tx kv.Tx) error {
		i := in(tx)
		i.Fetch(asked)
		for n, key := range asked {
			if found := len(slices.Collect(i.Find(key))); found != n%2 {
				return fmt.Errorf("key %d of those that were asked for is found %d times", n, found)
			}
		}
		return nil
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	e.letGoEvery = 1 << 40
	check(e.View(t.Context(), ask))
	if look(); held < large {
		t.Fatalf("%d KiB of the store are in memory where nothing lets them go, want more than %d", held>>10, large>>10)
	}
	held, e.letGoEvery = 0, most
	check(e.Update(t.Context(), ask))
	expect("asking", 2*most)

	check(e.Update(t.Context(), func(tx kv.Tx) error {
		i := in(tx)
		for range len(keys) / 2 {
			if err := i.Add(binary.BigEndian.AppendUint64(nil, random.Uint64()), make([]byte, 92)); err != nil {
				return err
			}
		}
		return nil
	}))
	expect("merging", 2*most)

	apart := 0
	for left := true; left; apart++ {
		check(e.Update(t.Context(), func(tx kv.Tx) error {
			i := in(tx)
			left = len(i.merged) > 0
			return i.Add(binary.BigEndian.AppendUint64(nil, random.Uint64()), make([]byte, 92))
		}))
		look()
	}
	if apart < large/most {
		t.Errorf("large runs are taken apart in %d transactions", apart)
	}
	expect("taking apart", 2*most)

	e.letGoEvery = most / manyViews
	check(e.View(t.Context(), func(tx kv.Tx) error {
		n := 0
		for range in(tx).All() {
			n++
		}
		if want := len(keys) + len(keys)/2 + apart; n != want {
			t.Errorf("the index has %d entries, want %d", n, want)
		}
		return nil
	}))
	for range 1000 {
		check(e.View(t.Context(), func(tx kv.Tx) error {
			for range in(tx).Find(keys[random.IntN(len(keys))]) {
				return nil
			}
			return errors.New("an entry is not found")
		}))
	}
	expect("looking up", 2*most)

	for n := range 8 {
		check(e.Update(t.Context(), func(tx kv.Tx) error {
			for m := range 500 {
				if err := tx.Table("growing").Put(binary.BigEndian.AppendUint64(nil, uint64(n*500+m)), make([]byte, 8000)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	check(e.View(t.Context(), func(tx kv.Tx) error {
		for range tx.Table("growing").Range(nil, nil) {
			if random.IntN(64) == 0 {
				look()
			}
		}
		return nil
	}))
	expect("reading a table", 2*most)
	check(e.Check(t.Context(), func(fault string) { t.Error(fault) }))
}

// largeIndex makes a store whose index has 200,000 entries of a hundred bytes, half of them in
// one run, and that lets pages go when there are so many bytes of them.
func largeIndex(t *testing.T, letGoEvery int64) (*Engine, [][]byte) {
	t.Helper()
	schema := kv.Schema{Tables: []kv.TableSpec{{Name: "growing", Order: kv.Growing}}, Indexes: []kv.IndexSpec{{Name: "i", KeySize: 8, RefSize: 92}}}
	e, err := Create(filepath.Join(t.TempDir(), "store.db"), schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	e.db.NoSync = true
	e.letGoEvery, e.shape.apart = letGoEvery, int(letGoEvery)/2
	random := rand.New(rand.NewPCG(1, 2))
	keys := make([][]byte, 200_000)
	for i := range keys {
		keys[i] = binary.BigEndian.AppendUint64(nil, random.Uint64())
	}
	for at, part := 0, len(keys)/2; at < len(keys); at, part = at+part, max(part/5, 5000) {
		err := e.Update(t.Context(), func(tx kv.Tx) error {
			for _, key := range keys[at:min(at+part, len(keys))] {
				if err := tx.Index("i").Add(key, make([]byte, 92)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return e, keys
}

// residentBytes is how much of the file this process has in its memory, by /proc/self/pagemap.
func residentBytes(t *testing.T, e *Engine) int64 {
	t.Helper()
	file, err := os.Stat(e.Path())
	if err != nil {
		t.Fatal(err)
	}
	pagemap, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pagemap.Close() }() // only read
	page := int64(os.Getpagesize())
	pages := make([]byte, 8*((file.Size()+page-1)/page))
	if _, err := pagemap.ReadAt(pages, int64(e.db.Info().Data)/page*8); err != nil {
		t.Fatal(err)
	}
	var present int64
	for p := range slices.Chunk(pages, 8) {
		if binary.NativeEndian.Uint64(p)>>63 == 1 {
			present += page
		}
	}
	return present
}
