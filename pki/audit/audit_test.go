package audit

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/transparency-dev/merkle/proof"
)

// memory is a log in memory.
type memory struct {
	size    uint64
	nodes   map[string][]byte
	records map[uint64]Record
}

func newMemory() *memory {
	return &memory{nodes: make(map[string][]byte), records: make(map[uint64]Record)}
}

func nodeName(level uint, index uint64) string { return fmt.Sprintf("%d/%d", level, index) }

func (m *memory) Size() (uint64, error)  { return m.size, nil }
func (m *memory) SetSize(n uint64) error { m.size = n; return nil }
func (m *memory) Record(i uint64) (Record, error) {
	r, ok := m.records[i]
	if !ok {
		return r, errors.New("missing")
	}
	return r, nil
}
func (m *memory) PutRecord(i uint64, r Record) error { m.records[i] = r; return nil }
func (m *memory) Node(level uint, index uint64) ([]byte, error) {
	h, ok := m.nodes[nodeName(level, index)]
	if !ok {
		return nil, errors.New("missing")
	}
	return h, nil
}
func (m *memory) PutNode(level uint, index uint64, hash []byte) error {
	m.nodes[nodeName(level, index)] = bytes.Clone(hash)
	return nil
}

func entry(tb testing.TB, i int) Record {
	tb.Helper()
	r, err := NewRecord(Entry{Time: 1700000000 + int64(i), Actor: "officer", Act: ActLicenceRevoke, Subject: fmt.Sprint(i)}, fmt.Appendf(nil, "reason %d", i))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func grow(tb testing.TB, m *memory, n int) {
	tb.Helper()
	for range n {
		if _, err := Append(m, entry(tb, int(m.size))); err != nil {
			tb.Fatal(err)
		}
	}
}

// plainRoot is the Merkle tree hash as RFC 6962, 2.1 defines it, by recursion.
func plainRoot(leaves [][]byte) []byte {
	switch len(leaves) {
	case 0:
		h := sm3.Sum(nil)
		return h[:]
	case 1:
		h := sm3.Sum(append([]byte{0}, leaves[0]...))
		return h[:]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	h := sm3.Sum(append(append([]byte{1}, plainRoot(leaves[:k])...), plainRoot(leaves[k:])...))
	return h[:]
}

// TestRoot compares every size up to 40 with the definition, and every proof with
// the library's verifier.
func TestRoot(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var leaves, roots [][]byte
	for n := uint64(0); n <= 40; n++ {
		root, err := Root(m, n)
		if err != nil {
			t.Fatal(err)
		}
		if want := plainRoot(leaves); !bytes.Equal(root, want) {
			t.Fatalf("root of %d entries = %x, want %x", n, root, want)
		}
		roots = append(roots, root)
		for i := range n {
			path, err := Inclusion(m, i, n)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyInclusion(Hasher{}, i, n, Hasher{}.HashLeaf(leaves[i]), path, root); err != nil {
				t.Errorf("entry %d of %d: %v", i, n, err)
			}
			if i == 0 {
				continue
			}
			path, err = Consistency(m, i, n)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyConsistency(Hasher{}, i, n, path, roots[i], root); err != nil {
				t.Errorf("%d to %d: %v", i, n, err)
			}
		}
		r := entry(t, int(n))
		leaves = append(leaves, r.Leaf)
		if b, err := Append(m, r); err != nil || b.First() != n {
			t.Fatalf("Append: %v", err)
		}
	}
}

func TestAppendMany(t *testing.T) {
	t.Parallel()
	one, many := newMemory(), newMemory()
	var records []Record
	for i := range 13 {
		records = append(records, entry(t, i))
	}
	for _, r := range records {
		if _, err := Append(one, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Append(many, records[:5]...); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(many, records[5:]...); err != nil {
		t.Fatal(err)
	}
	a, errA := Root(one, 13)
	b, errB := Root(many, 13)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("one by one %x (%v), together %x (%v)", a, errA, b, errB)
	}
}

// TestReceipts: the receipts of every batch, from every size, are the proofs that
// are read from the log, and the edge is the one that is read from it.
func TestReceipts(t *testing.T) {
	t.Parallel()
	for before := range 20 {
		for batch := 1; batch <= 18; batch++ {
			m := newMemory()
			grow(t, m, before)
			var records []Record
			for i := range batch {
				records = append(records, entry(t, before+i))
			}
			b, err := Append(m, records...)
			if err != nil {
				t.Fatal(err)
			}
			size := uint64(before + batch)
			root, err := Root(m, size)
			if err != nil || b.Size() != size || !bytes.Equal(b.Root(), root) {
				t.Fatalf("%d and %d: size %d, root %x, want %x, %v", before, batch, b.Size(), b.Root(), root, err)
			}
			edge, err := ReadEdge(m, size)
			if err != nil || !reflect.DeepEqual(edge, b.Edge()) {
				t.Errorf("%d and %d: edge %v, want %v, %v", before, batch, b.Edge(), edge, err)
			}
			for i, r := range records {
				got := b.Receipt(i)
				want, err := Inclusion(m, got.Index, size)
				if err != nil || got.Index != uint64(before+i) || !slices.EqualFunc(got.Path, want, bytes.Equal) {
					t.Fatalf("%d and %d: receipt %d is %v, want %v, %v", before, batch, i, got, want, err)
				}
				if err := VerifyInclusion(r.Leaf, got.Index, got.Size, got.Root, got.Path); err != nil {
					t.Error(err)
				}
				if err := VerifyInclusion(r.Leaf, got.Index^1, got.Size, got.Root, got.Path); !errors.Is(err, ErrProof) {
					t.Errorf("another index: %v, want ErrProof", err)
				}
			}
		}
	}
}

// TestAppendTo: an edge of another log's size is refused before anything is stored.
func TestAppendTo(t *testing.T) {
	t.Parallel()
	m := newMemory()
	grow(t, m, 5)
	edge, err := ReadEdge(m, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AppendTo(m, edge, []Record{entry(t, 5)}); !errors.Is(err, ErrEdge) || m.size != 5 {
		t.Errorf("AppendTo = %v, want ErrEdge", err)
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]struct {
		do   func(*memory)
		want uint64
	}{
		"entry edited": {func(m *memory) { r := m.records[5]; r.Leaf = entryBytes(t, 99); m.records[5] = r }, 5},
		"last entry edited": {func(m *memory) {
			r := m.records[10]
			r.Leaf = entryBytes(t, 99)
			r.Key, r.Details = nil, nil
			m.records[10] = r
		}, 10},
		"entry removed":           {func(m *memory) { delete(m.records, 7) }, 7},
		"two entries exchanged":   {func(m *memory) { m.records[3], m.records[4] = m.records[4], m.records[3] }, 3},
		"details edited":          {func(m *memory) { r := m.records[6]; r.Details = []byte("other"); m.records[6] = r }, 6},
		"details without key":     {func(m *memory) { r := m.records[6]; r.Key, r.Details = nil, []byte("other"); m.records[6] = r }, 6},
		"leaf hash edited":        {func(m *memory) { m.nodes[nodeName(0, 2)][0] ^= 1 }, 2},
		"inner node edited":       {func(m *memory) { m.nodes[nodeName(2, 1)][0] ^= 1 }, 7},
		"details removed":         {func(m *memory) { r := m.records[4]; r.Key, r.Details = nil, nil; m.records[4] = r }, 4},
		"size cut":                {func(m *memory) { m.size = 8 }, 8},
		"entry no longer decodes": {func(m *memory) { r := m.records[1]; r.Leaf = []byte{0xff}; m.records[1] = r }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			grow(t, m, 11)
			if _, err := Verify(m); err != nil {
				t.Fatalf("the log is refused before it is damaged: %v", err)
			}
			damage.do(m)
			_, err := Verify(m)
			var found *DamageError
			if !errors.As(err, &found) || found.Index != damage.want {
				t.Errorf("Verify = %v, want damage at entry %d", err, damage.want)
			}
		})
	}
}

// TestExamine: one entry is shown with its words, damaged or not, and what differs is told.
func TestExamine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do      func(*memory)
		details string // what is shown; empty: nothing
		damage  string // in what is said; empty: none
	}{
		"whole":               {func(*memory) {}, "reason 6", ""},
		"details edited":      {func(m *memory) { r := m.records[6]; r.Details = []byte("other"); m.records[6] = r }, "other", ErrDetails.Error()},
		"key edited":          {func(m *memory) { r := m.records[6]; r.Key = make([]byte, KeySize); m.records[6] = r }, "reason 6", ErrDetails.Error()},
		"details without key": {func(m *memory) { r := m.records[6]; r.Key = nil; m.records[6] = r }, "reason 6", ErrDetails.Error()},
		"details removed":     {func(m *memory) { r := m.records[6]; r.Key, r.Details = nil, nil; m.records[6] = r }, "", ErrNoDetails.Error()},
		"entry exchanged":     {func(m *memory) { m.records[6] = m.records[7] }, "reason 7", "not what was hashed"},
		"hash edited":         {func(m *memory) { m.nodes[nodeName(0, 6)][0] ^= 1 }, "reason 6", "not what was hashed"},
		"erased":              {func(m *memory) { erase(t, m, 6) }, "", ""},
		"said to be erased":   {func(m *memory) { r := m.records[6]; m.records[6] = Record{Leaf: r.Leaf, ErasedBy: 8} }, "", "erased by entry 8, which does not"},
		"erased and there": {func(m *memory) {
			r := m.records[6]
			erase(t, m, 6)
			m.records[6] = r
		}, "reason 6", ""}, // of itself it is whole; the entry that erases it is not
		"key destroyed elsewhere": {func(m *memory) { m.records[6] = Record{Leaf: m.records[6].Leaf, Destroyed: true} }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			grow(t, m, 11)
			tc.do(m)
			x, err := Examine(m, 6)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(x.Beside.Details); got != tc.details {
				t.Errorf("details %q, want %q", got, tc.details)
			}
			if tc.damage == "" && x.Damage != nil || tc.damage != "" && (x.Damage == nil || x.Damage.Index != 6 || !strings.Contains(x.Damage.What, tc.damage)) {
				t.Errorf("damage %v, want %q", x.Damage, tc.damage)
			}
		})
	}
	m := newMemory()
	grow(t, m, 3)
	m.records[1] = Record{Leaf: []byte{0xff}}
	if _, err := Examine(m, 1); !errors.Is(err, ErrEntry) {
		t.Errorf("no entry: %v, want ErrEntry", err)
	}
	if _, err := Examine(m, 3); err == nil {
		t.Error("an entry that is not there was shown")
	}
}

