package storetest

import (
	"errors"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// erasures: of what two officers have erased nothing is left but its place, which is
// revoked; everything else stays as it was.
func (s *suite) erasures() {
	kept, freed, other := s.issue("E1"), s.issue("E2"), s.issue("E3")
	id := kept.Licence.Identifier
	s.check(s.store.PutCredentials(ctx, id, []licence.NewCredential{s.printed(kept, "full", kept.Licence.Status)}, s.entry(audit.ActLicenceCode, id.String())))
	at := time.Unix(1700000300, 0).UTC()
	apply := func(r licence.Record, keepNumber bool) error {
		return s.store.ApplyErasure(ctx, licence.Erasure{Identifier: r.Licence.Identifier, KeepNumber: keepNumber, AppliedBy: "甲", AppliedAt: at}, s.entry(audit.ActLicenceEraseApply, r.Licence.Identifier.String()))
	}
	approve := func(r licence.Record, by string) error {
		_, err := s.store.ApproveErasure(ctx, r.Licence.Identifier, by, at, s.entry(audit.ActLicenceErase, r.Licence.Identifier.String()))
		return err
	}
	refused := func(what string, err, want error) {
		s.tb.Helper()
		if !errors.Is(err, want) {
			s.tb.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	refused("in force", apply(kept, true), licence.ErrInForce)
	for _, r := range []licence.Record{kept, freed} {
		_, err := s.step(r.Licence.Identifier, licence.Revoke)
		s.check(err)
	}
	before := s.logSize()
	refused("without an application", approve(kept, "乙"), licence.ErrNoErasure)
	s.check(apply(kept, true))
	refused("by who applied", approve(kept, "甲"), licence.ErrSamePerson)
	refused("by who applied, spelt otherwise", approve(kept, "甲 "), licence.ErrSamePerson)
	s.check(approve(kept, "乙"))
	refused("twice", approve(kept, "丙"), licence.ErrErased)
	refused("again", apply(kept, true), licence.ErrErased)
	s.check(apply(freed, false))
	s.check(approve(freed, "乙"))
	if got := s.logSize(); got != before+4 {
		s.tb.Errorf("%d entries of the log, want 4", got-before)
	}

	for range 2 {
		for _, r := range []licence.Record{kept, freed} {
			_, err := s.store.ByIdentifier(ctx, r.Licence.Identifier)
			refused("read", err, licence.ErrErased)
			if revoked, _ := s.planes(r.Licence.Status); !revoked {
				s.tb.Errorf("%s is not shown as revoked", r.Licence.Identifier)
			}
			_, err = s.step(r.Licence.Identifier, licence.Resume)
			refused("a step", err, licence.ErrStep)
		}
		if all, err := s.store.Credentials(ctx, id); err != nil || len(all) != 0 {
			s.tb.Errorf("%d credentials, %v", len(all), err)
		}
		h := kept.Licence.Holders[0]
		if found, err := s.store.ByHolder(ctx, h.IDType, h.IDNumber); err != nil || len(found) != 1 || found[0].Licence.Identifier != other.Licence.Identifier {
			s.tb.Errorf("by holder: %d, %v", len(found), err)
		}
		for _, number := range []string{"E1", "E2"} {
			if found, err := s.store.ByNumber(ctx, 4, number); err != nil || len(found) != 0 {
				s.tb.Errorf("by number %s: %d, %v", number, len(found), err)
			}
		}
		// Pages lead past what was erased.
		if page, err := s.store.List(ctx, 0, 1); err != nil || len(page) != 1 || page[0].Licence.Identifier != other.Licence.Identifier {
			s.tb.Errorf("listed %d, %v", len(page), err)
		}
		if got, _ := s.changes(licence.ChangeQuery{Limit: 1}); len(got) != 1 || got[0] != "issue "+other.Licence.Identifier.String() {
			s.tb.Errorf("fed %v", got)
		}
		if all, err := s.store.Erasures(ctx); err != nil || len(all) != 2 || all[0].ApprovedBy != "乙" || !all[0].ApprovedAt.Equal(at) {
			s.tb.Errorf("%+v, %v", all, err)
		}
		s.reopen()
	}
	_, err := s.store.Issue(ctx, s.draft("E1"))
	refused("a number that is kept from others", err, licence.ErrNumberTaken)
	s.issue("E2")

	// What ended by its last day is shown as revoked from then on.
	sub := s.draft("E4")
	last := sub.Licence.FirstDay
	sub.Licence.LastDay = &last
	sub.Signed, err = licence.Sign(sub.Licence, s.key)
	s.check(err)
	sub.Licence.SignedAt = time.Unix(1700000000, 0).UTC()
	expired, err := s.store.Issue(ctx, sub)
	s.check(err)
	at = last.End().Add(-time.Second)
	refused("on its last day", apply(expired, false), licence.ErrInForce)
	at = last.End().Add(time.Second)
	s.check(apply(expired, false))
	s.check(approve(expired, "乙"))
	if revoked, _ := s.planes(expired.Licence.Status); !revoked {
		s.tb.Error("what ended by its last day is not shown as revoked")
	}
}
