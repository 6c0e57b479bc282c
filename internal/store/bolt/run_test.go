package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/kvtest"
)

// small is a shape in which a few entries make many segments, runs and merges.
func small() shape { return shape{segment: 40, growth: 2, full: 200, large: 30, apart: 100} }

func openSmall(tb testing.TB, path string, schema kv.Schema, open func(string, kv.Schema) (*Engine, error)) *Engine {
	tb.Helper()
	e, err := open(path, schema)
	if err != nil {
		tb.Fatal(err)
	}
	e.shape = small()
	return e
}

// TestEngineOfSmallRuns is the suite of all engines in runs that are merged all the time.
func TestEngineOfSmallRuns(t *testing.T) {
	t.Parallel()
	kvtest.Engine(t, func(tb testing.TB, schema kv.Schema) func(testing.TB) kv.Engine {
		path := filepath.Join(tb.TempDir(), "store.db")
		if err := openSmall(tb, path, schema, Create).Close(); err != nil {
			tb.Fatal(err)
		}
		return func(tb testing.TB) kv.Engine { return openSmall(tb, path, schema, Open) }
	})
}

// FuzzRuns plays additions, removals and ends of transactions on an index and on a map.
func FuzzRuns(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 0, 0, 2, 2, 3, 0, 0, 0, 1, 2, 3})
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{100, 900, 3000} {
		seed := make([]byte, n)
		for i := range seed {
			seed[i] = byte(random.UintN(256)) & 0x3f
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		schema := kv.Schema{Indexes: []kv.IndexSpec{{Name: "i", KeySize: 1, RefSize: 1}}}
		e := openSmall(t, filepath.Join(t.TempDir(), "store.db"), schema, Create)
		e.db.NoSync = true
		want := map[[2]byte]bool{}
		// compare asks for all keys, of which half were said before.
		compare := func(tx kv.Tx) error {
			i, half := tx.Index("i"), make([][]byte, 0, 128)
			for key := range 128 {
				half = append(half, []byte{byte(255 - 2*key)})
			}
			i.Fetch(half)
			got := map[[2]byte]bool{}
			for key := range 256 {
				for ref := range i.Find([]byte{byte(key)}) {
					if at := [2]byte{byte(key), ref[0]}; got[at] {
						return fmt.Errorf("%x is found twice", at)
					} else {
						got[at] = true
					}
				}
			}
			if !maps.Equal(got, want) {
				return fmt.Errorf("the index has %x, want %x", slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want)))
			}
			return nil
		}
		for len(steps) >= 3 {
			err := e.Update(t.Context(), func(tx kv.Tx) error {
				i := tx.Index("i")
				for ; len(steps) >= 3; steps = steps[3:] {
					key, ref := steps[1:2], steps[2:3]
					var err error
					switch steps[0] % 8 {
					case 0:
						steps = steps[3:]
						return compare(tx)
					case 1, 2, 3, 4, 5:
						want[[2]byte{key[0], ref[0]}] = true
						err = i.Add(key, ref)
					default:
						delete(want, [2]byte{key[0], ref[0]})
						err = i.Remove(key, ref)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		holds := func() {
			t.Helper()
			if err := e.View(t.Context(), compare); err != nil {
				t.Error(err)
			}
		}
		holds()
		if err := e.Tidy(t.Context(), "i"); err != nil {
			t.Error(err)
		}
		holds()
		err := e.View(t.Context(), func(kvtx kv.Tx) error {
			i := kvtx.(*tx).Index("i").(*index)
			if len(i.merged) > 0 {
				t.Errorf("of %d merged runs something is left", len(i.merged))
			}
			for _, r := range i.runs {
				if len(r.marks) > 0 {
					t.Errorf("run %d has marks still: %x", r.number, r.marks)
				}
				for at := range r.entries {
					if e := r.entry(at); !want[[2]byte(e)] {
						t.Errorf("run %d has %x still, which was removed", r.number, e)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFewRuns: entries of several indexes that come one transaction at a time lie in few
// runs, none of which has more than it may.
func TestFewRuns(t *testing.T) {
	t.Parallel()
	const entries = 6000
	names := []string{"i", "j", "k"}
	var schema kv.Schema
	for _, name := range names {
		schema.Indexes = append(schema.Indexes, kv.IndexSpec{Name: name, KeySize: 8, RefSize: 5})
	}
	e := openSmall(t, filepath.Join(t.TempDir(), "store.db"), schema, Create)
	e.db.NoSync = true
	e.shape = shape{segment: 1000, growth: 4, full: 2500, large: 100, apart: 3000}
	random := rand.New(rand.NewPCG(5, 6))
	for n := range entries {
		err := e.Update(t.Context(), func(tx kv.Tx) error {
			for _, name := range names {
				if err := tx.Index(name).Add(binary.BigEndian.AppendUint64(nil, random.Uint64()), fmt.Appendf(nil, "%05d", n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := e.db.View(func(tx *bbolt.Tx) error {
		for _, name := range names {
			i := e.begin(tx).Index(name).(*index)
			total := 0
			for _, r := range i.runs {
				total += r.entries
				checkRun(t, r, e.shape, random)
			}
			if total != entries || len(i.runs) > 12 {
				t.Errorf("%d entries of index %s are in %d runs, want %d in at most 12", total, name, len(i.runs), entries)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	// What runs were merged from is taken apart without a page lost or used twice.
	if err := errors.Join(e.Check(t.Context(), func(fault string) { t.Error(fault) }), e.Close()); err != nil {
		t.Error(err)
	}
}

// TestMergedRunsGo: however much comes in each transaction, no more is left of merged runs than
// a few of them, and of them nothing is found.
func TestMergedRunsGo(t *testing.T) {
	t.Parallel()
	const size = 13
	for _, each := range []int{20, 100, 800} {
		t.Run(fmt.Sprintf("%d entries each", each), func(t *testing.T) {
			t.Parallel()
			e := openSmall(t, filepath.Join(t.TempDir(), "store.db"), kv.Schema{Indexes: []kv.IndexSpec{{Name: "i", KeySize: 8, RefSize: 5}}}, Create)
			e.db.NoSync = true
			e.shape = shape{segment: 1000, growth: 4, full: 2500, large: 100, apart: 1000}
			random := rand.New(rand.NewPCG(7, 8))
			most := 0
			for n := range 200 {
				err := e.Update(t.Context(), func(kvtx kv.Tx) error {
					i := kvtx.(*tx).Index("i").(*index)
					left := 0
					for _, number := range i.merged {
						err := i.bucket.Bucket(runKey(number)).ForEach(func(_, part []byte) error {
							left += len(part)
							return nil
						})
						if err != nil {
							return err
						}
					}
					most = max(most, left)
					for range each {
						if err := i.Add(binary.BigEndian.AppendUint64(nil, random.Uint64()), fmt.Appendf(nil, "%05d", n)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if limit := (manyMerged + 2) * e.shape.full * size; most > limit {
				t.Errorf("%d bytes of merged runs were left, want at most %d", most, limit)
			}
			err := e.View(t.Context(), func(tx kv.Tx) error {
				found := 0
				for range tx.Index("i").All() {
					found++
				}
				if found != 200*each {
					t.Errorf("%d entries, want %d", found, 200*each)
				}
				return nil
			})
			if err := errors.Join(err, e.Check(t.Context(), func(fault string) { t.Error(fault) }), e.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// checkRun wants the entries of a run in order, and each key where it belongs.
func checkRun(t *testing.T, r *run, s shape, random *rand.Rand) {
	t.Helper()
	if r.entries > s.full {
		t.Errorf("a run has %d entries", r.entries)
	}
	for at := 1; at < r.entries; at++ {
		if bytes.Compare(r.entry(at-1), r.entry(at)) >= 0 {
			t.Fatalf("entries %d and %d of run %d are not in order", at-1, at, r.number)
		}
	}
	for range 100 {
		key := binary.BigEndian.AppendUint64(nil, random.Uint64())
		if at := r.search(key); at > 0 && !less(r.entry(at-1), key) || at < r.entries && less(r.entry(at), key) {
			t.Errorf("%x is looked for at %d of run %d", key, at, r.number)
		}
	}
}

// TestDamage: a run that has lost a part is told of by the transaction that reads it, and
// is not taken for one without the entry.
func TestDamage(t *testing.T) {
	t.Parallel()
	schema := kv.Schema{Indexes: []kv.IndexSpec{{Name: "i", KeySize: 1, RefSize: 1}}}
	for name, damage := range map[string]func(run *bbolt.Bucket) error{
		"a segment is missing": func(run *bbolt.Bucket) error { return run.Delete(segmentKey(0)) },
		"a segment is cut":     func(run *bbolt.Bucket) error { return run.Put(segmentKey(0), []byte{1}) },
		"marks are missing":    func(run *bbolt.Bucket) error { return run.SetSequence(run.Sequence() + 1) },
		"too many entries":     func(run *bbolt.Bucket) error { return run.SetSequence(1 << 60) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := openSmall(t, filepath.Join(t.TempDir(), "store.db"), schema, Create)
			err := e.Update(t.Context(), func(tx kv.Tx) error { return tx.Index("i").Add([]byte{1}, []byte{2}) })
			if err != nil {
				t.Fatal(err)
			}
			err = e.db.Update(func(tx *bbolt.Tx) error { return damage(tx.Bucket([]byte("i")).Bucket(runKey(1))) })
			if err != nil {
				t.Fatal(err)
			}
			read := func(tx kv.Tx) error {
				for range tx.Index("i").Find([]byte{1}) {
					break
				}
				return nil
			}
			if err := e.View(t.Context(), read); err == nil {
				t.Error("View says nothing")
			}
			write := func(tx kv.Tx) error { return tx.Index("i").Add([]byte{3}, []byte{4}) }
			if err := e.Update(t.Context(), write); err == nil {
				t.Error("Update says nothing")
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
