package bolt

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPending: what is pending is a set, however entries come and go, and however many
// look-up keys begin alike.
func TestPending(t *testing.T) {
	t.Parallel()
	const keySize, refSize = 9, 2
	r := rand.New(rand.NewPCG(1, 2))
	p := pending{keySize: keySize, size: keySize + refSize}
	want := make(map[string]bool)
	for range 20_000 {
		key := append(make([]byte, keySize-1), byte(r.IntN(40)))
		ref := binary.BigEndian.AppendUint16(nil, uint16(r.IntN(20)))
		entry := string(key) + string(ref)
		if r.IntN(3) == 0 {
			p.remove(key, ref)
			delete(want, entry)
		} else {
			p.add(key, ref)
			want[entry] = true
		}
	}
	var all []string
	for entry := range want {
		all = append(all, entry)
	}
	slices.Sort(all)
	var sorted []byte
	refs := make(map[string][]string)
	for _, entry := range all {
		sorted = append(sorted, entry...)
		refs[entry[:keySize]] = append(refs[entry[:keySize]], entry[keySize:])
	}
	if p.len() != len(all) || !bytes.Equal(p.sorted(), sorted) {
		t.Fatalf("%d entries are pending, want %d", p.len(), len(all))
	}
	for c := range byte(41) {
		key := append(make([]byte, keySize-1), c)
		var found []string
		for ref := range slices.Chunk(p.refs(key), refSize) {
			found = append(found, string(ref))
		}
		slices.Sort(found)
		if !slices.Equal(found, refs[string(key)]) {
			t.Errorf("key %d has references %x, want %x", c, found, refs[string(key)])
		}
	}
}
