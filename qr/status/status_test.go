package status

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func randomSet(seed uint64, list uint32, revoked, suspended int) *Set {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &Set{List: list, High: ListSize}
	fill := func(p *Plane, n int) {
		for n > 0 {
			if i := uint32(r.IntN(ListSize)); !p.Has(i) {
				p.Set(i)
				n--
			}
		}
	}
	fill(&s.Revoked, revoked)
	fill(&s.Suspended, suspended)
	return s
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	full := &Set{List: 9, High: ListSize}
	for i := range full.Revoked {
		full.Revoked[i] = 0xff
	}
	edges := &Set{List: 3, High: ListSize}
	edges.Revoked.Set(0)
	edges.Revoked.Set(ListSize - 1)
	small := func(list, high, index uint32) *Set {
		s := &Set{List: list, High: high}
		s.Revoked.Set(index)
		return s
	}
	for name, sets := range map[string][]*Set{
		"no lists":                               nil,
		"empty":                                  {{List: 1, High: 4096}},
		"never used":                             {{List: 1}},
		"edges":                                  {edges},
		"full":                                   {full},
		"one":                                    {randomSet(1, 2, 1, 0)},
		"0.1 %":                                  {randomSet(2, 2, 1049, 20)},
		"1 %":                                    {randomSet(3, 2, 10486, 100)},
		"half":                                   {randomSet(4, 2, ListSize/2, ListSize/4)},
		"clustered":                              {clustered(10)},
		"the last list there can be":             {small(1<<32-1, 1, 0)},
		"three together, one empty, far apart":   {randomSet(5, 1, 100, 3), randomSet(6, 2, 5, 100), randomSet(7, 3, 0, 1), {List: 4, High: 8192}, randomSet(8, 5, 9, 9), randomSet(9, 4_000_000_000, 40, 0)},
		"windows of their own, their last index": {small(1, 4096, 4095), small(2, 4096, 4095), small(3, 8192, 8191), small(4, 5000, 4999), small(5, 8192, 4096), small(7, 8192, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &State{Sequence: 7, Sets: sets}
			got := empty(s)
			if err := got.Apply(snapshot(t, s), 0, 7); err != nil {
				t.Fatal(err)
			}
			if !same(got, s) || got.Sequence != 7 {
				t.Error("the snapshot does not give the state back")
			}
		})
	}
}

// clustered returns a set with half of its revocations in batches.
func clustered(seed uint64) *Set {
	s := randomSet(seed, 1, 5000, 100)
	r := rand.New(rand.NewPCG(seed, 2))
	for range 5 {
		start := uint32(r.IntN(ListSize - 2200))
		for i := range uint32(200 + r.IntN(2000)) {
			s.Revoked.Set(start + i)
		}
	}
	return s
}

func planeOf(indices ...uint32) *Plane {
	p := new(Plane)
	for _, i := range indices {
		p.Set(i)
	}
	return p
}

// TestSize: at 1 % revoked the coding is within 2 % of the entropy bound.
func TestSize(t *testing.T) {
	t.Parallel()
	const n = 10486
	file := snapshot(t, &State{Sequence: 1, Sets: []*Set{randomSet(5, 1, n, 0)}})
	p := float64(n) / ListSize
	bound := ListSize * (-p*math.Log2(p) - (1-p)*math.Log2(1-p)) / 8
	if ratio := float64(len(file)) / bound; ratio > 1.02 {
		t.Errorf("%d bytes for %d revoked, %.3f of the entropy bound, want at most 1.02", len(file), n, ratio)
	}
}

func TestRevocationIsForEver(t *testing.T) {
	t.Parallel()
	before, after := changed(t, 7)
	lower, fewer, gone := after.Share(), after.Share(), after.Share()
	lower.Own(4).High = 100
	fewer.Own(1).Revoked = Plane{}
	gone.Sets = gone.Sets[1:]
	for name, s := range map[string]*State{"a lower high mark": lower, "fewer revocations": fewer, "a list less": gone} {
		if _, err := s.Since(before); !errors.Is(err, ErrUnrevoked) {
			t.Errorf("%s: Since = %v, want ErrUnrevoked", name, err)
		}
	}
	if err := lower.Follows(before); !errors.Is(err, ErrUnrevoked) {
		t.Errorf("Follows with a lower high mark = %v, want ErrUnrevoked", err)
	}
	if err := fewer.Follows(before); !errors.Is(err, ErrUnrevoked) {
		t.Errorf("Follows with fewer revocations = %v, want ErrUnrevoked", err)
	}
	changes, err := after.Since(before)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fewer.Delta(changes, 1); !errors.Is(err, ErrUnrevoked) {
		t.Errorf("Delta of what is not revoked = %v, want ErrUnrevoked", err)
	}
	if *before.Sets[0] != *randomSet(7, 1, 500, 60) {
		t.Error("changing a state changed the one that it shares its lists with")
	}
}

func TestAboveHigh(t *testing.T) {
	t.Parallel()
	s := &State{Sequence: 2, Sets: []*Set{{List: 1, High: 100}}}
	if _, err := s.Delta(Changes{Revoked: []Place{PlaceOf(1, 100)}}, 1); !errors.Is(err, ErrMalformed) {
		t.Errorf("Delta with an index at the high mark = %v, want ErrMalformed", err)
	}
	if _, err := s.Delta(Changes{Touched: []Place{PlaceOf(2, 0)}}, 1); !errors.Is(err, ErrMalformed) {
		t.Errorf("Delta with a list that is not there = %v, want ErrMalformed", err)
	}
	s.Sets[0].Suspended.Set(100)
	if _, err := s.Snapshot(); !errors.Is(err, ErrMalformed) {
		t.Errorf("Snapshot with an index at the high mark = %v, want ErrMalformed", err)
	}
}

// TestHash pins the set hash of DESIGN's formula, computed by hand elsewhere:
// openssl dgst -sm3 over "elicence/set/1", 00000001, 00001000 and the planes.
func TestHash(t *testing.T) {
	t.Parallel()
	s := &Set{List: 1, High: 4096}
	s.Revoked.Set(9)
	s.Suspended.Set(0)
	const want = "84303b46ce7b014d1b3423a899d6c4efbd7a41f79ed9a2ec4d52f710aac62796"
	if h := s.Hash(); hex.EncodeToString(h[:]) != want {
		t.Errorf("Hash = %x, want %s", h, want)
	}
}

// TestCoding pins the coding: gaps 3, 0, 5 with k = 18.
func TestCoding(t *testing.T) {
	t.Parallel()
	c, err := encode([]uint32{3, 4, 10}, ListSize)
	if err != nil {
		t.Fatal(err)
	}
	if c.Coding != 18 {
		t.Fatalf("coding %d for three of 2^20, want Rice with k = 18", c.Coding)
	}
	// 0 000000000000000011 | 0 000000000000000000 | 0 000000000000000101, 57 bits.
	want := []byte{0x00, 0x00, 0x60, 0x00, 0x00, 0x00, 0x02, 0x80}
	if !bytes.Equal(c.Bytes, want) {
		t.Errorf("bits = %x, want %x", c.Bytes, want)
	}
}
