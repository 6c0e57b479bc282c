package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// KeyedStore is a store whose records can be put back to an earlier moment.
type KeyedStore struct {
	Open func(testing.TB) *records.Store
	Keys *sealed.Box
	// Older copies the records, while the store is closed, and returns what opens the copy
	// with the keys as they are then.
	Older func(testing.TB) func(testing.TB) *records.Store
	// Node opens the store once more while it is open: another process with keys of its own,
	// or, where an engine allows one process, a store that remembers what it has read itself.
	Node func(testing.TB) *records.Store
}

// RecordKeys runs the suite of the keys that records are encrypted under.
func RecordKeys(t *testing.T, newStore func(testing.TB) KeyedStore) {
	for name, test := range map[string]func(*suite, KeyedStore){
		"an erasure reaches older copies": (*suite).olderCopies,
		"an erasure that was cut off":     (*suite).cutOffErasure,
		"rekeying":                        (*suite).rekeying,
		"places taken elsewhere":          (*suite).takenElsewhere,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newStore(t)
			s := &suite{tb: t, open: func(tb testing.TB) Store { return k.Open(tb) }, key: pkitest.NewKey(t)}
			s.store = s.open(t)
			test(s, k)
			s.check(s.store.Close())
		})
	}
}

// erase takes a licence through revocation and both officers.
func (s *suite) erase(r licence.Record) {
	s.tb.Helper()
	id, at := r.Licence.Identifier, time.Unix(1700000300, 0).UTC()
	s.check(s.store.ApplyErasure(ctx, licence.Erasure{Identifier: id, AppliedBy: "甲", AppliedAt: at}, s.entry(audit.ActLicenceEraseApply, id.String())))
	_, err := s.store.ApproveErasure(ctx, id, "乙", at, s.entry(audit.ActLicenceErase, id.String()))
	s.check(err)
}

// besides returns how many entries of the log have details that are there, and how many
// have lost theirs without an entry that erased them.
func (s *suite) besides(store *records.Store) (there, destroyed int) {
	s.tb.Helper()
	s.check(store.ReadLog(ctx, func(log audit.Storage) error {
		there, destroyed = 0, 0
		size, err := log.Size()
		for i := range size {
			r, err := log.Record(i)
			if err != nil {
				return err
			}
			if len(r.Details) > 0 {
				there++
			}
			if r.Destroyed {
				destroyed++
			}
		}
		return err
	}))
	return there, destroyed
}

// detailed adds an entry with details and returns its index.
func (s *suite) detailed(store *records.Store, subject, details string) uint64 {
	s.tb.Helper()
	r, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "officer", Act: audit.ActLicenceLook, Subject: subject}, []byte(details))
	s.check(err)
	receipts, err := store.Append(ctx, r)
	s.check(err)
	return receipts[0].Index
}

