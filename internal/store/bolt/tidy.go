package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
)

// Tidy rewrites an index without entries that were removed from it and still lie in runs,
// hidden by the marks of newer ones: a run that is full is not merged any more, so they
// might lie there for ever. It takes a transaction for each run that has some, and may be cut
// off. The pages where they lay are free, and keep what they hold until they are written to.
func (e *Engine) Tidy(ctx context.Context, name string) error {
	next, more := uint32(0), true
	for more {
		err := e.Update(ctx, func(t kv.Tx) error {
			var err error
			next, more, err = t.(*tx).Index(name).(*index).tidy(next)
			return err
		})
		if err != nil {
			return fmt.Errorf("tidying index %s of the store: %w", name, err)
		}
	}
	return nil
}

// tidy rewrites the first run from a number on that needs it, and returns the number behind
// it. Runs come oldest first, so that what a run's marks hide is gone when its turn comes, but
// for what was hidden since.
func (i *index) tidy(from uint32) (uint32, bool, error) {
	for _, number := range i.merged {
		if err := i.bucket.DeleteBucket(runKey(number)); err != nil {
			return 0, false, err
		}
	}
	for n, r := range i.runs {
		if r.number < from {
			continue
		}
		entries := r.merge(make([]byte, 0, r.entries*r.size), nil, nil)
		for _, newer := range i.runs[n+1:] {
			entries = minus(entries, newer.marks, r.size)
		}
		marks := i.marksNeeded(n)
		if len(entries) == r.entries*r.size && len(marks) == len(r.marks) {
			continue
		}
		if err := i.bucket.DeleteBucket(runKey(r.number)); err != nil {
			return 0, false, err
		}
		if len(entries)+len(marks) > 0 {
			b, err := i.bucket.CreateBucket(runKey(r.number))
			if err != nil {
				return 0, false, err
			}
			if err := writeRun(b, entries, marks, r.size, i.shape); err != nil {
				return 0, false, err
			}
		}
		return r.number + 1, true, nil
	}
	return 0, false, nil
}

// marksNeeded returns the marks of a run that hide something in an older one.
func (i *index) marksNeeded(n int) []byte {
	var needed []byte
	for mark := range slices.Chunk(i.runs[n].marks, i.size()) {
		if slices.ContainsFunc(i.runs[:n], func(older *run) bool { return older.has(mark) }) {
			needed = append(needed, mark...)
		}
	}
	return needed
}

// has reports whether an entry lies in the run.
func (r *run) has(entry []byte) bool {
	at := r.search(entry)
	return at < r.entries && bytes.Equal(r.entry(at), entry)
}

// minus takes sorted entries out of others, in place.
func minus(entries, taken []byte, size int) []byte {
	if len(taken) == 0 {
		return entries
	}
	kept := entries[:0]
	for e := range slices.Chunk(entries, size) {
		for len(taken) > 0 && less(taken[:size], e) {
			taken = taken[size:]
		}
		if len(taken) == 0 || !bytes.Equal(taken[:size], e) {
			kept = append(kept, e...)
		}
	}
	return kept
}
