package audit

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

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
		if index, err := Append(m, r); err != nil || index != n {
			t.Fatalf("Append = %d, %v, want %d", index, err, n)
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

func entryBytes(tb testing.TB, i int) []byte { return entry(tb, i).Leaf }

// TestErasure: with key and details erased the entry still verifies, and nothing
// in it gives the details away.
func TestErasure(t *testing.T) {
	t.Parallel()
	m := newMemory()
	grow(t, m, 3)
	before, err := Verify(m)
	if err != nil {
		t.Fatal(err)
	}
	r := m.records[1]
	if bytes.Contains(r.Leaf, r.Details) {
		t.Error("the entry holds its details")
	}
	r.Key, r.Details = nil, nil
	m.records[1] = r
	after, err := Verify(m)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("after erasure: %x, %v, want %x", after, err, before)
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
