package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// Entries of an index come in random order, and a page of a B+tree that holds a hundred
// of them would be read, written and fsynced for each. So they lie in runs: sorted,
// without anything between them, never changed once they are written. A transaction
// writes its entries as one new run, together with the newest runs that are not much
// larger (see flush), so that there are few of them, each some times as large as the
// next.
//
// A run is a bucket of its own, named by its number, with segments of a fixed number of
// entries. Its sequence is twice the number of entries, and one more if it has marks. What
// was removed is in the marks: they hide entries of older runs, not its own. A bucket whose
// sequence is 0 is what is left of a large run that was merged into another one.

// shape is how runs are laid out.
type shape struct {
	// segment is the size of a segment in bytes: two of them fill sixteen pages of a
	// leaf.
	segment int
	// growth is how many times larger than all newer ones a run is before it is left
	// alone. A larger one means fewer runs, and that each is written more often.
	growth int
	// full is how many entries a run has at most, and with them how long the longest
	// commit takes and what it holds in memory (twice a run).
	full int
	// large is a merge of which a transaction does one: those of other indexes wait for
	// the next one.
	large int
	// apart is how many bytes of merged runs a transaction gives back to the file, unless many
	// wait: bbolt goes to every page of them, in one call, and what it has gone to is in memory.
	apart int
}

func defaultShape() shape {
	return shape{segment: (16*4096 - 16 - 2*(16+4)) / 2, growth: 4, full: 1 << 22, large: 1 << 18, apart: 8 << 20}
}

var keyMarks = []byte("marks")

// run is a run within a transaction.
type run struct {
	number  uint32
	bucket  *bbolt.Bucket
	size    int // of an entry
	each    int // entries of a segment
	entries int
	damaged func(error)
	touch   func(bytes int)
	marks   []byte // sorted entries that are hidden in older runs

	// Segments that were read: all in a transaction that writes, which looks up much, the
	// last one in others.
	segments [][]byte
	last     []byte
	lastAt   int
}

func openRun(number uint32, b *bbolt.Bucket, size int, s shape, damaged func(error), touch func(int)) *run {
	r := &run{number: number, bucket: b, size: size, each: s.segment / size, damaged: damaged, touch: touch}
	if n := b.Sequence() / 2; n > 1<<30 {
		damaged(fmt.Errorf("run %d has %d entries", number, n))
	} else {
		r.entries = int(n) //nolint:gosec // was compared
	}
	if b.Sequence()%2 == 1 {
		r.marks = b.Get(keyMarks)
		if len(r.marks) == 0 || len(r.marks)%size != 0 {
			damaged(fmt.Errorf("the marks of run %d have %d bytes", number, len(r.marks)))
			r.marks = nil
		}
	}
	if b.Writable() {
		r.segments = make([][]byte, r.parts())
	}
	return r
}

// parts is how many segments the run has.
func (r *run) parts() int { return (r.entries + r.each - 1) / r.each }

// weight is what it costs to write the run again.
func (r *run) weight() int { return r.entries + len(r.marks)/r.size }

// bytes is how long the run is.
func (r *run) bytes() int { return r.entries*r.size + len(r.marks) }

func segmentKey(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) } //nolint:gosec // few

// segment returns the entries of a segment. Of one that is not as long as it was written
// they are zeros, and the transaction fails.
func (r *run) segment(i int) []byte {
	switch {
	case r.segments != nil && r.segments[i] != nil:
		return r.segments[i]
	case r.last != nil && r.lastAt == i:
		return r.last
	}
	s := r.bucket.Get(segmentKey(i))
	r.touch(len(s))
	if want := r.size * min(r.each, r.entries-i*r.each); len(s) != want {
		r.damaged(fmt.Errorf("segment %d of run %d has %d bytes, want %d", i, r.number, len(s), want))
		s = make([]byte, want)
	}
	if r.segments != nil {
		r.segments[i] = s
	} else {
		r.last, r.lastAt = s, i
	}
	return s
}

