package status

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
)

// TestSkip walks a list through thirty states and skips from each of them.
func TestSkip(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(20, 1))
	states := []*Set{randomSet(20, 7, 300, 40)}
	states[0].High = ListSize
	var touched Plane
	for range 29 {
		next := *states[len(states)-1]
		for range 20 {
			next.Revoked.Set(uint32(r.IntN(ListSize)))
			i := uint32(r.IntN(200)) // a small range, so that much is suspended and resumed again
			next.Suspended[i/8] ^= 1 << (i % 8)
		}
		Touch(&touched, states[len(states)-1], &next)
		states = append(states, &next)
	}
	last := states[29]
	file, err := last.Skip(states[0], &touched, 1, 30)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range states {
		before := *s
		got, err := ApplySkip(file, 7, s, uint64(i+1), 1, 30)
		if err != nil {
			t.Fatalf("from state %d: %v", i+1, err)
		}
		if got.Hash() != last.Hash() {
			t.Errorf("from state %d: the skip-delta leads elsewhere", i+1)
		}
		if *s != before {
			t.Errorf("from state %d: ApplySkip changed the earlier state", i+1)
		}
	}

	// The control: without what was touched in between, some states go wrong,
	// and their hash shows it.
	blind, err := last.Skip(states[0], nil, 1, 30)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for i, s := range states {
		if got, err := ApplySkip(blind, 7, s, uint64(i+1), 1, 30); err == nil && got.Hash() != last.Hash() {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("the states in between do not matter: this test shows nothing")
	}
	if got, err := ApplySkip(blind, 7, states[0], 1, 1, 30); err != nil || got.Hash() != last.Hash() {
		t.Errorf("from the first state none is needed: %v", err)
	}
}

func TestSkipRefuses(t *testing.T) {
	t.Parallel()
	before, after := changed(21)
	after.High = ListSize
	file, err := after.Skip(before, nil, 4, 9)
	if err != nil {
		t.Fatal(err)
	}
	other := *before
	other.List = 2
	snapshot, err := after.Snapshot(9)
	if err != nil {
		t.Fatal(err)
	}
	lower := *after
	lower.High = 4096
	fewer := *after
	fewer.Revoked = Plane{}
	craft := func(change func(*skipFile)) []byte {
		var f skipFile
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
	if err := second(ApplySkip(craft(func(*skipFile) {}), 1, before, 4, 4, 9)); err != nil {
		t.Fatalf("the control: %v", err)
	}
	contradictory := craft(func(f *skipFile) { f.Resumed = f.Suspended })
	beyond := craft(func(f *skipFile) { f.High = ListSize + 1 })
	below := craft(func(f *skipFile) { f.High = 4096 })
	for name, try := range map[string]func() error{
		"that suspends and resumes":          func() error { return second(ApplySkip(contradictory, 1, before, 4, 4, 9)) },
		"with a high mark beyond the list":   func() error { return second(ApplySkip(beyond, 1, before, 4, 4, 9)) },
		"with a high mark below the state's": func() error { return second(ApplySkip(below, 1, before, 4, 4, 9)) },
		"from before it":                     func() error { return second(ApplySkip(file, 1, before, 3, 4, 9)) },
		"from after it":                      func() error { return second(ApplySkip(file, 1, before, 10, 4, 9)) },
		"with no state":                      func() error { return second(ApplySkip(file, 1, nil, 4, 4, 9)) },
		"to another list":                    func() error { return second(ApplySkip(file, 2, &other, 4, 4, 9)) },
		"from another list":                  func() error { return second(ApplySkip(file, 1, &other, 4, 4, 9)) },
		"with another beginning":             func() error { return second(ApplySkip(file, 1, before, 5, 5, 9)) },
		"with another end":                   func() error { return second(ApplySkip(file, 1, before, 4, 4, 8)) },
		"that is a snapshot":                 func() error { return second(ApplySkip(snapshot, 1, before, 4, 4, 9)) },
		"that is too long":                   func() error { return second(ApplySkip(make([]byte, MaxFileSize+1), 1, before, 4, 4, 9)) },
		"taken for a delta":                  func() error { return second(Apply(file, 1, before, 4, 9)) },
		"of a lower high mark":               func() error { return second(lower.Skip(before, nil, 4, 9)) },
		"of fewer revocations":               func() error { return second(fewer.Skip(before, nil, 4, 9)) },
		"to an earlier state":                func() error { return second(after.Skip(before, nil, 9, 9)) },
	} {
		if err := try(); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnrevoked) {
			t.Errorf("a skip-delta %s: %v, want it refused", name, err)
		}
	}
}

func TestSkipBases(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	var quarters []Published // a state every quarter of an hour for 40 days
	for i := range 40 * 96 {
		quarters = append(quarters, Published{uint64(i + 1), now.Add(time.Duration(i-40*96) * 15 * time.Minute)})
	}
	last := uint64(len(quarters) + 1) // the state of now
	for _, tt := range []struct {
		name      string
		published []Published
		want      []uint64
	}{
		{"none", nil, nil},
		{"one", quarters[:1], []uint64{1}},
		{"within the hour", quarters[len(quarters)-3:], []uint64{last - 3}},
		{"forty days", quarters, []uint64{last - 4, last - 96, last - 7*96, last - 30*96}},
		{"three days", quarters[len(quarters)-3*96:], []uint64{last - 4, last - 96, last - 3*96}},
	} {
		if got := SkipBases(tt.published, now); !slices.Equal(got, tt.want) {
			t.Errorf("%s: SkipBases = %d, want %d", tt.name, got, tt.want)
		}
	}
}
