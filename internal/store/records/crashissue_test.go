package records_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
)

// issueDir names, to the process that is killed while it issues licences, the folder with
// the store and its keys.
const issueDir = "ELICENCE_TEST_ISSUE_DIR"

// issueForEver is the process that [TestCrashInIssue] kills: one caller issues licences by
// the hundred, others one by one, and all say what was acknowledged. Beside, if not nil, is
// done beside them.
func issueForEver(dir string, beside func(*records.Store) error) error {
	s, key, err := openIssuing(dir)
	if err != nil {
		return err
	}
	var next atomic.Int64
	next.Store(int64(os.Getpid()%90000) * 10000)
	var mu sync.Mutex // one line at a time
	say := func(all ...licence.Record) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range all {
			if _, err := fmt.Fprintf(os.Stdout, "ack %s %s\n", r.Licence.Number, r.Licence.Identifier); err != nil {
				return err
			}
		}
		return nil
	}
	drafts := func(n int) ([]licence.Submission, error) {
		var all []licence.Submission
		for range n {
			sub, err := draft(s, key, int(next.Add(1)))
			if err != nil {
				return nil, err
			}
			sub.Request = licence.Request{Issuer: sub.Licence.Identifier.Issuer, ID: sub.Licence.Number}
			all = append(all, sub)
		}
		return all, nil
	}
	var group errgroup.Group
	if beside != nil {
		group.Go(func() error { return beside(s) })
	}
	group.Go(func() error {
		for {
			all, err := drafts(200)
			if err != nil {
				return err
			}
			issued, errs := s.IssueAll(context.Background(), all)
			if err := errors.Join(append(errs, say(issued...))...); err != nil {
				return err
			}
		}
	})
	for range 8 {
		group.Go(func() error {
			for {
				all, err := drafts(1)
				if err != nil {
					return err
				}
				r, err := s.Issue(context.Background(), all[0])
				if err == nil {
					err = say(r)
				}
				if err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// TestCrashInIssue kills a process that issues licences at random moments. What it
// acknowledged is found by its number and by its request, and nothing in the store
// contradicts anything else: records, indexes, counts, places in the status lists, log.
func TestCrashInIssue(t *testing.T) {
	t.Parallel()
	dir := newCrashFolder(t)
	acknowledged := make(map[string]string) // number → identifier
	checked := 0
	for range 5 {
		killChild(t, issueDir, dir, 300, time.Duration(rand.IntN(300))*time.Millisecond, func(line string) {
			var number, id string
			if n, _ := fmt.Sscanf(line, "ack %s %s\n", &number, &id); n != 2 {
				t.Fatalf("the process says %q", line)
			}
			acknowledged[number] = id
		})
		s, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		checked += checkIssued(t, s, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if checked < 1500 {
		t.Errorf("only %d licences were acknowledged: this proves little", checked)
	}
}

func checkIssued(t *testing.T, s *records.Store, acknowledged map[string]string) int {
	t.Helper()
	stored := make(map[string]string)
	_, err := s.Check(t.Context(), true, func(l *licence.Licence) { stored[l.Number] = l.Identifier.String() }, func(f records.Fault) {
		t.Errorf("%+v", f)
	})
	if err != nil {
		t.Fatal(err)
	}
	for number, id := range acknowledged {
		if stored[number] != id {
			t.Errorf("licence %s was acknowledged and is not there", number)
		}
		if rand.IntN(20) > 0 {
			continue
		}
		found, err := s.ByNumber(t.Context(), 4, number)
		if err != nil || !slices.ContainsFunc(found, func(r licence.Record) bool { return r.Licence.Identifier.String() == id }) {
			t.Errorf("number %s: %d licences, %v", number, len(found), err)
		}
		asked, err := s.Requested(t.Context(), licence.Request{Issuer: "11340000XN0000012E", ID: number})
		if err != nil || asked.Licence.Identifier.String() != id {
			t.Errorf("request %s: %v", number, err)
		}
	}
	return len(acknowledged)
}
