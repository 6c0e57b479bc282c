package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPending: of what comes and goes the last counts, however many look-up keys begin alike.
func TestPending(t *testing.T) {
	t.Parallel()
	const keySize, refSize = 9, 2
	r := rand.New(rand.NewPCG(1, 2))
	p := pending{keySize: keySize, size: keySize + refSize}
	removed := make(map[string]bool) // what came, and whether it was removed at last
	for range 20_000 {
		key := append(make([]byte, keySize-1), byte(r.IntN(40)))
		ref := binary.BigEndian.AppendUint16(nil, uint16(r.IntN(20)))
		remove := r.IntN(3) == 0
		p.put(key, ref, remove)
		removed[string(key)+string(ref)] = remove
	}
	var want [2][]byte
	refs := make(map[string]map[string]bool)
	for _, entry := range slices.Sorted(maps.Keys(removed)) {
		key, ref, at := entry[:keySize], entry[keySize:], 0
		if removed[entry] {
			at = 1
		}
		want[at] = append(want[at], entry...)
		if refs[key] == nil {
			refs[key] = make(map[string]bool)
		}
		refs[key][ref] = removed[entry]
	}
	if added, gone := p.sorted(); !bytes.Equal(added, want[0]) || !bytes.Equal(gone, want[1]) {
		t.Fatalf("%d and %d bytes of entries are pending, want %d and %d", len(added), len(gone), len(want[0]), len(want[1]))
	}
	for c := range byte(41) {
		key := append(make([]byte, keySize-1), c)
		found := make(map[string]bool)
		for ref, gone := range p.of(key) {
			if _, newer := found[string(ref)]; !newer {
				found[string(ref)] = gone
			}
		}
		if !maps.Equal(found, refs[string(key)]) {
			t.Errorf("key %d has references %v, want %v", c, found, refs[string(key)])
		}
	}
}

// BenchmarkPendingOfOneHolder: an entry of a look-up key that many have takes no longer than one
// of another, from the first to what is written.
func BenchmarkPendingOfOneHolder(b *testing.B) {
	for _, n := range []int{2_000, 20_000, 200_000} {
		for name, holders := range map[string]int{"one": 1, "each another": n} {
			b.Run(fmt.Sprintf("%d licences, %s", n, name), func(b *testing.B) {
				for b.Loop() {
					p := pending{keySize: 9, size: 14}
					for i := range n {
						// Keys are hashes.
						key := binary.BigEndian.AppendUint64(make([]byte, 1, 9), uint64(i%holders)*0x9e3779b97f4a7c15)
						p.put(key, binary.BigEndian.AppendUint64(nil, uint64(i))[3:], false)
					}
					if added, _ := p.sorted(); len(added) != n*p.size {
						b.Fatalf("%d entries, want %d", len(added)/p.size, n)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
			})
		}
	}
}
