package office_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
)

// logSize is how many entries the log has.
func logSize(t *testing.T, o *office.Office) int {
	t.Helper()
	n := 0
	if err := o.AuditLog().Entries(ctx, func(auditlog.Entry) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// alike compares what was tried with what was done: all but who and when.
func alike(t *testing.T, f *officetest.Fixture, tried licence.Proposal, refused []licence.Proposed, done licence.Proposal) {
	t.Helper()
	tried.ApprovedBy, tried.ApprovedAt = done.ApprovedBy, done.ApprovedAt
	tried.CancelledBy, tried.CancelledAt = done.CancelledBy, done.CancelledAt
	if !reflect.DeepEqual(tried, done) {
		t.Errorf("tried\n%+v, done\n%+v", tried, done)
	}
	noted, err := f.Office.MassRefusals(ctx, done)
	if err != nil || !reflect.DeepEqual(refused, noted) {
		t.Errorf("tried refusals\n%+v, noted\n%+v, %v", refused, noted, err)
	}
}

// TestMassTrial: approval, run and cancellation are answered in a dry run as they are then
// done, in the same words, and the log does not grow.
func TestMassTrial(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	_, held := household(t, f)
	var ids []licence.Identifier
	for _, r := range held[:3] {
		ids = append(ids, r.Licence.Identifier)
	}
	preview, err := f.Office.ProposeMass(ctx, "甲", office.MassRequest{Step: licence.Suspend, Reason: "专项整治", Selection: office.Selection{Identifiers: ids}})
	if err != nil {
		t.Fatal(err)
	}
	p := preview.Proposal
	// One has ended meanwhile, one is erased.
	for i, id := range ids[:2] {
		if _, err := f.Office.Step(ctx, "丙", id, licence.Revoke, "注销"); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		if _, err := f.Office.ApplyErasure(ctx, "甲", id, false, "依法"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.ApproveErasure(ctx, "乙", id); err != nil {
			t.Fatal(err)
		}
	}
	before := logSize(t, f.Office)
	for name, try := range map[string]func() error{
		"run before it is approved": func() error { _, _, err := f.Office.TryRun(ctx, "乙", p.ID); return err },
		"approved by the first":     func() error { _, _, err := f.Office.TryMass(ctx, "甲", p.ID, p.Digest); return err },
		"approved as another":       func() error { _, _, err := f.Office.TryMass(ctx, "乙", p.ID, [32]byte{1}); return err },
	} {
		if err := try(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	tried, refused, err := f.Office.TryMass(ctx, "乙", p.ID, p.Digest)
	if err != nil || len(refused) != 2 {
		t.Fatalf("%+v, %v", refused, err)
	}
	cancelled, err := f.Office.TryCancel(ctx, "丙", p.ID)
	if err != nil || cancelled.State(time.Now()) != licence.ProposalCancelled {
		t.Errorf("%+v, %v", cancelled, err)
	}
	if after := logSize(t, f.Office); after != before {
		t.Errorf("the log has %d entries after the trials, %d before", after, before)
	}
	if stored, err := f.Office.MassProposal(ctx, p.ID); err != nil || stored.State(time.Now()) != licence.ProposalOpen || stored.Done != 0 {
		t.Fatalf("after the trials: %+v, %v", stored, err)
	}
	done, _ := approve(t, f, p, office.MassRun{})
	alike(t, f, tried, refused, done)
	again, refused, err := f.Office.TryRun(ctx, "乙", p.ID)
	if err != nil {
		t.Fatal(err)
	}
	alike(t, f, again, refused, done)
	_, tryErr := f.Office.TryCancel(ctx, "丙", p.ID)
	_, err = f.Office.CancelMass(ctx, "丙", p.ID)
	if err == nil || tryErr == nil || err.Error() != tryErr.Error() {
		t.Errorf("cancelled when it is done: %v, tried: %v", err, tryErr)
	}
}

// TestHolderTrial: the same about a holder, whose licences changed after the approval.
func TestHolderTrial(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	person, held := household(t, f)
	q := actOn(licence.EventRenamed, person)
	q.Name = "新样例"
	preview, err := f.Office.ProposeHolder(ctx, "甲", q)
	if err != nil {
		t.Fatal(err)
	}
	p := preview.Proposal
	tried, refused, err := f.Office.TryMass(ctx, "乙", p.ID, p.Digest)
	if err != nil || len(refused) != 0 || tried.Named() || tried.Done != 3 {
		t.Fatalf("%+v, %+v, %v", tried, refused, err)
	}
	if _, err := f.Office.ApproveMass(ctx, "乙", p.ID, p.Digest); err != nil {
		t.Fatal(err)
	}
	steps := [][]licence.Step{{licence.Suspend}, {licence.Suspend, licence.Resume}, nil} // not in force any more; changed and in force again; as it was
	for i, all := range steps {
		for _, step := range all {
			if _, err := f.Office.Step(ctx, "丙", held[i].Licence.Identifier, step, "核查"); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := logSize(t, f.Office)
	tried, refused, err = f.Office.TryRun(ctx, "乙", p.ID)
	if err != nil || len(refused) != 2 {
		t.Fatalf("%+v, %v", refused, err)
	}
	if after := logSize(t, f.Office); after != before {
		t.Errorf("the log has %d entries after the trial, %d before", after, before)
	}
	done, err := f.Office.RunMass(ctx, "乙", p.ID, office.MassRun{})
	if err != nil {
		t.Fatal(err)
	}
	alike(t, f, tried, refused, done)
}

// TestHolderLapses: a new name that was approved and never carried out is forgotten by the next
// publication after its time, and does not come back with the clock.
func TestHolderLapses(t *testing.T) {
	t.Parallel()
	clock := &movable{at: time.Now()}
	f := officetest.At(t, clock.now)
	q := actOn(licence.EventRenamed, f.Issue(t, "004").Licence.Holders[0])
	q.Name = "新样例"
	var proposals []licence.Proposal
	for range 2 {
		preview, err := f.Office.ProposeHolder(ctx, "甲", q)
		if err != nil {
			t.Fatal(err)
		}
		proposals = append(proposals, preview.Proposal)
	}
	clock.add(time.Hour)
	if _, err := f.Office.ApproveMass(ctx, "乙", proposals[0].ID, proposals[0].Digest); err != nil {
		t.Fatal(err)
	}
	named := func() (names int) {
		t.Helper()
		if _, err := f.Office.Publish(ctx, "test"); err != nil {
			t.Fatal(err)
		}
		all, err := f.Office.MassProposals(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if p.Named() != (p.Digest != [32]byte{}) {
				t.Errorf("a name without a digest, or the other way round: %+v", p)
			}
			if p.Named() {
				names++
			}
		}
		return names
	}
	clock.add(licence.ProposalLife - time.Hour)
	if got := named(); got != 1 { // that of the other one has never been approved
		t.Errorf("a week after the proposals %d names are kept, want 1", got)
	}
	clock.add(time.Hour)
	if _, err := f.Office.RunMass(ctx, "乙", proposals[0].ID, office.MassRun{}); !errors.Is(err, licence.ErrProposal) {
		t.Errorf("carried out a week after it was approved: %v, want ErrProposal", err)
	}
	if got := named(); got != 0 {
		t.Errorf("a week after the approval %d names are kept", got)
	}
	clock.add(-2 * time.Hour)
	if _, err := f.Office.RunMass(ctx, "乙", proposals[0].ID, office.MassRun{}); !errors.Is(err, licence.ErrProposal) {
		t.Errorf("carried out with a clock that was set back: %v, want ErrProposal", err)
	}
	if p, err := f.Office.MassProposal(ctx, proposals[0].ID); err != nil || p.State(clock.now()) != licence.ProposalExpired {
		t.Errorf("%+v, %v", p, err)
	}
}
