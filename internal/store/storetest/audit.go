package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/audit"
)

// Log is what the suite needs of a store's audit log.
type Log interface {
	Append(ctx context.Context, records ...audit.Record) ([]audit.Receipt, error)
	EraseDetails(ctx context.Context, erasures ...audit.Record) error
	ReadLog(ctx context.Context, f func(audit.Storage) error) error
	KeepCheckpoint(ctx context.Context, at int64, signed []byte) error
	KeptCheckpoints(ctx context.Context, from, until int64, f func(signed []byte) bool) error
	Close() error
}

// AuditLog runs the suite of the audit log. New makes an opener of a new, empty
// store.
func AuditLog(t *testing.T, newStore func(testing.TB) func(testing.TB) Log) {
	for name, test := range map[string]func(*testing.T, func(testing.TB) Log){
		"receipts":    receipts,
		"erasure":     erasure,
		"withdrawn":   withdrawn,
		"checkpoints": checkpoints,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}

func logEntry(tb testing.TB, subject, details string) audit.Record {
	tb.Helper()
	r, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "test", Act: audit.ActLicenceLook, Subject: subject}, []byte(details))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// receipts: what many callers append is there after the store was opened again, in
// the place and with the proof that each was told.
func receipts(t *testing.T, open func(testing.TB) Log) {
	store := open(t)
	const callers, each = 16, 8
	var mu sync.Mutex
	told := make(map[uint64]audit.Receipt)
	leaves := make(map[uint64][]byte)
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for i := range each {
				r := logEntry(t, fmt.Sprintf("%d-%d", c, i), "details")
				got, err := store.Append(t.Context(), r)
				if err != nil || len(got) != 1 {
					t.Errorf("%d receipts, %v", len(got), err)
					return
				}
				mu.Lock()
				told[got[0].Index], leaves[got[0].Index] = got[0], r.Leaf
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	must(t, store.Close())
	store = open(t)
	if len(told) != callers*each {
		t.Errorf("%d different places for %d entries", len(told), callers*each)
	}
	must(t, store.ReadLog(ctx, func(log audit.Storage) error {
		for index, r := range told {
			stored, err := log.Record(index)
			if err != nil || !bytes.Equal(stored.Leaf, leaves[index]) || string(stored.Details) != "details" {
				t.Errorf("entry %d is not what was appended: %v", index, err)
			}
			root, err := audit.Root(log, r.Size)
			if err != nil || !bytes.Equal(root, r.Root) {
				t.Errorf("entry %d: the log of %d entries has another root: %v", index, r.Size, err)
			}
			if err := audit.VerifyInclusion(leaves[index], index, r.Size, r.Root, r.Path); err != nil {
				t.Error(err)
			}
		}
		_, err := audit.Verify(log)
		return err
	}))
	must(t, store.Close())
}

// erasure: details that are erased are gone, for good and with a reason in the log,
// and a refused erasure changes nothing.
func erasure(t *testing.T, open func(testing.TB) Log) {
	store := open(t)
	_, err := store.Append(t.Context(), logEntry(t, "a", "personal"), logEntry(t, "b", ""), logEntry(t, "c", "personal"))
	must(t, err)
	erase := func(indexes ...uint64) error {
		var records []audit.Record
		for _, index := range indexes {
			r, err := audit.NewErasure(index, time.Unix(1700000100, 0), "test", "court order")
			must(t, err)
			records = append(records, r)
		}
		return store.EraseDetails(t.Context(), records...)
	}
	if err := erase(0, 1); !errors.Is(err, audit.ErrNothingToErase) {
		t.Errorf("of two, one without details: %v, want ErrNothingToErase", err)
	}
	if err := erase(0, 0); !errors.Is(err, audit.ErrErased) {
		t.Errorf("one twice: %v, want ErrErased", err)
	}
	must(t, erase(0))
	must(t, store.Close())
	store = open(t)
	if err := erase(0); !errors.Is(err, audit.ErrErased) {
		t.Errorf("a second time: %v, want ErrErased", err)
	}
	must(t, store.ReadLog(ctx, func(log audit.Storage) error {
		if size, err := log.Size(); err != nil || size != 4 {
			t.Errorf("%d entries, %v, want 4: a refused erasure leaves none", size, err)
		}
		r, err := log.Record(0)
		if err != nil || r.ErasedBy != 3 || len(r.Key)+len(r.Details) > 0 {
			t.Errorf("the erased entry: %+v, %v", r, err)
		}
		if r, err := log.Record(2); err != nil || string(r.Details) != "personal" {
			t.Errorf("another entry: %+v, %v", r, err)
		}
		_, err = audit.Verify(log)
		return err
	}))
	must(t, store.Close())
}

// withdrawn: a caller whose context has ended is told so, and nothing is stored.
func withdrawn(t *testing.T, open func(testing.TB) Log) {
	store := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Append(ctx, logEntry(t, "a", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("Append = %v, want context.Canceled", err)
	}
	must(t, store.ReadLog(t.Context(), func(log audit.Storage) error {
		size, err := log.Size()
		if size != 0 {
			t.Errorf("%d entries", size)
		}
		return err
	}))
	must(t, store.Close())
}

// checkpoints that were kept are found by their times.
func checkpoints(t *testing.T, open func(testing.TB) Log) {
	ctx := context.Background()
	s := open(t)
	for at, signed := range map[int64]string{300: "c", 100: "a", 1 << 33: "d", 200: "b"} {
		must(t, s.KeepCheckpoint(ctx, at, []byte(signed)))
	}
	must(t, s.Close())
	s = open(t)
	for _, tt := range []struct {
		from, until int64
		most        int
		want        string
	}{
		{-5, 1 << 40, 9, "abcd"}, {0, 99, 9, ""}, {100, 200, 9, "ab"}, {101, 300, 9, "bc"}, {200, 200, 9, "b"}, {0, 1 << 40, 2, "ab"}, {301, 200, 9, ""}, {-9, -8, 9, ""},
	} {
		var got []byte
		must(t, s.KeptCheckpoints(ctx, tt.from, tt.until, func(signed []byte) bool {
			got = append(got, signed...)
			return len(got) < tt.most
		}))
		if string(got) != tt.want {
			t.Errorf("from %d until %d, %d at most: %q, want %q", tt.from, tt.until, tt.most, got, tt.want)
		}
	}
	must(t, s.Close())
}
