package records

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/pki/audit"
)

// maxBatch is how many entries a commit begins to take: it bounds the pages that
// one transaction holds.
const maxBatch = 4096

// appender commits the entries of callers that come together in one transaction.
// While one commit is under way, the next batch gathers.
type appender struct {
	mu      sync.Mutex
	waiting []*submission // guarded by mu
	running bool          // guarded by mu: a goroutine commits what waits

	// edge is the log's right edge after the last commit here, owned by the
	// goroutine that commits. It saves reading, and is not the truth: it counts only
	// if the log in the transaction has its size.
	edge audit.Edge
}

// submission is what one caller appends.
type submission struct {
	records []audit.Record
	done    chan struct{} // closed when the fields below are set
	batch   *audit.Batch
	first   int // of its records within the batch
	err     error
}

// Append adds entries that record an act without a write of its own, such as a look
// at a licence. It returns when they are on the disk, with their receipts in the
// order of the records, all in the log of one size. Callers that come together share
// one fsync.
//
// A context that ends before the entries' turn has come withdraws them; nothing was
// written then. After that it no longer counts: the caller is told how it ended. An
// error of the disk itself leaves open whether the entries are there.
func (s *Store) Append(ctx context.Context, records ...audit.Record) ([]audit.Receipt, error) {
	if len(records) == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("appending to the audit log: %w", err)
	}
	// Checked here, so that nobody's record spoils the batch of others.
	for _, r := range records {
		if _, err := r.Entry(); err != nil {
			return nil, fmt.Errorf("appending to the audit log: %w", err)
		}
	}
	sub := &submission{records: records, done: make(chan struct{})}
	s.appender.mu.Lock()
	s.appender.waiting = append(s.appender.waiting, sub)
	if !s.appender.running {
		s.appender.running = true
		go s.commitWaiting()
	}
	s.appender.mu.Unlock()
	select {
	case <-sub.done:
	case <-ctx.Done():
		if s.appender.withdraw(sub) {
			return nil, fmt.Errorf("appending to the audit log: %w", ctx.Err())
		}
		<-sub.done
	}
	if sub.err != nil {
		return nil, fmt.Errorf("appending to the audit log: %w", sub.err)
	}
	receipts := make([]audit.Receipt, len(records))
	for i := range receipts {
		receipts[i] = sub.batch.Receipt(sub.first + i)
	}
	return receipts, nil
}

// withdraw takes a submission out of those that wait and reports whether it was
// still there.
func (a *appender) withdraw(sub *submission) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.waiting, sub)
	if i < 0 {
		return false
	}
	a.waiting = slices.Delete(a.waiting, i, i+1)
	return true
}

// take returns what the next commit holds; nil ends the goroutine that commits.
func (a *appender) take() []*submission {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, entries := 0, 0
	for n < len(a.waiting) && entries < maxBatch {
		entries += len(a.waiting[n].records)
		n++
	}
	taken := slices.Clone(a.waiting[:n])
	a.waiting = slices.Delete(a.waiting, 0, n)
	if n == 0 {
		a.running = false
	}
	return taken
}

// commitWaiting commits until nobody waits.
func (s *Store) commitWaiting() {
	for {
		taken := s.appender.take()
		if len(taken) == 0 {
			return
		}
		batch, err := s.appendAll(taken)
		first := 0
		for _, sub := range taken {
			sub.batch, sub.first, sub.err = batch, first, err
			first += len(sub.records)
			close(sub.done)
		}
	}
}

// appendAll appends submissions in one transaction.
func (s *Store) appendAll(submissions []*submission) (*audit.Batch, error) {
	var records []audit.Record
	for _, sub := range submissions {
		records = append(records, sub.records...)
	}
	edge := s.appender.edge
	// Whatever goes wrong from here on, the next commit asks the database.
	s.appender.edge = audit.Edge{}
	var batch *audit.Batch
	err := s.engine.Update(context.Background(), func(tx kv.Tx) error {
		l := s.log(tx)
		size, err := l.Size()
		if err != nil {
			return err
		}
		// Acts append in transactions of their own, so the log may have grown.
		if edge.Size() != size {
			if edge, err = audit.ReadEdge(l, size); err != nil {
				return err
			}
		}
		batch, err = audit.AppendTo(l, edge, records)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.appender.edge = batch.Edge()
	return batch, nil
}
