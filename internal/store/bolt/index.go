package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/kv"
)

// index is an index within a transaction: its runs, and what the transaction adds and
// removes, which becomes a run when it ends.
type index struct {
	spec   kv.IndexSpec
	shape  shape
	bucket *bbolt.Bucket
	runs   []*run   // oldest first
	merged []uint32 // numbers of large runs that were merged, and are taken apart
	next   uint32   // number of the next run
	touch  func(bytes int)

	pending pending
	// Look-up keys that are known to be in no run; see Fetch.
	absent map[string]bool
}

var _ kv.Index = (*index)(nil)

// openIndex opens an index. Damaged is told what is not as it was written, touch how many bytes
// of the map are read.
func openIndex(b *bbolt.Bucket, spec kv.IndexSpec, s shape, damaged func(error), touch func(int)) *index {
	i := &index{spec: spec, shape: s, bucket: b, touch: touch, next: 1, pending: pending{keySize: spec.KeySize, size: spec.KeySize + spec.RefSize}}
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		r := b.Bucket(k)
		if len(k) != 4 || r == nil {
			damaged(fmt.Errorf("entry %x is not a run", k))
			continue
		}
		number := binary.BigEndian.Uint32(k)
		i.next = number + 1
		if r.Sequence() == 0 {
			i.merged = append(i.merged, number)
			continue
		}
		i.runs = append(i.runs, openRun(number, r, i.size(), s, damaged, touch))
	}
	return i
}

// size is that of an entry.
func (i *index) size() int { return i.spec.KeySize + i.spec.RefSize }

func (i *index) check(key, ref []byte) error {
	if len(key) != i.spec.KeySize || len(ref) != i.spec.RefSize {
		return fmt.Errorf("an entry of index %s has %d and %d bytes, want %d and %d", i.spec.Name, len(key), len(ref), i.spec.KeySize, i.spec.RefSize)
	}
	if !i.bucket.Writable() {
		return errors.New("the transaction cannot write")
	}
	return nil
}

// Add implements [kv.Index].
func (i *index) Add(key, ref []byte) error {
	if err := i.check(key, ref); err != nil {
		return err
	}
	i.pending.put(key, ref, false)
	return nil
}

// Remove implements [kv.Index].
func (i *index) Remove(key, ref []byte) error {
	if err := i.check(key, ref); err != nil {
		return err
	}
	i.pending.put(key, ref, true)
	return nil
}

// position returns where a reference is among others, -1: nowhere.
func position(refs, ref []byte) int {
	for at := 0; at < len(refs); at += len(ref) {
		if bytes.Equal(refs[at:at+len(ref)], ref) {
			return at
		}
	}
	return -1
}

// Find implements [kv.Index].
func (i *index) Find(key []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(key) != i.spec.KeySize {
			panic(fmt.Sprintf("bolt: a look-up key of index %s has %d bytes", i.spec.Name, len(key)))
		}
		seen := seen{size: i.spec.RefSize}
		for ref, removed := range i.pending.of(key) {
			if seen.isNew(ref) && !removed && !yield(ref) {
				return
			}
		}
		if i.absent[string(key)] {
			return
		}
		for _, r := range slices.Backward(i.runs) {
			// Marks hide what is older, so they count behind the entries of their run.
			for at := r.search(key); at < r.entries; at++ {
				e := r.entry(at)
				if !bytes.HasPrefix(e, key) {
					break
				}
				if ref := e[len(key):]; seen.isNew(ref) && !yield(ref) {
					return
				}
			}
			for at := sortedPlace(r.marks, key, r.size); at < len(r.marks) && bytes.HasPrefix(r.marks[at:], key); at += r.size {
				seen.isNew(r.marks[at+len(key) : at+r.size])
			}
		}
	}
}