func (r *run) entry(i int) []byte {
	s, at := r.segment(i/r.each), i%r.each*r.size
	return s[at : at+r.size]
}

// search returns the position of the first entry that is not before a key.
func (r *run) search(key []byte) int {
	r.touch(min(2*window, r.bytes()))
	return r.searchFrom(0, key)
}

// searchFrom is search where no entry that is before a position can be the one. Keys are
// hashes nearly always, so the place of one among the others is where its value is
// between theirs, or close to it.
func (r *run) searchFrom(low int, key []byte) int {
	const guesses = 6
	high := r.entries // it is in [low, high]
	if low == high {
		return high
	}
	want := head(key)
	first, last := head(r.entry(low)), head(r.entry(high-1))
	for n := 0; low < high; n++ {
		middle := low + (high-low)/2
		if n < guesses && want >= first && want <= last && last > first {
			// In floating point the guess may be off by a few places, and is only a guess.
			share := float64(want-first) / float64(last-first)
			middle = min(low+int(share*float64(high-low)), high-1)
		}
		e := r.entry(middle)
		if bytes.Compare(e, key) < 0 {
			low, first = middle+1, head(e)
		} else {
			high, last = middle, head(e)
		}
	}
	return low
}

// head is the beginning of an entry as a number.
func head(entry []byte) uint64 {
	if len(entry) >= 8 {
		return binary.BigEndian.Uint64(entry)
	}
	var b [8]byte
	copy(b[:], entry)
	return binary.BigEndian.Uint64(b[:])
}

// less orders entries.
func less(a, b []byte) bool {
	if x, y := head(a), head(b); x != y {
		return x < y
	}
	return bytes.Compare(a, b) < 0
}

// merge appends to out what the run and a newer one hold together: its entries without
// those that the newer one hides, and the newer ones.
func (r *run) merge(out, newer, hidden []byte) []byte {
	size := r.size
	for s := range r.parts() {
		segment := r.segment(s)
		r.touch(len(segment)) // which may have been known
		for ; len(segment) > 0; segment = segment[size:] {
			e := segment[:size]
			for len(newer) > 0 && less(newer[:size], e) {
				out, newer = append(out, newer[:size]...), newer[size:]
			}
			if len(newer) > 0 && bytes.Equal(newer[:size], e) {
				continue // the newer one stands for both
			}
			for len(hidden) > 0 && bytes.Compare(hidden[:size], e) < 0 {
				hidden = hidden[size:]
			}
			if len(hidden) > 0 && bytes.Equal(hidden[:size], e) {
				continue
			}
			out = append(out, e...)
		}
	}
	return append(out, newer...)
}

// union merges sorted entries, each once.
func union(a, b []byte, size int) []byte {
	if len(a) == 0 || len(b) == 0 {
		return append(bytes.Clone(a), b...)
	}
	out := make([]byte, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := bytes.Compare(a[:size], b[:size]); {
		case c < 0:
			out, a = append(out, a[:size]...), a[size:]
		case c > 0:
			out, b = append(out, b[:size]...), b[size:]
		default:
			out, a, b = append(out, a[:size]...), a[size:], b[size:]
		}
	}
	return append(append(out, a...), b...)
}

// writeRun writes a new run into its bucket.
func writeRun(b *bbolt.Bucket, entries, marks []byte, size int, s shape) error {
	b.FillPercent = 1
	sequence := uint64(len(entries)/size) * 2
	if len(marks) > 0 {
		sequence++
	}
	if err := b.SetSequence(sequence); err != nil {
		return err
	}
	each := s.segment / size * size
	for i := 0; len(entries) > 0; i++ {
		n := min(each, len(entries))
		if err := b.Put(segmentKey(i), entries[:n:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	if len(marks) == 0 {
		return nil
	}
	return b.Put(keyMarks, marks)
}
