// Package kvtest is the suite that every engine of package kv passes: what a transaction
// promises, checked against a model in memory, with the database closed and opened again
// in between.
package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/elicence/elicence/internal/store/kv"
)

// schema of the suite's database.
func schema() kv.Schema {
	return kv.Schema{
		Tables:  []kv.TableSpec{{Name: "random"}, {Name: "growing", Order: kv.Growing}},
		Indexes: []kv.IndexSpec{{Name: "index", KeySize: 3, RefSize: 2}, {Name: "other", KeySize: 1, RefSize: 5}},
	}
}

// Engine runs the suite. New makes a new, empty database with a schema and returns what
// opens it, again and again; the suite closes it in between.
func Engine(t *testing.T, newEngine func(testing.TB, kv.Schema) func(testing.TB) kv.Engine) {
	for name, test := range map[string]func(*testing.T, func(testing.TB) kv.Engine){
		"random transactions":     model,
		"tables":                  tables,
		"indexes":                 indexes,
		"a refused one":           refused,
		"one moment":              moment,
		"one writer at a time":    writers,
		"an ended context":        ended,
		"what is not there":       missing,
		"large values":            large,
		"many entries of one key": crowded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newEngine(t, schema()))
		})
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// state is what a database holds, in memory.
type state struct {
	tables  map[string]map[string]string
	entries map[string]map[string]bool // of indexes: key ‖ reference
}

func newState() state {
	s := state{map[string]map[string]string{}, map[string]map[string]bool{}}
	for _, t := range schema().Tables {
		s.tables[t.Name] = map[string]string{}
	}
	for _, i := range schema().Indexes {
		s.entries[i.Name] = map[string]bool{}
	}
	return s
}

func (s state) clone() state {
	c := newState()
	for name, t := range s.tables {
		c.tables[name] = maps.Clone(t)
	}
	for name, i := range s.entries {
		c.entries[name] = maps.Clone(i)
	}
	return c
}

// errRefused is what a transaction of the suite fails with.
var errRefused = errors.New("refused")

// model runs random transactions on the database and on a map, and compares.
func model(t *testing.T, open func(testing.TB) kv.Engine) {
	const transactions = 400
	random := rand.New(rand.NewPCG(11, 13))
	want := newState()
	e := open(t)
	for n := range transactions {
		next, fails, seed := want.clone(), random.IntN(5) == 0, random.Uint64()
		err := e.Update(t.Context(), func(tx kv.Tx) error {
			// An engine may run this more than once.
			again := rand.New(rand.NewPCG(seed, 1))
			next = want.clone()
			for range again.IntN(60) {
				if err := next.step(tx, again); err != nil {
					return err
				}
			}
			if fails {
				return errRefused
			}
			return nil
		})
		switch {
		case fails && err != errRefused: //nolint:errorlint // it must come back as it is
			t.Fatalf("transaction %d: %v, want the error that it returned", n, err)
		case !fails:
			must(t, err)
			want = next
		}
		if random.IntN(20) == 0 {
			must(t, e.Close())
			e = open(t)
		}
		if random.IntN(4) == 0 {
			must(t, e.View(t.Context(), func(tx kv.Tx) error { return want.compare(tx, random) }))
		}
	}
	must(t, e.View(t.Context(), func(tx kv.Tx) error { return want.compare(tx, random) }))
	must(t, e.Close())
}

// step does something at random, and the same to the state.
func (s state) step(tx kv.Tx, random *rand.Rand) error {
	table := [...]string{"random", "growing"}[random.IntN(2)]
	key := fmt.Appendf(nil, "%d", random.IntN(300))
	if table == "growing" && random.IntN(4) > 0 {
		key = fmt.Appendf(nil, "%08d", len(s.tables[table])+1000)
	}
	index, entry := "index", []byte{byte(random.IntN(4)), 0, byte(random.IntN(3)), byte(random.IntN(4)), byte(random.IntN(3))}
	size := 3
	if random.IntN(3) == 0 {
		index, size = "other", 1
		entry = []byte{byte(random.IntN(9)) * 28, 0, 0, 0, byte(random.IntN(2)), byte(random.IntN(250))}
	}
	switch random.IntN(10) {
	case 0, 1, 2:
		value := bytes.Repeat([]byte{byte(random.IntN(256))}, random.IntN(3)*random.IntN(200))
		s.tables[table][string(key)] = string(value)
		return tx.Table(table).Put(key, value)
	case 3:
		delete(s.tables[table], string(key))
		return tx.Table(table).Delete(key)
	case 4, 5:
		s.entries[index][string(entry)] = true
		return tx.Index(index).Add(entry[:size], entry[size:])
	case 6:
		delete(s.entries[index], string(entry))
		return tx.Index(index).Remove(entry[:size], entry[size:])
	case 7:
		return s.compareTable(tx, table, random) // a transaction sees what it has written
	case 8:
		return s.compareAll(tx, index)
	default:
		return s.compareFind(tx, index, entry[:size])
	}
}

