package audit

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
)

func marshalled(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := detcbor.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestProof(t *testing.T) {
	t.Parallel()
	log := newKey(t)
	m := newMemory()
	grow(t, m, 11)
	at11 := checkpoint(t, m, 11, log)
	for _, disclose := range []bool{false, true} {
		p, err := NewProof(m, 6, at11, 11, disclose)
		if err != nil {
			t.Fatal(err)
		}
		file, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(file, []byte("reason 6")) != disclose {
			t.Errorf("disclose %t: the file holds the details: %t", disclose, !disclose)
		}
		p, err = ParseProof(file)
		if err != nil {
			t.Fatal(err)
		}
		e, c, err := p.Verify(log.Public())
		if err != nil || e.Subject != "6" || c.Size != 11 {
			t.Errorf("Verify = %+v, %+v, %v", e, c, err)
		}
		for i := range file {
			changed := bytes.Clone(file)
			changed[i] ^= 1
			p, err := ParseProof(changed)
			if err != nil {
				continue
			}
			if _, _, err := p.Verify(log.Public()); err == nil {
				t.Fatalf("disclose %t: byte %d changed: accepted", disclose, i)
			}
		}
	}
	good, err := NewProof(m, 6, at11, 11, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Proof)
		want   error
	}{
		"another index":          {func(p *Proof) { p.Index = 7 }, ErrProof},
		"an index beyond":        {func(p *Proof) { p.Index = 11 }, ErrProof},
		"a huge index":           {func(p *Proof) { p.Index = 1<<64 - 1 }, ErrProof},
		"another entry":          {func(p *Proof) { p.Leaf = m.records[5].Leaf }, ErrProof},
		"a hash less":            {func(p *Proof) { p.Path = p.Path[1:] }, ErrProof},
		"a hash more":            {func(p *Proof) { p.Path = append(slices.Clone(p.Path), p.Path[0]) }, ErrProof},
		"an earlier checkpoint":  {func(p *Proof) { p.Checkpoint = checkpoint(t, m, 9, log) }, ErrProof},
		"another's checkpoint":   {func(p *Proof) { p.Checkpoint = checkpoint(t, m, 11, newKey(t)) }, ErrCheckpoint},
		"another entry's detail": {func(p *Proof) { p.Key, p.Details = m.records[5].Key, m.records[5].Details }, ErrDetails},
		"details without a key":  {func(p *Proof) { p.Details = m.records[6].Details }, ErrDetails},
		"a short hash":           {func(p *Proof) { p.Path = [][]byte{{1}} }, ErrProofFile},
		"another name":           {func(p *Proof) { p.Name = consistencyName }, ErrProofFile},
	} {
		changed := *good
		tt.change(&changed)
		p, err := ParseProof(marshalled(t, changed))
		if err == nil {
			_, _, err = p.Verify(log.Public())
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := NewProof(m, 11, at11, 11, false); err == nil {
		t.Error("an entry that is not there is proven")
	}
}

func TestConsistencyProof(t *testing.T) {
	t.Parallel()
	m := newMemory()
	grow(t, m, 11)
	for _, sizes := range [][2]uint64{{0, 11}, {3, 11}, {8, 11}, {11, 11}} {
		p, err := NewConsistencyProof(m, sizes[0], sizes[1])
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseConsistencyProof(marshalled(t, p))
		if err != nil {
			t.Fatal(err)
		}
		first, errFirst := Root(m, sizes[0])
		second, errSecond := Root(m, sizes[1])
		if err := errors.Join(errFirst, errSecond, VerifyConsistency(back.First, first, back.Second, second, back.Path)); err != nil {
			t.Errorf("%v: %v", sizes, err)
		}
	}
	if _, err := NewConsistencyProof(m, 9, 8); err == nil {
		t.Error("a proof back in time")
	}
	for name, file := range map[string][]byte{
		"back in time": marshalled(t, ConsistencyProof{Name: consistencyName, First: 2, Second: 1}),
		"another name": marshalled(t, ConsistencyProof{Name: proofName, First: 1, Second: 2}),
		"a short hash": marshalled(t, ConsistencyProof{Name: consistencyName, First: 1, Second: 2, Path: [][]byte{{1}}}),
		"too long":     make([]byte, MaxConsistencySize+1),
	} {
		if _, err := ParseConsistencyProof(file); !errors.Is(err, ErrProofFile) {
			t.Errorf("%s: %v, want ErrProofFile", name, err)
		}
	}
}

func FuzzProof(f *testing.F) {
	log := newKey(f)
	m := newMemory()
	grow(f, m, 11)
	at11 := checkpoint(f, m, 11, log)
	for _, index := range []uint64{0, 6, 10} {
		p, err := NewProof(m, index, at11, 11, index == 6)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(marshalled(f, p))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParseProof(file)
		if err != nil {
			if !errors.Is(err, ErrProofFile) {
				t.Errorf("%v does not wrap ErrProofFile", err)
			}
			return
		}
		if again := marshalled(t, p); !bytes.Equal(again, file) {
			t.Errorf("%x is accepted and encodes as %x", file, again)
		}
		if _, _, err := p.Verify(log.Public()); err == nil && !bytes.Equal(p.Leaf, m.records[p.Index].Leaf) {
			t.Errorf("%x proves what is not in the log", file)
		}
		// Sizes and paths of every kind, without the signature in their way.
		root, err := Root(m, 11)
		if err != nil {
			t.Fatal(err)
		}
		if VerifyInclusion(p.Leaf, p.Index, 11, root, p.Path) == nil && !bytes.Equal(p.Leaf, m.records[p.Index].Leaf) {
			t.Errorf("%x proves what is not in the log", file)
		}
	})
}

func FuzzConsistencyProof(f *testing.F) {
	m := newMemory()
	grow(f, m, 11)
	for _, first := range []uint64{0, 3, 8, 11} {
		p, err := NewConsistencyProof(m, first, 11)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(marshalled(f, p))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := ParseConsistencyProof(file)
		if err != nil {
			if !errors.Is(err, ErrProofFile) {
				t.Errorf("%v does not wrap ErrProofFile", err)
			}
			return
		}
		if again := marshalled(t, p); !bytes.Equal(again, file) {
			t.Errorf("%x is accepted and encodes as %x", file, again)
		}
		// Roots that the path was not made for are refused without a panic.
		wrong := make([]byte, 32)
		if p.First > 0 && p.First < p.Second && VerifyConsistency(p.First, wrong, p.Second, wrong, p.Path) == nil {
			t.Errorf("%x proves two roots of nothing", file)
		}
	})
}
