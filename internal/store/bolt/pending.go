package bolt

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// pending are entries that a transaction adds to an index, or removes from it, until they
// become a run. They lie one behind the other, in the order in which they came; entries of
// look-up keys with the same hash are chained. A transaction of thousands of licences has
// some of each, so there is no piece of memory for every one.
type pending struct {
	keySize, size int
	entries       []byte           // look-up key ‖ reference
	before        []int32          // of each entry: the one before it in its chain; none, or gone
	last          map[uint64]int32 // hash of a look-up key → the last entry of its chain; nil before the first
	gone          int              // entries that were taken out again
	seed          maphash.Seed
}

// In the place of an entry's number.
const (
	none = -1 // the chain ends
	gone = -2 // the entry was taken out
)

func (p *pending) entry(i int32) []byte { return p.entries[int(i)*p.size:][:p.size:p.size] }

// chain returns the hash of a look-up key and the last entry of its chain.
func (p *pending) chain(key []byte) (uint64, int32) {
	if p.last == nil {
		return 0, none
	}
	hash := maphash.Bytes(p.seed, key)
	if last, there := p.last[hash]; there {
		return hash, last
	}
	return hash, none
}

// add adds an entry that may be there.
func (p *pending) add(key, ref []byte) {
	if p.last == nil {
		p.last, p.seed = make(map[uint64]int32), maphash.MakeSeed()
	}
	hash, last := p.chain(key)
	for i := last; i != none; i = p.before[i] {
		if e := p.entry(i); bytes.Equal(e[:p.keySize], key) && bytes.Equal(e[p.keySize:], ref) {
			return
		}
	}
	p.last[hash] = int32(len(p.before)) //nolint:gosec // they are in memory
	p.before = append(p.before, last)
	p.entries = append(append(p.entries, key...), ref...)
}

// remove takes out an entry that may not be there.
func (p *pending) remove(key, ref []byte) {
	hash, last := p.chain(key)
	behind := int32(none)
	for i := last; i != none; behind, i = i, p.before[i] {
		if e := p.entry(i); !bytes.Equal(e[:p.keySize], key) || !bytes.Equal(e[p.keySize:], ref) {
			continue
		}
		switch {
		case behind != none:
			p.before[behind] = p.before[i]
		case p.before[i] == none:
			delete(p.last, hash)
		default:
			p.last[hash] = p.before[i]
		}
		p.before[i] = gone
		p.gone++
		return
	}
}

// refs returns the references of a look-up key, one behind the other.
func (p *pending) refs(key []byte) []byte {
	var refs []byte
	_, last := p.chain(key)
	for i := last; i != none; i = p.before[i] {
		if e := p.entry(i); bytes.Equal(e[:p.keySize], key) {
			refs = append(refs, e[p.keySize:]...)
		}
	}
	return refs
}

// len is how many entries there are.
func (p *pending) len() int { return len(p.before) - p.gone }

// sorted returns the entries in order, one behind the other.
func (p *pending) sorted() []byte {
	type place struct {
		head  uint64 // decides nearly always
		entry int32
	}
	places := make([]place, 0, p.len())
	for i, before := range p.before {
		if before != gone {
			places = append(places, place{head(p.entry(int32(i))), int32(i)}) //nolint:gosec // they are in memory
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return bytes.Compare(p.entry(a.entry), p.entry(b.entry))
	})
	out := make([]byte, 0, len(places)*p.size)
	for _, at := range places {
		out = append(out, p.entry(at.entry)...)
	}
	return out
}
