package records

import (
	"context"
	"sync"

	"github.com/elicence/elicence/internal/store/kv"
)

// maxTogether bounds the writes of one transaction, and with them the pages that it
// holds.
const maxTogether = 1024

// commits lets callers that come together share a transaction and its fsync. While one
// transaction is under way the writes for the next one gather, so that a batch is as
// large as the disk is slow and a caller alone does not wait.
type commits struct {
	mu      sync.Mutex
	waiting []*write // guarded by mu
	running bool     // guarded by mu: a goroutine commits what waits
}

// write is what one caller does in a transaction.
type write struct {
	reads func(reads) // says what do will look up; nil: it does not say
	do    func(kv.Tx) error
	err   error
	done  chan struct{} // closed when err is set
}

// reads is what transactions will look up: keys by the name of their table or index. An
// engine that is far away gets it in one trip for all of them.
type reads struct{ tables, indexes map[string][][]byte }

func newReads() reads { return reads{make(map[string][][]byte), make(map[string][][]byte)} }

func (r reads) fetch(tx kv.Tx) {
	for name, keys := range r.tables {
		tx.Table(name).Fetch(keys)
	}
	for name, keys := range r.indexes {
		tx.Index(name).Fetch(keys)
	}
}

// together runs a write in a transaction with those of other callers, and returns when
// it is on the disk. It may be run more than once, so it must not change anything but
// what it sets anew each time.
func (s *Store) together(ctx context.Context, do func(kv.Tx) error) error {
	return s.togetherReading(ctx, nil, do)
}

// togetherReading is together for a write that says what it will look up.
func (s *Store) togetherReading(_ context.Context, what func(reads), do func(kv.Tx) error) error {
	w := &write{reads: what, do: do, done: make(chan struct{})}
	s.commits.mu.Lock()
	s.commits.waiting = append(s.commits.waiting, w)
	if !s.commits.running {
		s.commits.running = true
		go s.runTogether()
	}
	s.commits.mu.Unlock()
	<-w.done
	return w.err
}

// runTogether commits until nobody waits.
func (s *Store) runTogether() {
	for {
		s.commits.mu.Lock()
		n := min(len(s.commits.waiting), maxTogether)
		taken := s.commits.waiting[:n:n]
		s.commits.waiting = s.commits.waiting[n:]
		if n == 0 {
			s.commits.waiting, s.commits.running = nil, false
		}
		s.commits.mu.Unlock()
		if n == 0 {
			return
		}
		s.commitTogether(taken)
	}
}

// commitTogether runs writes in one transaction. One that fails leaves it, so that
// nobody's failure is another's, and is run by itself: what it saw may have been the
// write of a neighbour that came to nothing.
func (s *Store) commitTogether(writes []*write) {
	// The callers' contexts are many, and the commit is bound to none.
	ctx := context.Background()
	for len(writes) > 0 {
		failed := -1
		err := s.db.Update(ctx, func(tx kv.Tx) error {
			all := newReads()
			for _, w := range writes {
				if w.reads != nil {
					w.reads(all)
				}
			}
			all.fetch(tx)
			for i, w := range writes {
				if err := w.do(tx); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
		if failed < 0 {
			for _, w := range writes {
				w.err = err
				close(w.done)
			}
			return
		}
		alone := writes[failed]
		writes = append(writes[:failed:failed], writes[failed+1:]...)
		alone.err = s.db.Update(ctx, alone.do)
		close(alone.done)
	}
}
