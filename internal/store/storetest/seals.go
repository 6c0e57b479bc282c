package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal"
)

// SealStore is what the suite needs of a store for the uses of seals.
type SealStore interface {
	seal.Register
	ReadLog(ctx context.Context, f func(audit.Storage) error) error
	Close() error
}

// Seals runs the suite of the uses of seals. New makes an opener of a new, empty store.
func Seals(t *testing.T, newStore func(testing.TB) func(testing.TB) SealStore) {
	for name, test := range map[string]func(*testing.T, *sealUses){
		"each is an entry": usedTogether, "limit": usedUp, "at once": usedAtOnce, "refused": useRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sealUses{open: newStore(t)}
			s.store = s.open(t)
			s.begin(t)
			test(t, s)
			must(t, s.store.Close())
		})
	}
}

// sealUses is a store with one seal that is in use.
type sealUses struct {
	open   func(testing.TB) SealStore
	store  SealStore
	before int // entries of the log before the first use
}

const (
	usedSeal   = "11000000000001"
	usedKeeper = "甲"
)

// usedAt is noon in UTC+8.
func usedAt() time.Time { return time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC) }

func (s *sealUses) begin(t *testing.T) {
	t.Helper()
	r := seal.Record{ID: usedSeal, Name: "测试章", AppliedBy: "乙", AppliedAt: usedAt()}
	must(t, s.store.ApplySeals(t.Context(), []seal.Record{r}, []audit.Record{logEntry(t, usedSeal, "")}))
	r.ApprovedBy, r.ApprovedAt, r.SESeal = "丙", usedAt(), []byte("made")
	must(t, s.store.ApproveSeal(t.Context(), r, logEntry(t, usedSeal, "")))
	s.before = len(s.log(t))
}

// change changes the seal as an officer does, which is an entry too.
func (s *sealUses) change(t *testing.T, f func(*seal.Record)) {
	t.Helper()
	_, err := s.store.ChangeSeal(t.Context(), usedSeal, func(r *seal.Record) error { f(r); return nil }, logEntry(t, usedSeal, ""))
	must(t, err)
	s.before = len(s.log(t))
}

// entries are of uses for purposes.
func (s *sealUses) entries(t *testing.T, purposes ...string) []audit.Record {
	t.Helper()
	var all []audit.Record
	for _, p := range purposes {
		e, err := audit.NewRecord(audit.Entry{Time: usedAt().Unix(), Actor: usedKeeper, Act: audit.ActSealUse, Subject: usedSeal, Digest: make([]byte, 32)}, []byte(p))
		must(t, err)
		all = append(all, e)
	}
	return all
}

// log returns what the entries commit to, in their order, once their tree was verified.
func (s *sealUses) log(t *testing.T) []string {
	t.Helper()
	var details []string
	must(t, s.store.ReadLog(t.Context(), func(l audit.Storage) error {
		details = nil
		size, err := l.Size()
		if err != nil {
			return err
		}
		for i := range size {
			r, err := l.Record(i)
			if err != nil {
				return err
			}
			details = append(details, string(r.Details))
		}
		_, err = audit.Verify(l)
		return err
	}))
	return details
}

// used wants the purposes in the log, and as many uses of the seal.
func (s *sealUses) used(t *testing.T, want ...string) {
	t.Helper()
	r, err := s.store.Seal(t.Context(), usedSeal)
	must(t, err)
	if got := s.log(t)[s.before:]; !slices.Equal(got, want) || r.Uses != uint64(len(want)) {
		t.Errorf("%d uses, for %q, want %q", r.Uses, got, want)
	}
}

// usedTogether: every use is an entry of its own, in their order, and counted.
func usedTogether(t *testing.T, s *sealUses) {
	n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt(), s.entries(t, "一", "二", "三")...)
	if n != 3 || err != nil {
		t.Errorf("%d uses, %v", n, err)
	}
	must(t, s.store.Close())
	s.store = s.open(t)
	s.used(t, "一", "二", "三")
	if n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt()); n != 0 || err != nil {
		t.Errorf("no use at all: %d, %v", n, err)
	}
	s.used(t, "一", "二", "三")
}

