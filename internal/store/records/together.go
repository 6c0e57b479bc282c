package records

import (
	"context"
	"slices"
	"sync"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/pki/audit"
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

// write is what one caller does in a transaction: something that fails as a whole, or
// the issue of licences, which are refused one by one.
type write struct {
	// do returns the entries of the log that are appended with those of the others, in one
	// piece.
	do      func(kv.Tx) ([]audit.Record, error)
	quiet   bool // it is not among [Store.Generation]
	issues  []*issue
	results []result
	err     error
	done    chan struct{} // closed when err is set
}

// together runs a write in a transaction with those of other callers, and returns when
// it is on the disk. It may be run more than once, so it must not change anything but
// what it sets anew each time.
func (s *Store) together(_ context.Context, do func(kv.Tx) error) error {
	return s.commit(&write{do: func(tx kv.Tx) ([]audit.Record, error) { return nil, do(tx) }})
}

// quietlyTogether is together for what is not among [Store.Generation], and that returns the
// entries of the log which record it.
func (s *Store) quietlyTogether(_ context.Context, do func(kv.Tx) ([]audit.Record, error)) error {
	return s.commit(&write{do: do, quiet: true})
}

// issueTogether stores licences in a transaction with the writes of other callers.
func (s *Store) issueTogether(issues []*issue) ([]result, error) {
	w := &write{issues: issues, results: make([]result, len(issues)), quiet: true}
	err := s.commit(w)
	return w.results, err
}

func (s *Store) commit(w *write) error {
	w.done = make(chan struct{})
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
	db := s.engine
	if slices.ContainsFunc(writes, func(w *write) bool { return !w.quiet }) {
		db = s.db
	}
	for len(writes) > 0 {
		failed := -1
		err := db.Update(ctx, func(tx kv.Tx) error {
			var err error
			if failed, err = s.doAll(tx, writes); err != nil {
				return err
			}
			return s.issueAll(tx, writes)
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
		alone.err = db.Update(ctx, func(tx kv.Tx) error {
			_, err := s.doAll(tx, []*write{alone})
			return err
		})
		close(alone.done)
	}
}

// doAll runs what the callers do, and appends their entries to the log. Where one of them
// fails it says which, else -1.
func (s *Store) doAll(tx kv.Tx, writes []*write) (int, error) {
	var entries []audit.Record
	for i, w := range writes {
		if w.do == nil {
			continue
		}
		more, err := w.do(tx)
		if err != nil {
			return i, err
		}
		entries = append(entries, more...)
	}
	return -1, s.appendAudit(tx, entries...)
}

// issueAll stores the licences of all callers, with their entries of the audit log in one
// piece.
func (s *Store) issueAll(tx kv.Tx, writes []*write) error {
	var issues []*issue
	for _, w := range writes {
		issues = append(issues, w.issues...)
	}
	if len(issues) == 0 {
		return nil
	}
	results := make([]result, len(issues))
	if err := s.storeAll(tx, issues, results); err != nil {
		return err
	}
	for _, w := range writes {
		n := copy(w.results, results)
		results = results[n:]
	}
	return nil
}
