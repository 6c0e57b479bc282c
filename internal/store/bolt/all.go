package bolt

import (
	"bytes"
	"iter"
	"slices"
)

// All implements [kv.Index].
func (i *index) All() iter.Seq2[[]byte, []byte] { return i.From(nil) }

// From implements [kv.Index]: the runs and what the transaction adds, merged.
func (i *index) From(key []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		size := i.size()
		added, removed := i.pending.sorted()
		// The newest first, so that the first of equal entries is the one that counts.
		sources := []*source{{entries: added[sortedPlace(added, key, size):], newest: true}}
		for _, r := range slices.Backward(i.runs) {
			sources = append(sources, &source{run: r, at: r.search(key)})
		}
		for {
			var e []byte
			from := -1
			for n, s := range sources {
				if head := s.head(size); head != nil && (e == nil || bytes.Compare(head, e) < 0) {
					e, from = head, n
				}
			}
			if e == nil {
				return
			}
			hidden := !sources[from].newest && holds(removed, e)
			for n, s := range sources {
				hidden = hidden || n < from && s.run != nil && holds(s.run.marks, e)
				if bytes.Equal(s.head(size), e) {
					s.next(size)
				}
			}
			if !hidden && !yield(e[:i.spec.KeySize], e[i.spec.KeySize:]) {
				return
			}
		}
	}
}

// source are the entries of a run, or of the transaction.
type source struct {
	run     *run
	at      int
	entries []byte
	newest  bool
}

// head returns the entry that is next, nil: there is none.
func (s *source) head(size int) []byte {
	switch {
	case s.run != nil && s.at < s.run.entries:
		return s.run.entry(s.at)
	case s.run == nil && len(s.entries) > 0:
		return s.entries[:size]
	default:
		return nil
	}
}

func (s *source) next(size int) {
	if s.run != nil {
		if s.at++; s.at%s.run.each == 0 {
			s.run.touch(s.run.each * size)
		}
	} else {
		s.entries = s.entries[size:]
	}
}

// holds reports whether an entry is among sorted ones.
func holds(sorted, e []byte) bool {
	at := sortedPlace(sorted, e, len(e))
	return at < len(sorted) && bytes.Equal(sorted[at:at+len(e)], e)
}
