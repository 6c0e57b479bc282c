package records_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki/audit"
)

// look makes an entry without details, reason one with them.
func look(tb testing.TB, subject string) audit.Record {
	tb.Helper()
	return record(tb, audit.ActLicenceLook, subject, "")
}

func record(tb testing.TB, act audit.Act, subject, details string) audit.Record {
	tb.Helper()
	r, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "officer", Act: act, Subject: subject}, []byte(details))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func create(tb testing.TB) (*records.Store, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "store.db")
	s := createStore(tb, path, newBox(tb))
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s, path
}

// TestAppendConcurrent: many callers, with acts between them that append in
// transactions of their own, each get a receipt that proves their own entry in a log
// of which every later one is a continuation.
func TestAppendConcurrent(t *testing.T) {
	t.Parallel()
	s, _ := create(t)
	const callers, each = 64, 20
	type proven struct {
		record  audit.Record
		receipt audit.Receipt
	}
	var mu sync.Mutex
	var all []proven
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for i := range each {
				if c == 0 && i%4 == 0 {
					if err := s.PutSetting(t.Context(), "test", []byte{1}, record(t, audit.ActTrustPublish, "act", "")); err != nil {
						t.Error(err)
					}
				}
				records := make([]audit.Record, 1+c%3)
				for k := range records {
					records[k] = look(t, fmt.Sprintf("%d-%d-%d", c, i, k))
				}
				receipts, err := s.Append(t.Context(), records...)
				if err != nil || len(receipts) != len(records) {
					t.Errorf("%d receipts, %v, want %d", len(receipts), err, len(records))
					return
				}
				mu.Lock()
				for k := range records {
					all = append(all, proven{records[k], receipts[k]})
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	seen := make(map[uint64]bool)
	err := s.ReadLog(context.Background(), func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		root, err := audit.Verify(log)
		if err != nil {
			return err
		}
		for _, p := range all {
			r := p.receipt
			if seen[r.Index] {
				t.Errorf("two receipts for entry %d", r.Index)
			}
			seen[r.Index] = true
			stored, err := log.Record(r.Index)
			if err != nil || !bytes.Equal(stored.Leaf, p.record.Leaf) {
				t.Errorf("entry %d is another one: %v", r.Index, err)
			}
			if err := audit.VerifyInclusion(p.record.Leaf, r.Index, r.Size, r.Root, r.Path); err != nil {
				t.Error(err)
			}
			path, err := audit.Consistency(log, r.Size, size)
			if err != nil {
				return err
			}
			if err := audit.VerifyConsistency(r.Size, r.Root, size, root, path); err != nil {
				t.Error(err)
			}
		}
		if want := uint64(len(all) + each/4); size != want {
			t.Errorf("%d entries, want %d", size, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAppendContext: a caller who has gone away before it asks leaves nothing, and
// one who goes away later is told the truth.
func TestAppendContext(t *testing.T) {
	t.Parallel()
	s, _ := create(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(gone, look(t, "gone")); !errors.Is(err, context.Canceled) {
		t.Errorf("Append = %v, want context.Canceled", err)
	}
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	var wait sync.WaitGroup
	for c := range 64 {
		ctx, cancel := context.WithCancel(t.Context())
		wait.Go(cancel)
		wait.Go(func() {
			subject := fmt.Sprint(c)
			_, err := s.Append(ctx, look(t, subject))
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			acknowledged[subject] = err == nil
		})
	}
	wait.Wait()
	stored := make(map[string]bool)
	err := s.ReadLog(context.Background(), func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		for i := range size {
			r, err := log.Record(i)
			if err != nil {
				return err
			}
			e, err := r.Entry()
			if err != nil {
				return err
			}
			stored[e.Subject] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for subject, yes := range acknowledged {
		if stored[subject] != yes {
			t.Errorf("caller %s was told %t, stored is %t", subject, yes, stored[subject])
		}
	}
}

// TestAppendRefuses: what is no entry is refused without harm to others.
func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	s, _ := create(t)
	bad := record(t, audit.ActLicenceRevoke, "x", "reason")
	bad.Details = []byte("another reason")
	if _, err := s.Append(t.Context(), look(t, "a"), bad); !errors.Is(err, audit.ErrDetails) {
		t.Errorf("details that the entry does not commit to: %v, want ErrDetails", err)
	}
	if _, err := s.Append(t.Context(), audit.Record{Leaf: []byte{0xff}}); !errors.Is(err, audit.ErrEntry) {
		t.Errorf("no entry: %v, want ErrEntry", err)
	}
	if receipts, err := s.Append(t.Context()); err != nil || len(receipts) != 0 {
		t.Errorf("nothing: %v, %v", receipts, err)
	}
	receipts, err := s.Append(t.Context(), look(t, "b"))
	if err != nil || receipts[0].Index != 0 {
		t.Errorf("the first good one: %+v, %v", receipts, err)
	}
}

// TestAppendAfterClose: a store that was closed says so.
func TestAppendAfterClose(t *testing.T) {
	t.Parallel()
	s := createStore(t, filepath.Join(t.TempDir(), "store.db"), newBox(t))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), look(t, "a")); err == nil {
		t.Error("a closed store takes entries")
	}
}