// olderCopies: records of before an erasure, with the keys of after it, have everything
// but what was erased; and it can be erased there again.
func (s *suite) olderCopies(k KeyedStore) {
	gone, kept := s.issue("K1"), s.issue("K2")
	id := gone.Licence.Identifier
	for _, r := range []licence.Record{gone, kept} {
		s.check(s.store.PutCredentials(ctx, r.Licence.Identifier, []licence.NewCredential{s.printed(r, "full", r.Licence.Status)}, s.entry(audit.ActLicenceCode, r.Licence.Identifier.String())))
		_, err := s.step(r.Licence.Identifier, licence.Revoke)
		s.check(err)
	}
	store := s.store.(*records.Store)
	erased := s.detailed(store, id.String(), "对本人的查看")
	s.detailed(store, kept.Licence.Identifier.String(), "对别人的查看")
	s.check(s.store.Close())
	older := k.Older(s.tb)
	s.store = s.open(s.tb)
	store = s.store.(*records.Store)
	control := older(s.tb)
	if _, err := control.ByIdentifier(ctx, id); err != nil {
		s.tb.Errorf("before the erasure the copy does not open: %v", err)
	}
	details, _ := s.besides(control)
	s.check(control.Close())
	s.erase(gone)
	erasure, err := audit.NewErasure(erased, time.Unix(1700000400, 0), "丙", "依法")
	s.check(err)
	s.check(store.EraseDetails(ctx, erasure))

	copied := older(s.tb)
	if _, err := copied.ByIdentifier(ctx, id); !errors.Is(err, licence.ErrErased) {
		s.tb.Errorf("the erased licence in the copy: %v, want ErrErased", err)
	}
	if _, err := copied.Credentials(ctx, id); !errors.Is(err, sealed.ErrDestroyed) {
		s.tb.Errorf("its codes in the copy: %v, want ErrDestroyed", err)
	}
	if got, err := copied.ByIdentifier(ctx, kept.Licence.Identifier); err != nil || got.Licence.Number != "K2" {
		s.tb.Errorf("the other licence in the copy: %v", err)
	}
	if all, err := copied.Credentials(ctx, kept.Licence.Identifier); err != nil || len(all) != 1 {
		s.tb.Errorf("its codes in the copy: %d, %v", len(all), err)
	}
	if there, destroyed := s.besides(copied); there != details-1 || destroyed != 1 {
		s.tb.Errorf("%d details are there in the copy, %d destroyed, want %d and 1", there, destroyed, details-1)
	}
	lost, entries, err := copied.Destroyed(ctx)
	if err != nil || len(lost) != 1 || lost[0].Serial != id.Serial || lost[0].Version != id.Version || lost[0].Issuer != id.Issuer || len(entries) != 1 || entries[0] != erased {
		s.tb.Fatalf("destroyed in the copy: %+v, %v, %v", lost, entries, err)
	}
	again := licence.Erasure{Identifier: id, KeepNumber: true, AppliedBy: "甲", AppliedAt: time.Unix(1700000500, 0), ApprovedBy: "甲", ApprovedAt: time.Unix(1700000500, 0)}
	s.check(copied.EraseAgain(ctx, []licence.Erasure{again}, []audit.Record{s.entry(audit.ActLicenceErase, id.String())}))
	s.check(copied.EraseDetails(ctx, erasure))
	_, err = copied.Check(ctx, true, nil, func(f records.Fault) { s.tb.Errorf("the copy: %+v", f) })
	s.check(err)
	if err := copied.EraseAgain(ctx, []licence.Erasure{again}, nil); !errors.Is(err, licence.ErrErased) {
		s.tb.Errorf("once more: %v, want ErrErased", err)
	}
	s.check(copied.Close())
}

// cutOffErasure: the register has erased, and the process ended before the key was
// destroyed. The next one destroys it before it answers anything.
func (s *suite) cutOffErasure(k KeyedStore) {
	gone, kept := s.issue("K1"), s.issue("K2")
	id, at := gone.Licence.Identifier, time.Unix(1700000300, 0).UTC()
	_, err := s.step(id, licence.Revoke)
	s.check(err)
	s.check(s.store.ApplyErasure(ctx, licence.Erasure{Identifier: id, AppliedBy: "甲", AppliedAt: at}, s.entry(audit.ActLicenceEraseApply, id.String())))
	cut := errors.New("cut off")
	k.Keys.StopAt(func(string) error { return cut })
	if _, err := s.store.ApproveErasure(ctx, id, "乙", at, s.entry(audit.ActLicenceErase, id.String())); !errors.Is(err, cut) {
		s.tb.Errorf("acknowledged although the key was not destroyed: %v", err)
	}
	readable := func(want bool) {
		s.tb.Helper()
		_, err := k.Keys.Seal(k.Keys.Generation(), sealed.KeyOf(id), gone.Licence.Status, "licence", nil)
		if (err == nil) != want || err != nil && !errors.Is(err, sealed.ErrDestroyed) {
			s.tb.Errorf("the key: %v, there: %t", err, want)
		}
	}
	readable(true)
	k.Keys.StopAt(nil)
	s.reopen()
	readable(false)
	if _, err := s.store.ApproveErasure(ctx, id, "乙", at, s.entry(audit.ActLicenceErase, id.String())); !errors.Is(err, licence.ErrErased) {
		s.tb.Errorf("approved again: %v, want ErrErased", err)
	}
	if _, err := s.store.ByIdentifier(ctx, kept.Licence.Identifier); err != nil {
		s.tb.Error(err)
	}
}