// sortedPlace returns the offset of the first of sorted entries that is not before a key.
func sortedPlace(entries, key []byte, size int) int {
	low, high := 0, len(entries)/size
	for low < high {
		middle := (low + high) / 2
		if bytes.Compare(entries[middle*size:(middle+1)*size], key) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low * size
}

// seen are the references that were given out or hidden.
type seen struct {
	refs []byte // few: one behind the other
	size int
	many map[string]bool // many
}

// few is how many references are looked through one by one.
const few = 32

// isNew reports whether a reference was not seen before, and remembers it.
func (s *seen) isNew(ref []byte) bool {
	if s.many != nil {
		if s.many[string(ref)] {
			return false
		}
		s.many[string(ref)] = true
		return true
	}
	if position(s.refs, ref) >= 0 {
		return false
	}
	s.refs = append(s.refs, ref...)
	if len(s.refs) > few*s.size {
		s.many = make(map[string]bool)
		for r := range slices.Chunk(s.refs, s.size) {
			s.many[string(r)] = true
		}
	}
	return true
}

// Fetch implements [kv.Index]: it finds out which of the look-up keys no run has, as it is with
// nearly all of thousands of new licences. Keys are taken in the order in which entries lie, so
// that no part of a run is gone to twice, wherever its pages are meanwhile.
func (i *index) Fetch(keys [][]byte) {
	if len(keys) < 2 || len(i.runs) == 0 || slices.ContainsFunc(keys, func(key []byte) bool { return len(key) != i.spec.KeySize }) {
		return
	}
	sorted := slices.SortedFunc(slices.Values(keys), bytes.Compare)
	there := make([]bool, len(sorted))
	for _, r := range i.runs {
		at := 0
		for n, key := range sorted {
			at = r.searchFrom(at, key)
			there[n] = there[n] || at < r.entries && bytes.HasPrefix(r.entry(at), key)
		}
	}
	i.absent = make(map[string]bool, len(sorted))
	for n, key := range sorted {
		if !there[n] {
			i.absent[string(key)] = true
		}
	}
}

// flush writes what the transaction has added and removed as a run, together with the
// newest runs up to one that is much larger than all of them. Where more than a few were
// merged already in this transaction, the large runs wait for the next. It returns how many it has
// written.
func (i *index) flush(merged int) (int, error) {
	entries, marks := i.pending.sorted()
	total := (len(entries) + len(marks)) / i.size()
	if total == 0 {
		return 0, nil
	}
	kept := len(i.runs)
	for ; kept > 0; kept-- {
		w := i.runs[kept-1].weight()
		if w >= i.shape.growth*total || total+w > i.shape.full || merged > i.shape.large && total+w > i.shape.large {
			break
		}
		total += w
	}
	for _, r := range slices.Backward(i.runs[kept:]) {
		entries = r.merge(make([]byte, 0, r.entries*r.size+len(entries)), entries, marks)
		i.touch(len(r.marks))
		marks = union(r.marks, marks, r.size)
	}
	if kept == 0 {
		marks = nil // there is nothing older to hide
	}
	// The buckets go when all is read: entries are in their pages.
	most := i.shape.apart
	if len(i.merged) > manyMerged {
		most = max(most, i.leaves(kept))
	}
	if err := i.takeApart(most); err != nil {
		return 0, err
	}
	for _, r := range i.runs[kept:] {
		if err := i.retire(r); err != nil {
			return 0, err
		}
	}
	if len(entries)+len(marks) == 0 {
		return 0, nil
	}
	b, err := i.bucket.CreateBucket(runKey(i.next))
	if err != nil {
		return 0, err
	}
	return total, writeRun(b, entries, marks, i.size(), i.shape)
}

// isLarge reports that a run which was merged is left for later transactions to take apart.
func (i *index) isLarge(r *run) bool { return r.bytes() > i.shape.apart }

// manyMerged is from how many merged runs on a transaction gives back no fewer bytes than it
// leaves: they would else grow as long as much comes. It takes more memory than the part of one.
const manyMerged = 16

// leaves is how many bytes are left to be taken apart of the runs from one on.
func (i *index) leaves(kept int) int {
	left := 0
	for _, r := range i.runs[kept:] {
		if i.isLarge(r) {
			left += r.bytes()
		}
	}
	return left
}

// retire leaves out a run that was merged.
func (i *index) retire(r *run) error {
	if i.isLarge(r) {
		return r.bucket.SetSequence(0)
	}
	i.touch(r.bytes())
	return i.bucket.DeleteBucket(runKey(r.number))
}

// takeApart gives the file back so many bytes of the large runs that earlier transactions have
// merged.
func (i *index) takeApart(most int) error {
	for _, number := range i.merged {
		if most <= 0 {
			break
		}
		given, err := i.takeRunApart(number, most)
		if err != nil {
			return err
		}
		most -= given
	}
	return nil
}

// takeRunApart is takeApart of one run, from its end. It returns how many bytes that were.
func (i *index) takeRunApart(number uint32, most int) (int, error) {
	b := i.bucket.Bucket(runKey(number))
	var parts [][]byte
	given, c := 0, b.Cursor()
	key, part := c.Last()
	for ; key != nil && given < most; key, part = c.Prev() {
		parts, given = append(parts, key), given+len(part)
		i.touch(len(part))
	}
	if key == nil && given <= i.shape.apart {
		return given, i.bucket.DeleteBucket(runKey(number))
	}
	for _, key := range parts {
		if err := b.Delete(key); err != nil {
			return given, err
		}
	}
	return given, nil
}

func runKey(number uint32) []byte { return binary.BigEndian.AppendUint32(nil, number) }