// usedUp: what the limit allows is recorded, the rest is not, and is told why.
func usedUp(t *testing.T, s *sealUses) {
	s.change(t, func(r *seal.Record) { r.Rules.MaxUses = 3 })
	if n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt(), s.entries(t, "一")...); n != 1 || err != nil {
		t.Errorf("the first: %d, %v", n, err)
	}
	if n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt(), s.entries(t, "二", "三", "四", "五")...); n != 2 || !errors.Is(err, seal.ErrRules) {
		t.Errorf("past the limit: %d, %v, want 2 and ErrRules", n, err)
	}
	if n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt(), s.entries(t, "六")...); n != 0 || !errors.Is(err, seal.ErrRules) {
		t.Errorf("behind the limit: %d, %v, want ErrRules", n, err)
	}
	s.used(t, "一", "二", "三")
}

// usedAtOnce: groups and single uses of many callers are what the limit allows together, and
// nobody is told of a use that is not there.
func usedAtOnce(t *testing.T, s *sealUses) {
	const limit = 60
	s.change(t, func(r *seal.Record) { r.Rules.MaxUses = limit })
	var mu sync.Mutex
	told := make(map[string]bool)
	var wait sync.WaitGroup
	for c := range 12 {
		wait.Go(func() {
			for i := range 4 {
				var purposes []string
				for k := range 1 + c%4 {
					purposes = append(purposes, fmt.Sprintf("%d-%d-%d", c, i, k))
				}
				n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt(), s.entries(t, purposes...)...)
				if (n < len(purposes)) != errors.Is(err, seal.ErrRules) || n == len(purposes) && err != nil {
					t.Errorf("%d of %d, %v", n, len(purposes), err)
				}
				mu.Lock()
				for _, p := range purposes[:n] {
					told[p] = true
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	recorded := s.log(t)[s.before:]
	for _, p := range recorded {
		if !told[p] {
			t.Errorf("use %s is recorded, and its caller was told of none", p)
		}
	}
	if len(recorded) != limit || len(told) != limit {
		t.Errorf("%d uses are recorded and %d told of, the limit is %d", len(recorded), len(told), limit)
	}
	r, err := s.store.Seal(t.Context(), usedSeal)
	must(t, err)
	if r.Uses != limit {
		t.Errorf("%d uses are counted, want %d", r.Uses, limit)
	}
}

// useRefused: what the record does not allow leaves nothing.
func useRefused(t *testing.T, s *sealUses) {
	use := func(id, by string, at time.Time, want error, purposes ...string) {
		t.Helper()
		n, err := s.store.UseSeals(t.Context(), id, by, at, s.entries(t, purposes...)...)
		if n != 0 || !errors.Is(err, want) {
			t.Errorf("seal %s by %s: %d, %v, want %v", id, by, n, err, want)
		}
	}
	use("11000000000002", usedKeeper, usedAt(), seal.ErrNotFound, "一")
	s.change(t, func(r *seal.Record) {
		r.Rules = seal.Rules{Keepers: []string{usedKeeper}, From: 8 * 60, Until: 18 * 60, PurposeRequired: true}
	})
	use(usedSeal, "丁", usedAt(), seal.ErrNotKeeper, "一", "二")
	use(usedSeal, usedKeeper, usedAt().Add(12*time.Hour), seal.ErrRules, "一", "二")
	use(usedSeal, usedKeeper, usedAt(), seal.ErrNoPurpose, " ", "二")
	s.used(t)
	// Those before the one that is refused stay.
	if n, err := s.store.UseSeals(t.Context(), usedSeal, usedKeeper, usedAt(), s.entries(t, "一", "")...); n != 1 || !errors.Is(err, seal.ErrNoPurpose) {
		t.Errorf("without a purpose: %d, %v, want 1 and ErrNoPurpose", n, err)
	}
	s.used(t, "一")
	s.change(t, func(r *seal.Record) { r.Standing = seal.Suspended })
	use(usedSeal, usedKeeper, usedAt(), seal.ErrState, "二")
}