func erase(tb testing.TB, m *memory, index uint64) {
	tb.Helper()
	r, err := NewErasure(index, time.Unix(1700000100, 0), "officer", "court order")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := Erase(m, r); err != nil {
		tb.Fatal(err)
	}
}

func entryBytes(tb testing.TB, i int) []byte { return entry(tb, i).Leaf }

// TestErasure: with key and details erased the log still verifies, nothing in the
// entry gives the details away, and what is erased is told from what is damaged.
func TestErasure(t *testing.T) {
	t.Parallel()
	m := newMemory()
	grow(t, m, 3)
	if r := m.records[1]; bytes.Contains(r.Leaf, r.Details) {
		t.Error("the entry holds its details")
	}
	kept := m.records[1]
	erase := func(index uint64) error {
		r, err := NewErasure(index, time.Unix(1700000100, 0), "officer", "court order")
		if err != nil {
			t.Fatal(err)
		}
		size := m.size
		if _, err = Erase(m, r); err != nil {
			m.size = size // as a transaction that is rolled back
		}
		return err
	}
	if err := erase(1); err != nil {
		t.Fatal(err)
	}
	if r := m.records[1]; r.ErasedBy != 3 || len(r.Key)+len(r.Details) > 0 {
		t.Errorf("after erasure: %+v", r)
	}
	if _, err := Verify(m); err != nil {
		t.Errorf("after erasure: %v", err)
	}
	if err := erase(1); !errors.Is(err, ErrErased) {
		t.Errorf("a second erasure: %v, want ErrErased", err)
	}
	if err := erase(99); err == nil {
		t.Error("what is not there is erased")
	}
	plain, err := NewRecord(Entry{Time: 1, Actor: "officer", Act: ActLicenceLook}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Append(m, plain); err != nil {
		t.Fatal(err)
	}
	if err := erase(4); !errors.Is(err, ErrNothingToErase) {
		t.Errorf("an entry without details: %v, want ErrNothingToErase", err)
	}
	// The reason of an erasure may be erased as well.
	if err := erase(3); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(m); err != nil {
		t.Errorf("after the erasure of an erasure's reason: %v", err)
	}
	for name, damage := range map[string]struct {
		record Record
		want   error
	}{
		"details missing":         {Record{Leaf: kept.Leaf}, ErrNoDetails},
		"erased by another entry": {Record{Leaf: kept.Leaf, ErasedBy: 5}, nil},
		"erased by the future":    {Record{Leaf: kept.Leaf, ErasedBy: 99}, nil},
		"erased by itself":        {Record{Leaf: kept.Leaf, ErasedBy: 1}, nil},
		"erased details restored": {kept, nil},
	} {
		erased := m.records[1]
		m.records[1] = damage.record
		var found *DamageError
		if _, err := Verify(m); !errors.As(err, &found) || found.Index != 1 {
			t.Errorf("%s: %v, want damage at entry 1", name, err)
		}
		if _, err := m.records[1].Entry(); damage.want != nil && !errors.Is(err, damage.want) {
			t.Errorf("%s: %v, want %v", name, err, damage.want)
		}
		m.records[1] = erased
	}
}

// TestRollback: a log that was cut back contradicts an earlier checkpoint.
func TestRollback(t *testing.T) {
	t.Parallel()
	m := newMemory()
	grow(t, m, 9)
	witnessed, err := Root(m, 9)
	if err != nil {
		t.Fatal(err)
	}
	m.size = 6
	for i := range 3 { // other entries in the place of the lost ones
		if _, err := Append(m, entry(t, 100+i)); err != nil {
			t.Fatal(err)
		}
	}
	now, err := Verify(m)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(now, witnessed) {
		t.Error("a log with other entries has the witnessed root")
	}
}