// rekeying: from the first moment on new records are under the new keys, and in the end
// all are; what is erased in between is gone in both; those of before can be destroyed.
func (s *suite) rekeying(k KeyedStore) {
	gone, kept := s.issue("K1"), s.issue("K2")
	store := s.store.(*records.Store)
	s.detailed(store, "x", "理由")
	s.check(s.store.PutCredentials(ctx, kept.Licence.Identifier, []licence.NewCredential{s.printed(kept, "full", kept.Licence.Status)}, s.entry(audit.ActLicenceCode, kept.Licence.Identifier.String())))
	_, err := s.step(gone.Licence.Identifier, licence.Revoke)
	s.check(err)
	next := k.Keys.Generation() + 1
	if err := store.BeginRekey(ctx, next, 1700000000, s.entry(audit.ActStoreRekey, "x")); !errors.Is(err, sealed.ErrNoKeys) {
		s.tb.Errorf("begun without keys: %v, want ErrNoKeys", err)
	}
	s.check(k.Keys.Begin(next))
	s.check(store.BeginRekey(ctx, next, 1700000000, s.entry(audit.ActStoreRekey, "x")))
	if err := store.BeginRekey(ctx, next+1, 1700000000, s.entry(audit.ActStoreRekey, "x")); err == nil {
		s.tb.Error("another one is begun")
	}
	if _, err := store.EndKeys(ctx, s.entry(audit.ActStoreKeysEnd, "x")); !errors.Is(err, records.ErrRekeying) {
		s.tb.Errorf("keys are destroyed while records are under them: %v", err)
	}
	s.erase(gone)
	new := s.issue("K3")
	before := s.logSize()
	details, _ := s.besides(store)
	done, err := store.Rekey(ctx, nil, func(records.RekeyCounts) (audit.Record, error) { return s.entry(audit.ActStoreRekeyed, "x"), nil })
	s.check(err)
	if done.Licences != 1 || done.Credentials != 1 || done.Entries == 0 || s.logSize() != before+1 {
		s.tb.Errorf("encrypted again: %+v, %d entries of the log", done, s.logSize()-before)
	}
	ended, err := store.EndKeys(ctx, s.entry(audit.ActStoreKeysEnd, "x"))
	if err != nil || len(ended) != 1 || ended[0] != next-1 {
		s.tb.Errorf("ended %v, %v", ended, err)
	}
	details += 2 // of the two entries since
	for range 2 {
		for _, r := range []licence.Record{kept, new} {
			got, err := s.store.ByIdentifier(ctx, r.Licence.Identifier)
			if err != nil || got.Licence.Number != r.Licence.Number {
				s.tb.Errorf("licence %s: %v", r.Licence.Number, err)
			}
		}
		if all, err := s.store.Credentials(ctx, kept.Licence.Identifier); err != nil || len(all) != 1 {
			s.tb.Errorf("%d credentials, %v", len(all), err)
		}
		if there, destroyed := s.besides(s.store.(*records.Store)); there != details || destroyed != 0 {
			s.tb.Errorf("%d details are there, %d destroyed, want %d and 0", there, destroyed, details)
		}
		_, err = s.store.(*records.Store).Check(ctx, true, nil, func(f records.Fault) { s.tb.Errorf("%+v", f) })
		s.check(err)
		s.reopen()
	}
}
