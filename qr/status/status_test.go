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
	for name, s := range map[string]*Set{
		"empty":      {List: 1, High: 4096},
		"never used": {List: 1},
		"edges":      edges,
		"full":       full,
		"one":        randomSet(1, 2, 1, 0),
		"0.1 %":      randomSet(2, 2, 1049, 20),
		"1 %":        randomSet(3, 2, 10486, 100),
		"half":       randomSet(4, 2, ListSize/2, ListSize/4),
		"clustered":  clustered(10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := s.Snapshot(7)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Apply(file, s.List, nil, 0, 7)
			if err != nil {
				t.Fatal(err)
			}
			if *got != *s || got.Hash() != s.Hash() {
				t.Error("the snapshot does not give the set back")
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
	file, err := randomSet(5, 1, n, 0).Snapshot(1)
	if err != nil {
		t.Fatal(err)
	}
	p := float64(n) / ListSize
	bound := ListSize * (-p*math.Log2(p) - (1-p)*math.Log2(1-p)) / 8
	if ratio := float64(len(file)) / bound; ratio > 1.02 {
		t.Errorf("%d bytes for %d revoked, %.3f of the entropy bound, want at most 1.02", len(file), n, ratio)
	}
}

func TestDelta(t *testing.T) {
	t.Parallel()
	before := randomSet(6, 5, 1000, 50)
	before.High = ListSize
	after := *before
	for i := range uint32(ListSize) {
		if i%10007 == 3 {
			after.Revoked.Set(i)
		}
		if i%20011 == 5 && after.Suspended.Has(i) {
			after.Suspended.Clear(i)
		} else if i%20011 == 5 {
			after.Suspended.Set(i)
		}
	}
	file, err := after.Delta(before, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	copyOfBefore := *before
	got, err := Apply(file, 5, before, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	if got.Hash() != after.Hash() {
		t.Error("the delta does not give the later state")
	}
	if *before != copyOfBefore {
		t.Error("Apply changed the earlier state")
	}
	for name, try := range map[string]func() (*Set, error){
		"twice":               func() (*Set, error) { return Apply(file, 5, got, 3, 4) },
		"as another list":     func() (*Set, error) { return Apply(file, 6, before, 3, 4) },
		"from another state":  func() (*Set, error) { return Apply(file, 5, before, 2, 4) },
		"to another state":    func() (*Set, error) { return Apply(file, 5, before, 3, 5) },
		"without its state":   func() (*Set, error) { return Apply(file, 5, nil, 3, 4) },
		"a high mark lowered": func() (*Set, error) { lower := after; lower.High = 1; return nil, second(lower.Delta(before, 3, 4)) },
	} {
		if s, err := try(); err == nil {
			t.Errorf("a delta %s is accepted: %v", name, s != nil)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRevocationIsForEver(t *testing.T) {
	t.Parallel()
	before := randomSet(7, 5, 10, 0)
	after := *before
	for i := range uint32(ListSize) {
		if after.Revoked.Has(i) {
			after.Revoked.Clear(i)
			break
		}
	}
	if _, err := after.Delta(before, 1, 2); !errors.Is(err, ErrUnrevoked) {
		t.Errorf("Delta that takes back a revocation = %v, want ErrUnrevoked", err)
	}
}

func TestAboveHigh(t *testing.T) {
	t.Parallel()
	s := &Set{List: 1, High: 100}
	s.Suspended.Set(100)
	if _, err := s.Snapshot(1); !errors.Is(err, ErrMalformed) {
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
	p := planeOf(3, 4, 10)
	c, err := p.encode()
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
