package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// proposals: many steps after a second officer's approval, each once, over restarts.
func (s *suite) proposals() {
	now := time.Unix(1700000000, 0).UTC()
	var all []licence.Identifier
	for i := range 7 {
		all = append(all, s.issue(fmt.Sprintf("P%d", i)).Licence.Identifier)
	}
	all = licence.SortIdentifiers(all)
	p := licence.Proposal{
		ID: licence.ProposalID{1, 2}, Step: licence.Revoke, Cause: licence.Penalty, Reason: "违法 张样例", Count: len(all),
		Digest:     licence.ProposalDigest(licence.Revoke, licence.Penalty, "违法 张样例", all),
		ByCategory: map[catalogue.ID]int{4: 7}, ByIssuer: map[string]int{issuer: 7}, ProposedBy: "甲", ProposedAt: now, Expires: now.Add(licence.ProposalLife),
	}
	steps := func(from, to int) []licence.Turn {
		var next []licence.Turn
		for _, id := range all[from:to] {
			step := licence.Transition{Identifier: id, Step: p.Step, Cause: p.Cause, Reason: p.Reason, At: now, Audit: s.entry(audit.ActLicenceRevoke, id.String())}
			next = append(next, licence.Turn{Identifier: id, Step: &step})
		}
		return next
	}
	proposed := make([]licence.Proposed, len(all))
	for i, id := range all {
		proposed[i].Identifier = id
	}
	if err := s.store.Propose(ctx, p, proposed[:3], s.entry(audit.ActMassPropose, p.ID.String())); err == nil {
		s.tb.Error("a proposal of 7 is stored with 3")
	}
	s.check(s.store.Propose(ctx, p, proposed, s.entry(audit.ActMassPropose, p.ID.String())))
	if err := s.store.Propose(ctx, p, proposed, s.entry(audit.ActMassPropose, p.ID.String())); err == nil {
		s.tb.Error("a proposal is stored twice")
	}
	s.reopen()
	same := func(what string, got, want licence.Proposal) {
		s.tb.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			s.tb.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	got, err := s.store.Proposal(ctx, p.ID)
	s.check(err)
	same("stored", got, p)
	if listed, err := s.store.Proposals(ctx); err != nil || len(listed) != 1 {
		s.tb.Errorf("%d proposals, %v", len(listed), err)
	}
	if _, err := s.store.Proposal(ctx, licence.ProposalID{9}); !errors.Is(err, licence.ErrNoProposal) {
		s.tb.Errorf("another proposal: %v, want ErrNoProposal", err)
	}
	if _, err := s.store.CarryOut(ctx, p.ID, 0, steps(0, 2)); !errors.Is(err, licence.ErrProposal) {
		s.tb.Errorf("carried out before it is approved: %v, want ErrProposal", err)
	}
	approve := func(by string, digest [32]byte) error {
		var err error
		got, err = s.store.ChangeProposal(ctx, p.ID, func(p licence.Proposal) (licence.Proposal, error) { return p.Approve(by, digest, now) }, s.entry(audit.ActMassApprove, p.ID.String()))
		return err
	}
	if err := approve("甲", p.Digest); !errors.Is(err, licence.ErrSamePerson) {
		s.tb.Errorf("approved by who proposed it: %v", err)
	}
	if err := approve("甲 ", p.Digest); !errors.Is(err, licence.ErrSamePerson) {
		s.tb.Errorf("approved by who proposed it, spelt otherwise: %v", err)
	}
	s.check(approve("乙", p.Digest))

	// One of them was revoked by somebody else meanwhile.
	_, err = s.step(all[3], licence.Revoke)
	s.check(err)
	size := s.logSize()
	got, err = s.store.CarryOut(ctx, p.ID, 0, steps(0, 2))
	s.check(err)
	if got.Done != 2 || got.Refused != 0 {
		s.tb.Errorf("after two: %+v", got)
	}
	s.reopen()
	if _, err := s.store.CarryOut(ctx, p.ID, 0, steps(0, 2)); !errors.Is(err, licence.ErrChanged) {
		s.tb.Errorf("the same two again: %v, want ErrChanged", err)
	}
	if _, err := s.store.CarryOut(ctx, p.ID, 2, steps(4, 5)); err == nil {
		s.tb.Error("a licence is taken out of its turn")
	}
	tried, err := s.store.Trial(ctx, steps(2, 7))
	s.check(err)
	got, err = s.store.CarryOut(ctx, p.ID, 2, steps(2, 7))
	s.check(err)
	if got.Done != 7 || got.Refused != 1 || got.State(now) != licence.ProposalDone {
		s.tb.Errorf("at the end: %+v, %s", got, got.State(now))
	}
	if grown := s.logSize() - size; grown != 6 {
		s.tb.Errorf("%d entries for six steps", grown)
	}
	s.reopen()
	listed, err := s.store.Proposed(ctx, p.ID, 0, 100)
	s.check(err)
	for i, l := range listed {
		if l.Identifier != all[i] || (l.Refusal != "") != (i == 3) {
			s.tb.Errorf("licence %d of the proposal is %+v", i, l)
		}
		if i >= 2 && tried[i-2] != l {
			s.tb.Errorf("licence %d was tried as %+v, and is %+v", i, tried[i-2], l)
		}
		r, err := s.store.ByIdentifier(ctx, l.Identifier)
		s.check(err)
		if revoked, _ := s.planes(r.Licence.Status); r.State != licence.Revoked || !revoked || (i != 3) != (r.Cause == licence.Penalty) {
			s.tb.Errorf("licence %d is %s because %s, bit %v", i, r.State, r.Cause, revoked)
		}
	}
	if part, err := s.store.Proposed(ctx, p.ID, 5, 1); err != nil || len(part) != 1 || part[0].Identifier != all[5] {
		s.tb.Errorf("the sixth is %v, %v", part, err)
	}
	if _, err := s.store.ChangeProposal(ctx, p.ID, func(p licence.Proposal) (licence.Proposal, error) { return p.Cancel("丙", now) }, s.entry(audit.ActMassCancel, "x")); !errors.Is(err, licence.ErrProposal) {
		s.tb.Errorf("cancelled when it is done: %v, want ErrProposal", err)
	}
}

// holderProposals: what happens to a holder, where each licence has an act of its own.
func (s *suite) holderProposals() {
	now := time.Unix(1700000000, 0).UTC()
	const kept, ended, moved, changed, unable = 0, 1, 2, 3, 4
	var records []licence.Record
	var all []licence.Proposed
	for i := range 5 {
		records = append(records, s.issue(fmt.Sprintf("H%d", i)))
		l := licence.Proposed{Identifier: records[i].Licence.Identifier, Revision: records[i].Revision, Fate: catalogue.FateTransfer, Step: licence.Supersede, Cause: licence.Renamed}
		switch i {
		case kept:
			l.Fate, l.Step, l.Cause = catalogue.FateKeep, "", licence.Unstated
		case ended:
			l.Fate, l.Step, l.Cause = catalogue.FateEnd, licence.Revoke, licence.Surrendered
		}
		all = append(all, l)
	}
	act := licence.HolderAct{Event: licence.EventRenamed, Name: "新样例", Decisions: map[licence.Identifier]catalogue.Fate{all[kept].Identifier: catalogue.FateKeep}}
	p := licence.Proposal{
		ID: licence.ProposalID{3}, Reason: "更名", Holder: &act, Count: len(all), Digest: licence.HolderDigest(act, "更名", all),
		ByCategory: map[catalogue.ID]int{4: 5}, ByIssuer: map[string]int{issuer: 5}, ProposedBy: "甲", ProposedAt: now, Expires: now.Add(licence.ProposalLife),
	}
	s.check(s.store.Propose(ctx, p, all, s.entry(audit.ActMassPropose, p.ID.String())))
	s.reopen()
	got, err := s.store.Proposal(ctx, p.ID)
	s.check(err)
	if fmt.Sprintf("%+v", *got.Holder) != fmt.Sprintf("%+v", act) || got.Reason != p.Reason || got.Digest != p.Digest {
		s.tb.Errorf("stored: %+v with %+v, want %+v", got, *got.Holder, act)
	}
	if listed, err := s.store.Proposed(ctx, p.ID, 0, 10); err != nil || fmt.Sprint(listed) != fmt.Sprint(all) {
		s.tb.Errorf("its licences are %+v, %v", listed, err)
	}
	_, err = s.store.ChangeProposal(ctx, p.ID, func(p licence.Proposal) (licence.Proposal, error) { return p.Approve("乙", p.Digest, now) }, s.entry(audit.ActMassApprove, "x"))
	s.check(err)

	step := func(i int, step licence.Step, cause licence.Cause) *licence.Transition {
		id := all[i].Identifier
		return &licence.Transition{Identifier: id, Step: step, Cause: cause, Reason: p.Reason, At: now, IfRevision: all[i].Revision, Audit: s.entry(audit.ActLicenceRevoke, id.String())}
	}
	replacement := func(i int, number string) *licence.Replacement {
		return &licence.Replacement{Submission: s.next(records[i], number), End: *step(i, licence.Supersede, licence.Renamed)}
	}
	other := step(ended, licence.Revoke, licence.Surrendered)
	other.IfRevision++
	for name, turn := range map[string]licence.Turn{
		"a step for what is kept":       {Identifier: all[kept].Identifier, Step: step(kept, licence.Revoke, licence.Surrendered)},
		"another licence":               {Identifier: all[ended].Identifier},
		"a new version of what is kept": {Identifier: all[kept].Identifier, Replacement: replacement(kept, "")},
	} {
		if _, err := s.store.CarryOut(ctx, p.ID, 0, []licence.Turn{turn}); err == nil {
			s.tb.Errorf("%s is carried out", name)
		}
	}
	_, err = s.store.CarryOut(ctx, p.ID, 0, []licence.Turn{{Identifier: all[kept].Identifier}})
	s.check(err)
	for name, turn := range map[string]licence.Turn{
		"nothing for what ends":       {Identifier: all[ended].Identifier},
		"another step":                {Identifier: all[ended].Identifier, Step: step(ended, licence.Suspend, licence.Unstated)},
		"another cause":               {Identifier: all[ended].Identifier, Step: step(ended, licence.Revoke, licence.Penalty)},
		"another revision":            {Identifier: all[ended].Identifier, Step: other},
		"a step and a reason why not": {Identifier: all[ended].Identifier, Step: step(ended, licence.Revoke, licence.Surrendered), Refusal: "no"},
	} {
		if _, err := s.store.CarryOut(ctx, p.ID, 1, []licence.Turn{turn}); err == nil {
			s.tb.Errorf("%s is carried out", name)
		}
	}
	_, err = s.store.CarryOut(ctx, p.ID, 1, []licence.Turn{{Identifier: all[ended].Identifier, Step: step(ended, licence.Revoke, licence.Surrendered)}})
	s.check(err)

	// One whose number is another's fails as a whole: the old version has not ended.
	if _, err := s.store.CarryOut(ctx, p.ID, 2, []licence.Turn{{Identifier: all[moved].Identifier, Replacement: replacement(moved, "H3")}}); !errors.Is(err, licence.ErrNumberTaken) {
		s.tb.Errorf("a version with a taken number: %v, want ErrNumberTaken", err)
	}
	if r, err := s.store.ByIdentifier(ctx, all[moved].Identifier); err != nil || r.State != licence.Active {
		s.tb.Errorf("it is %s, %v", r.State, err)
	}
	_, err = s.store.CarryOut(ctx, p.ID, 2, []licence.Turn{{Identifier: all[moved].Identifier, Replacement: replacement(moved, "")}})
	s.check(err)
	s.reopen()
	next := all[moved].Identifier
	next.Version++
	if r, err := s.store.ByIdentifier(ctx, next); err != nil || r.State != licence.Active {
		s.tb.Errorf("the new version is %s, %v", r.State, err)
	}

	// What was changed since is refused, in whatever state it is now.
	for _, way := range []licence.Step{licence.Suspend, licence.Resume} {
		_, err = s.step(all[changed].Identifier, way)
		s.check(err)
	}
	got, err = s.store.CarryOut(ctx, p.ID, 3, []licence.Turn{{Identifier: all[changed].Identifier, Replacement: replacement(changed, "")}})
	s.check(err)
	if got.Done != 4 || got.Refused != 1 || got.Holder.Name != act.Name {
		s.tb.Errorf("before the last: %+v with %+v", got, *got.Holder)
	}
	size := s.logSize()
	got, err = s.store.CarryOut(ctx, p.ID, 4, []licence.Turn{{Identifier: all[unable].Identifier, Refusal: "不行 no"}})
	s.check(err)
	if got.State(now) != licence.ProposalDone || got.Refused != 2 || s.logSize() != size {
		s.tb.Errorf("at the end: %+v", got)
	}
	s.reopen()
	listed, err := s.store.Proposed(ctx, p.ID, 0, 10)
	s.check(err)
	for i, l := range listed {
		if (l.Refusal != "") != (i == changed || i == unable) {
			s.tb.Errorf("licence %d: %+v", i, l)
		}
	}
	// The name is in the licences now, and nowhere else; nor is a digest over it.
	forgotten := func(what string, p licence.Proposal) {
		s.tb.Helper()
		if got, err := s.store.Proposal(ctx, p.ID); err != nil || got.Holder.Name != "" || got.Digest != ([32]byte{}) || got.Reason != p.Reason {
			s.tb.Errorf("%s: %+v with %+v, %v", what, got, *got.Holder, err)
		}
	}
	forgotten("when it has ended", p)

	// So it is with one that was cancelled, and with one that nobody has approved, when the
	// next one is proposed or a licence is erased.
	propose := func(id byte, at time.Time) licence.Proposal {
		next := p
		next.ID, next.ProposedAt, next.Expires = licence.ProposalID{id}, at, at.Add(licence.ProposalLife)
		s.check(s.store.Propose(ctx, next, all, s.entry(audit.ActMassPropose, next.ID.String())))
		return next
	}
	cancelled, late := propose(4, now), propose(5, now)
	_, err = s.store.ChangeProposal(ctx, cancelled.ID, func(p licence.Proposal) (licence.Proposal, error) { return p.Cancel("甲", now) }, s.entry(audit.ActMassCancel, "x"))
	s.check(err)
	forgotten("cancelled", cancelled)
	open := propose(6, late.Expires)
	forgotten("expired", late)
	if got, err := s.store.Proposal(ctx, open.ID); err != nil || got.Holder.Name != act.Name || got.Digest != open.Digest {
		s.tb.Errorf("one that is open: %+v with %+v, %v", got, *got.Holder, err)
	}
	id := all[ended].Identifier
	s.check(s.store.ApplyErasure(ctx, licence.Erasure{Identifier: id, AppliedBy: "甲", AppliedAt: open.Expires}, s.entry(audit.ActLicenceEraseApply, id.String())))
	_, err = s.store.ApproveErasure(ctx, id, "乙", open.Expires, s.entry(audit.ActLicenceErase, id.String()))
	s.check(err)
	forgotten("expired before an erasure", open)

	// And with one that was approved and not carried out in time.
	approved := propose(7, now)
	_, err = s.store.ChangeProposal(ctx, approved.ID, func(p licence.Proposal) (licence.Proposal, error) {
		return p.Approve("乙", p.Digest, now.Add(time.Hour))
	}, s.entry(audit.ActMassApprove, "x"))
	s.check(err)
	lapses := now.Add(time.Hour + licence.ProposalLife)
	size = s.logSize()
	s.check(s.store.ForgetNames(ctx, lapses.Add(-time.Second)))
	if got, err := s.store.Proposal(ctx, approved.ID); err != nil || !got.Named() || got.Digest != approved.Digest {
		s.tb.Errorf("a second before it lapses: %+v, %v", got, err)
	}
	s.check(s.store.ForgetNames(ctx, lapses))
	forgotten("approved and lapsed", approved)
	if s.logSize() != size {
		s.tb.Error("forgetting is in the log")
	}
	if _, err := s.store.CarryOut(ctx, approved.ID, 0, []licence.Turn{{Identifier: all[0].Identifier, Refusal: "不行 no"}}); !errors.Is(err, licence.ErrProposal) {
		s.tb.Errorf("carried out after its name was forgotten: %v, want ErrProposal", err)
	}
}
