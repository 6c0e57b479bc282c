package status

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
)

// walk takes a domain of two lists through thirty states and returns them with what
// changed in each step.
func walk(tb testing.TB) ([]*State, []Changes) {
	tb.Helper()
	r := rand.New(rand.NewPCG(20, 1))
	states := []*State{{Sequence: 1, Sets: []*Set{randomSet(20, 7, 300, 40), {List: 8, High: ListSize}}}}
	var steps []Changes
	for range 29 {
		next := states[len(states)-1].Share()
		next.Sequence++
		for range 20 {
			next.Own(7).Revoked.Set(uint32(r.IntN(ListSize)))
			i := uint32(r.IntN(200)) // a small range, so that much is suspended and resumed again
			next.Own(8).Suspended[i/8] ^= 1 << (i % 8)
		}
		step, err := next.Since(states[len(states)-1])
		if err != nil {
			tb.Fatal(err)
		}
		states, steps = append(states, next), append(steps, step)
	}
	return states, steps
}

// TestDelta: one file leads from every state between two to the later one.
func TestDelta(t *testing.T) {
	t.Parallel()
	states, steps := walk(t)
	all := Merge(steps...)
	last := states[29]
	file, err := last.Delta(all, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states[:29] {
		before := s.Sets[0].Hash()
		got := s.Share()
		if err := got.Apply(file, 1, 30); err != nil {
			t.Fatalf("from state %d: %v", s.Sequence, err)
		}
		if !same(got, last) || got.Sequence != 30 {
			t.Errorf("from state %d: the delta leads elsewhere", s.Sequence)
		}
		if s.Sets[0].Hash() != before {
			t.Errorf("from state %d: Apply changed what it is shared with", s.Sequence)
		}
	}
	read, err := ReadChanges(file, 1, 30)
	if err != nil || !slices.Equal(read.Revoked, all.Revoked) || !slices.Equal(read.Touched, all.Touched) {
		t.Errorf("ReadChanges does not give back what changed: %v", err)
	}
	kept, err := all.File(1, 30)
	if err != nil {
		t.Fatal(err)
	}
	read, err = ReadChanges(kept, 1, 30)
	if err != nil || !slices.Equal(read.Revoked, all.Revoked) || !slices.Equal(read.Touched, all.Touched) {
		t.Errorf("ReadChanges does not give back what was kept: %v", err)
	}

	// The control: what changed between the two alone, without what was touched in
	// between, leads some states elsewhere.
	blind, err := last.Since(states[0])
	if err != nil {
		t.Fatal(err)
	}
	if file, err = last.Delta(blind, 1); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, s := range states[:29] {
		got := s.Share()
		if err := got.Apply(file, 1, 30); err == nil && !same(got, last) {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("the states in between do not matter: this test shows nothing")
	}
}

// TestShared: a delta copies the lists that it changes, and no other.
func TestShared(t *testing.T) {
	t.Parallel()
	before := &State{Sequence: 1, Sets: []*Set{{List: 1, High: 4096}, {List: 2, High: 4096}}}
	after := before.Share()
	after.Own(2).Revoked.Set(5)
	after.Sequence = 2
	changes, err := after.Since(before)
	if err != nil {
		t.Fatal(err)
	}
	file, err := after.Delta(changes, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := before.Share()
	if err := got.Apply(file, 1, 2); err != nil {
		t.Fatal(err)
	}
	if !got.Shared(1) || got.Shared(2) || got.Sets[0] != before.Sets[0] || got.Sets[1] == before.Sets[1] {
		t.Error("the list that changed is not the one that was copied")
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	before, after := changed(t, 21)
	changes, err := after.Since(before)
	if err != nil {
		t.Fatal(err)
	}
	delta, err := after.Delta(changes, 1)
	if err != nil {
		t.Fatal(err)
	}
	whole := snapshot(t, after)
	craft := func(file []byte, change func(*setFile)) []byte {
		t.Helper()
		var f setFile
		if err := detcbor.Unmarshal(file, &f); err != nil {
			t.Fatal(err)
		}
		change(&f)
		b, err := detcbor.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	apply := func(file []byte, start *State, at, from, to uint64) error {
		s := start.Share()
		s.Sequence = at
		return s.Apply(file, from, to)
	}
	none := empty(before)
	if err := apply(craft(delta, func(*setFile) {}), before, 1, 1, 3); err != nil {
		t.Fatalf("the control: %v", err)
	}
	if err := apply(craft(whole, func(*setFile) {}), none, 0, 0, 3); err != nil {
		t.Fatalf("the control: %v", err)
	}
	runs := func(runs ...run) func(*setFile) { return func(f *setFile) { f.Lists = runs } }
	for name, err := range map[string]error{
		"a delta to a state before it":          apply(delta, before, 0, 1, 3),
		"a delta to a state after it":           apply(delta, after, 3, 1, 3),
		"a delta taken for another's beginning": apply(delta, before, 2, 2, 3),
		"a delta taken for another's end":       apply(delta, before, 1, 1, 4),
		"a snapshot to a state":                 apply(whole, before, 1, 0, 3),
		"a snapshot taken for a delta":          apply(whole, before, 1, 1, 3),
		"a delta taken for a snapshot":          apply(delta, none, 0, 0, 3),
		"a list that is not signed":             apply(whole, &State{Sets: none.Sets[:1]}, 0, 0, 3),
		"a file that is too long":               apply(make([]byte, MaxFileSize+1), before, 1, 1, 3),
		"a file with a byte more":               apply(append(slices.Clone(delta), 0), before, 1, 1, 3),
		"another format":                        apply(craft(delta, func(f *setFile) { f.Format = "elicence/setfile/2" }), before, 1, 1, 3),
		"an index suspended and resumed":        apply(craft(delta, func(f *setFile) { f.Resumed = f.Suspended }), before, 1, 1, 3),
		"a snapshot that resumes":               apply(craft(whole, func(f *setFile) { f.Resumed = f.Suspended }), none, 0, 0, 3),
		"a file that leads backwards":           apply(craft(delta, func(f *setFile) { f.From, f.To = 3, 1 }), before, 3, 3, 1),
		"a list without an index":               apply(craft(delta, func(f *setFile) { f.Lists = append(f.Lists, run{First: 11, Count: 1, Windows: 1}) }), before, 1, 1, 3),
		"no lists":                              apply(craft(delta, runs()), before, 1, 1, 3),
		"lists out of order":                    apply(craft(delta, runs(run{First: 9, Count: 1, Windows: 256}, run{First: 1, Count: 1, Windows: 256})), before, 1, 1, 3),
		"runs that could be one":                apply(craft(delta, runs(run{First: 1, Count: 1, Windows: 256}, run{First: 2, Count: 1, Windows: 256})), before, 1, 1, 3),
		"a run of no lists":                     apply(craft(delta, runs(run{First: 1, Count: 0, Windows: 256}, run{First: 1, Count: 1, Windows: 256})), before, 1, 1, 3),
		"more lists than there may be":          apply(craft(delta, runs(run{First: 1, Count: MaxLists + 1, Windows: 1})), before, 1, 1, 3),
		"a run of 2^64 - 1 lists":               apply(craft(delta, runs(run{First: 1, Count: 1<<64 - 1, Windows: 1})), before, 1, 1, 3),
		"lists beyond 2^32":                     apply(craft(delta, runs(run{First: 1<<32 - 1, Count: 2, Windows: 256})), before, 1, 1, 3),
		"no windows":                            apply(craft(delta, runs(run{First: 1, Count: 1, Windows: 0})), before, 1, 1, 3),
		"more windows than a list has":          apply(craft(delta, runs(run{First: 1, Count: 1, Windows: 257})), before, 1, 1, 3),
	} {
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	for name, write := range map[string]func() ([]byte, error){
		"from the same state": func() ([]byte, error) { return after.Delta(changes, 3) },
		"from no state":       func() ([]byte, error) { return after.Delta(changes, 0) },
		"of lists out of order": func() ([]byte, error) {
			return (&State{Sequence: 3, Sets: []*Set{after.Sets[1], after.Sets[0]}}).Delta(changes, 1)
		},
	} {
		if _, err := write(); !errors.Is(err, ErrMalformed) {
			t.Errorf("a delta %s: %v, want ErrMalformed", name, err)
		}
	}
}
