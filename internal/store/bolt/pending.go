package bolt

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
)

// pending are entries that a transaction adds to an index or removes from it, until they become
// a run. They lie one behind the other, in the order in which they came, and the last of equal
// ones counts; those of look-up keys with the same hash are chained. A transaction of thousands
// of licences has some of each, so there is no piece of memory for every one; and as thousands of
// them may have one holder, none is looked for where another comes.
type pending struct {
	keySize, size int
	entries       []byte           // look-up key ‖ reference
	removed       []bool           // of each entry: it is removed, not added
	before        []int32          // of each entry: the one before it in its chain; none: it is the first
	last          map[uint64]int32 // hash of a look-up key → the last entry of its chain; nil before the first
	seed          maphash.Seed
}

// none stands in the place of an entry's number.
const none = -1

func (p *pending) entry(i int32) []byte { return p.entries[int(i)*p.size:][:p.size:p.size] }

// put notes that an entry is added or removed.
func (p *pending) put(key, ref []byte, removed bool) {
	if p.last == nil {
		p.last, p.seed = make(map[uint64]int32), maphash.MakeSeed()
	}
	hash := maphash.Bytes(p.seed, key)
	before, there := p.last[hash]
	if !there {
		before = none
	}
	p.last[hash] = int32(len(p.before)) //nolint:gosec // they are in memory
	p.before = append(p.before, before)
	p.removed = append(p.removed, removed)
	p.entries = append(append(p.entries, key...), ref...)
}

// of yields the references of a look-up key, the newest first, and whether they are removed. A
// reference may come more than once.
func (p *pending) of(key []byte) iter.Seq2[[]byte, bool] {
	return func(yield func([]byte, bool) bool) {
		if p.last == nil {
			return
		}
		i, there := p.last[maphash.Bytes(p.seed, key)]
		for ; there && i != none; i = p.before[i] {
			if e := p.entry(i); bytes.Equal(e[:p.keySize], key) && !yield(e[p.keySize:], p.removed[i]) {
				return
			}
		}
	}
}

// sorted returns the entries that are added and those that are removed, in order, one behind
// the other.
func (p *pending) sorted() (added, removed []byte) {
	type place struct {
		head  uint64 // decides nearly always
		entry int32
	}
	places := make([]place, len(p.before))
	for i := range places {
		places[i] = place{head(p.entry(int32(i))), int32(i)} //nolint:gosec // they are in memory
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return cmp.Or(bytes.Compare(p.entry(a.entry), p.entry(b.entry)), cmp.Compare(a.entry, b.entry))
	})
	added = make([]byte, 0, len(p.entries))
	for n, at := range places {
		e := p.entry(at.entry)
		switch {
		case n+1 < len(places) && places[n+1].head == at.head && bytes.Equal(p.entry(places[n+1].entry), e):
			continue // the one behind it came later
		case p.removed[at.entry]:
			removed = append(removed, e...)
		default:
			added = append(added, e...)
		}
	}
	return added, removed
}