func (s state) compare(tx kv.Tx, random *rand.Rand) error {
	for name := range s.tables {
		if err := s.compareTable(tx, name, random); err != nil {
			return err
		}
	}
	for name := range s.entries {
		if err := s.compareAll(tx, name); err != nil {
			return err
		}
	}
	for a := range byte(9) {
		if err := s.compareFind(tx, "other", []byte{a * 28}); err != nil {
			return err
		}
		for b := range byte(3) {
			if err := s.compareFind(tx, "index", []byte{a, 0, b}); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareTable reads single keys and a range.
func (s state) compareTable(tx kv.Tx, name string, random *rand.Rand) error {
	t, want := tx.Table(name), s.tables[name]
	fetched := [][]byte{[]byte("1"), []byte("2"), []byte("none")}
	t.Fetch(fetched)
	for key, value := range want {
		if got := t.Get([]byte(key)); got == nil || string(got) != value {
			return fmt.Errorf("table %s: %q is %q, want %q", name, key, got, value)
		}
	}
	bounds := [][]byte{nil, []byte("1"), []byte("15"), []byte("2"), []byte("00001100"), []byte("\xff")}
	from, to := bounds[random.IntN(len(bounds))], bounds[random.IntN(len(bounds))]
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if key >= string(from) && (to == nil || key < string(to)) {
			keys = append(keys, key)
		}
	}
	stop := -1
	if random.IntN(3) == 0 {
		stop = random.IntN(1 + len(keys))
		keys = keys[:stop]
	}
	var got []string
	if stop != 0 {
		for key, value := range t.Range(from, to) {
			if string(value) != want[string(key)] {
				return fmt.Errorf("table %s: on the way %q is %q, want %q", name, key, value, want[string(key)])
			}
			if got = append(got, string(key)); len(got) == stop {
				break
			}
		}
	}
	if !slices.Equal(got, keys) {
		return fmt.Errorf("table %s from %q to %q: %q, want %q", name, from, to, got, keys)
	}
	return nil
}

func (s state) compareFind(tx kv.Tx, name string, key []byte) error {
	i := tx.Index(name)
	i.Fetch([][]byte{key, bytes.Repeat([]byte{1}, len(key)), make([]byte, len(key)), key})
	got := find(i, key)
	var want []string
	for entry := range s.entries[name] {
		if entry[:len(key)] == string(key) {
			want = append(want, entry[len(key):])
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("index %s: under %x are %x, want %x", name, key, got, want)
	}
	return nil
}

// compareAll reads an index as a copy of the database does.
func (s state) compareAll(tx kv.Tx, name string) error {
	var got []string
	for key, ref := range tx.Index(name).All() {
		got = append(got, string(key)+string(ref))
	}
	want := slices.Sorted(maps.Keys(s.entries[name]))
	if !slices.Equal(got, want) {
		return fmt.Errorf("index %s has %x, want %x", name, got, want)
	}
	size := schema().Indexes[slices.IndexFunc(schema().Indexes, func(i kv.IndexSpec) bool { return i.Name == name })].KeySize
	for n, entry := range want {
		if n%5 != 0 {
			continue // some are enough
		}
		for _, from := range []string{entry[:size], entry[:size-1] + string(entry[size-1]+1)} {
			got = nil
			for key, ref := range tx.Index(name).From([]byte(from)) {
				got = append(got, string(key)+string(ref))
			}
			first, _ := slices.BinarySearch(want, from)
			if !slices.Equal(got, want[first:]) {
				return fmt.Errorf("index %s has %x from %x on, want %x", name, got, from, want[first:])
			}
		}
	}
	return nil
}

// find returns what an index has under a key, sorted.
func find(i kv.Index, key []byte) []string {
	var refs []string
	for ref := range i.Find(key) {
		refs = append(refs, string(ref))
	}
	slices.Sort(refs)
	return refs
}

func update(tb testing.TB, e kv.Engine, f func(kv.Tx) error) {
	tb.Helper()
	must(tb, e.Update(context.Background(), f))
}

func view(tb testing.TB, e kv.Engine, f func(kv.Tx) error) {
	tb.Helper()
	must(tb, e.View(context.Background(), f))
}

// tables: keys are ordered as bytes, an empty value is not an absent one.
func tables(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	keys := [][]byte{{0}, {0, 0}, {0, 1}, {1}, {0x7f}, {0x80}, {0x80, 0}, {0xff}, {0xff, 0xff}}
	update(t, e, func(tx kv.Tx) error {
		for _, i := range rand.Perm(len(keys)) {
			if err := tx.Table("random").Put(keys[i], []byte{}); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, e.Close())
	e = open(t)
	view(t, e, func(tx kv.Tx) error {
		var got [][]byte
		for key, value := range tx.Table("random").Range(nil, nil) {
			got = append(got, bytes.Clone(key))
			if value == nil || len(value) != 0 {
				t.Errorf("on the way the empty value is %v", value)
			}
		}
		if !slices.EqualFunc(got, keys, bytes.Equal) {
			t.Errorf("keys are %x, want %x", got, keys)
		}
		if got := tx.Table("random").Get([]byte{0}); got == nil || len(got) != 0 {
			t.Errorf("an empty value is %v", got)
		}
		if got := tx.Table("random").Get([]byte{2}); got != nil {
			t.Errorf("a key that is not there has %v", got)
		}
		if got := tx.Table("growing").Get([]byte{0}); got != nil {
			t.Errorf("the key of another table has %v", got)
		}
		return nil
	})
	must(t, e.Close())
}

// indexes: an entry added twice is there once, and one that is removed may be added
// again, in the same transaction or a later one.
func indexes(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	key, ref, other := []byte{1, 2, 3}, []byte{4, 5}, []byte{0xff, 0}
	want := func(when string, want ...string) {
		t.Helper()
		view(t, e, func(tx kv.Tx) error {
			if got := find(tx.Index("index"), key); !slices.Equal(got, want) {
				t.Errorf("%s: %x, want %x", when, got, want)
			}
			return nil
		})
	}
	update(t, e, func(tx kv.Tx) error {
		i := tx.Index("index")
		return errors.Join(i.Add(key, ref), i.Add(key, ref), i.Add(key, other), i.Add([]byte{1, 2, 4}, ref), i.Remove(key, []byte{9, 9}))
	})
	update(t, e, func(tx kv.Tx) error { return tx.Index("index").Add(key, ref) })
	want("added twice", string(ref), string(other))
	update(t, e, func(tx kv.Tx) error { return tx.Index("index").Remove(key, ref) })
	want("removed", string(other))
	update(t, e, func(tx kv.Tx) error {
		i := tx.Index("index")
		return errors.Join(i.Add(key, ref), i.Remove(key, ref), i.Add(key, ref), i.Remove(key, other), i.Add(key, other), i.Remove(key, other))
	})
	want("added again", string(ref))
	must(t, e.Close())
	e = open(t)
	want("after opening again", string(ref))
	must(t, e.Close())
}

// refused: a function that fails leaves nothing, whatever it has written.
func refused(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	update(t, e, func(tx kv.Tx) error { return tx.Table("random").Put([]byte("a"), []byte("1")) })
	err := e.Update(t.Context(), func(tx kv.Tx) error {
		return errors.Join(
			tx.Table("random").Put([]byte("a"), []byte("2")), tx.Table("random").Put([]byte("b"), []byte("2")),
			tx.Index("index").Add([]byte("abc"), []byte("de")), errRefused,
		)
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("%v, want what the function returned", err)
	}
	for range 2 {
		view(t, e, func(tx kv.Tx) error {
			if a, b := tx.Table("random").Get([]byte("a")), tx.Table("random").Get([]byte("b")); string(a) != "1" || b != nil {
				t.Errorf("a is %q, b is %q", a, b)
			}
			if got := find(tx.Index("index"), []byte("abc")); len(got) > 0 {
				t.Errorf("the index has %x", got)
			}
			return nil
		})
		must(t, e.Close())
		e = open(t)
	}
	must(t, e.Close())
}

// moment: what is written while a View runs is not seen by it, and seen by the next.
func moment(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	put := func(value string) {
		update(t, e, func(tx kv.Tx) error {
			return errors.Join(tx.Table("random").Put([]byte("a"), []byte(value)), tx.Index("other").Add([]byte{1}, []byte(value)))
		})
	}
	put("11111")
	want := func(tx kv.Tx, value string, entries ...string) {
		t.Helper()
		if got := tx.Table("random").Get([]byte("a")); string(got) != value {
			t.Errorf("a is %q, want %q", got, value)
		}
		if got := find(tx.Index("other"), []byte{1}); !slices.Equal(got, entries) {
			t.Errorf("the index has %q, want %q", got, entries)
		}
	}
	view(t, e, func(tx kv.Tx) error {
		want(tx, "11111", "11111")
		done := make(chan struct{})
		go func() { defer close(done); put("22222") }()
		<-done
		want(tx, "11111", "11111")
		return nil
	})
	view(t, e, func(tx kv.Tx) error { want(tx, "22222", "11111", "22222"); return nil })
	must(t, e.Confirm(t.Context(), func(tx kv.Tx) error { want(tx, "22222", "11111", "22222"); return nil }))
	must(t, e.Close())
}

// writers: what many count together is counted right.
func writers(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	const callers, each = 8, 10
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			for range each {
				err := e.Update(context.Background(), func(tx kv.Tx) error {
					n := tx.Table("random").Get([]byte("n"))
					return tx.Table("random").Put([]byte("n"), append(bytes.Clone(n), 'x'))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	view(t, e, func(tx kv.Tx) error {
		if got := len(tx.Table("random").Get([]byte("n"))); got != callers*each {
			t.Errorf("%d were counted, want %d", got, callers*each)
		}
		return nil
	})
	must(t, e.Close())
}

// ended: a transaction whose context has ended before it begins does not take place.
func ended(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(kv.Tx) error {
		t.Error("the function runs")
		return nil
	}
	if err := e.View(ended, never); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v, want context.Canceled", err)
	}
	if err := e.Update(ended, never); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v, want context.Canceled", err)
	}
	must(t, e.Close())
}

// missing: a table or an index that is not in the schema is a mistake of the program.
func missing(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	view(t, e, func(tx kv.Tx) error {
		for name, f := range map[string]func(){"table": func() { tx.Table("nothing") }, "index": func() { tx.Index("nothing") }} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("a %s that is not there is given out", name)
					}
				}()
				f()
			}()
		}
		return nil
	})
	must(t, e.Close())
}

// large: values of several pages.
func large(t *testing.T, open func(testing.TB) kv.Engine) {
	e := open(t)
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	update(t, e, func(tx kv.Tx) error { return tx.Table("growing").Put([]byte{1}, value) })
	must(t, e.Close())
	e = open(t)
	view(t, e, func(tx kv.Tx) error {
		if !bytes.Equal(tx.Table("growing").Get([]byte{1}), value) {
			t.Error("the value has changed")
		}
		return nil
	})
	must(t, e.Close())
}

// crowded: one look-up key with many references, among others.
func crowded(t *testing.T, open func(testing.TB) kv.Engine) {
	const many = 5000
	e := open(t)
	for part := range 5 {
		update(t, e, func(tx kv.Tx) error {
			for i := part * many / 5; i < (part+1)*many/5; i++ {
				ref := []byte{0, 0, 0, byte(i >> 8), byte(i)}
				if err := errors.Join(tx.Index("other").Add([]byte{7}, ref), tx.Index("other").Add([]byte{byte(i % 7)}, ref)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, e.Close())
	e = open(t)
	view(t, e, func(tx kv.Tx) error {
		got := find(tx.Index("other"), []byte{7})
		if len(got) != many || got[0] != "\x00\x00\x00\x00\x00" || got[many-1] != "\x00\x00\x00\x13\x87" {
			t.Errorf("%d references, want %d", len(got), many)
		}
		for range tx.Index("other").Find([]byte{7}) {
			break // whoever has enough may stop
		}
		return nil
	})
	must(t, e.Close())
}
