package records_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// renewDir names, to the process that is killed while it renews look-up keys and issues
// licences, the folder with the store and its keys.
const renewDir = "ELICENCE_TEST_RENEW_DIR"

// beginRenewal begins a renewal unless one is under way.
func beginRenewal(ctx context.Context, s *records.Store, box *sealed.Box) error {
	now, underWay, err := s.Lookups(ctx)
	if err != nil || underWay {
		return err
	}
	if err := box.BeginLookups(now + 1); err != nil {
		return err
	}
	entry, err := entryOf(audit.ActStoreRenew, "test")
	if err != nil {
		return err
	}
	return s.BeginRenewal(ctx, now+1, 1700000000, entry)
}

func renewed(uint64) (audit.Record, error) { return entryOf(audit.ActStoreRenewed, "test") }

// renewWhileIssuing is the process that [TestCrashInRenewal] kills: it renews look-up keys
// again and again beside the callers of [issueForEver].
func renewWhileIssuing(dir string) error {
	return issueForEver(dir, func(s *records.Store) error {
		box, err := boxOf(dir)
		if err != nil {
			return err
		}
		for {
			if err := beginRenewal(context.Background(), s, box); err != nil {
				return err
			}
			if _, err := s.RenewLookups(context.Background(), records.Renewing{Page: 64, Entry: renewed}); err != nil {
				return err
			}
		}
	})
}

// TestCrashInRenewal kills a process that issues licences and renews look-up keys, at random
// moments. What it acknowledged is found by its number and its request, neither can be taken
// again, and nothing in the store contradicts anything else.
func TestCrashInRenewal(t *testing.T) {
	t.Parallel()
	dir := newCrashFolder(t)
	acknowledged := make(map[string]string) // number → identifier
	killedWithin, checked := 0, 0
	for range 6 {
		killChild(t, renewDir, dir, 300, time.Duration(rand.IntN(300))*time.Millisecond, func(line string) {
			var number, id string
			if n, _ := fmt.Sscanf(line, "ack %s %s\n", &number, &id); n != 2 {
				t.Fatalf("the process says %q", line)
			}
			acknowledged[number] = id
		})
		s, key, err := openIssuing(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, underWay, err := s.Lookups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if underWay {
			killedWithin++
		}
		checked += checkIssued(t, s, acknowledged)
		for number := range acknowledged {
			if rand.IntN(40) > 0 {
				continue
			}
			for what, want := range map[string]error{"number": licence.ErrNumberTaken, "request": licence.ErrRequestReused} {
				again, err := draft(s, key, 1<<40)
				if err != nil {
					t.Fatal(err)
				}
				again.DryRun = true
				if what == "number" {
					again.Licence.Number = number
				} else {
					again.Request = licence.Request{Issuer: again.Licence.Identifier.Issuer, ID: number}
				}
				if _, err := s.Issue(t.Context(), again); !errors.Is(err, want) {
					t.Errorf("the %s of licence %s again: %v, want %v", what, number, err, want)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if checked < 1500 || killedWithin < 2 {
		t.Errorf("%d licences were acknowledged and %d renewals cut off: this proves little", checked, killedWithin)
	}
	s, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	// What was cut off goes on to its end.
	box, err := boxOf(dir)
	if err == nil {
		err = beginRenewal(t.Context(), s, box)
	}
	if err == nil {
		_, err = s.RenewLookups(t.Context(), records.Renewing{Entry: renewed})
	}
	if err != nil {
		t.Fatal(err)
	}
	checkIssued(t, s, acknowledged)
	now, _, err := s.Lookups(t.Context())
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	// Nothing of before lies in the file's indexes, hidden neither.
	db, err := bbolt.Open(filepath.Join(dir, "store.db"), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	err = db.View(func(tx *bbolt.Tx) error {
		for name, size := range map[string]int{"numbers": 9 + 5, "holders": 9 + 5, "request-ids": 13 + 5} {
			err := tx.Bucket([]byte(name)).ForEachBucket(func(run []byte) error {
				return tx.Bucket([]byte(name)).Bucket(run).ForEach(func(_, some []byte) error {
					for entry := range slices.Chunk(some, size) {
						if entries++; sealed.LookupGenerationOf(entry) != now {
							t.Errorf("index %s: %x is of another generation than %d", name, entry, now)
						}
					}
					return nil
				})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil || entries < 3*checked/6 {
		t.Errorf("%d entries, %v", entries, err)
	}
}

// TestRenewalOfShared: a store whose records share their keys is rekeyed first, as who
// restores it is told by its format whether there are record keys.
func TestRenewalOfShared(t *testing.T) {
	t.Parallel()
	dir := newSharedFolder(t)
	s, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	box, err := boxOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := beginRenewal(t.Context(), s, box); !errors.Is(err, records.ErrSharedKeys) {
		t.Errorf("begun: %v, want ErrSharedKeys", err)
	}
	if err := begin(t.Context(), s, box); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rekey(t.Context(), nil, rekeyed); err != nil {
		t.Fatal(err)
	}
	if err := beginRenewal(t.Context(), s, box); err != nil {
		t.Errorf("after rekeying: %v", err)
	}
	// Both at once, either way round.
	if err := begin(t.Context(), s, box); err != nil {
		t.Errorf("rekeying while look-up keys are renewed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = openFolder(dir); err != nil {
		t.Fatal(err)
	}
	var format uint64
	err = s.Copy(t.Context(), func(m records.Moment) (records.Sink, error) {
		format = m.Format
		return records.NewDigest(), nil
	})
	if err != nil || format != records.Format {
		t.Errorf("its format is %d, %v, want %d", format, err, records.Format)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRenewLookups renews the look-up keys of a register of 100,000 licences.
func BenchmarkRenewLookups(b *testing.B) {
	dir := b.TempDir()
	box := newBox(b)
	s := createStore(b, dir+"/store.db", box)
	g := newGenerator(b, s)
	for range 100 {
		_, errs := s.IssueAll(context.Background(), g.batch(1000))
		if err := errors.Join(errs...); err != nil {
			b.Fatal(err)
		}
	}
	entries := uint64(0)
	b.ResetTimer()
	for range b.N {
		err := beginRenewal(context.Background(), s, box)
		if err == nil {
			entries, err = s.RenewLookups(context.Background(), records.Renewing{Entry: renewed})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
