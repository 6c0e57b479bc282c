package office_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// household is a person with licences of four kinds, two of them held with somebody else,
// and one suspended.
func household(t *testing.T, f *officetest.Fixture) (licence.Holder, []licence.Record) {
	t.Helper()
	driver := f.Issue(t, "004")
	person := driver.Licence.Holders[0]
	other := licence.Holder{Name: "李样例", IDType: "414", IDNumber: "E12345678"}
	all := []licence.Record{driver, issueTo(t, f, "017", person, other), issueTo(t, f, "087", person, other), issueTo(t, f, "164", person)}
	if _, err := f.Office.Step(ctx, "test", all[3].Licence.Identifier, licence.Suspend, "调查"); err != nil {
		t.Fatal(err)
	}
	return person, all
}

func issueTo(t *testing.T, f *officetest.Fixture, category string, holders ...licence.Holder) licence.Record {
	t.Helper()
	c, a := f.Application(t, category)
	a.Holder, a.Holders = licence.ApplicationHolder{}, nil
	for _, h := range holders {
		a.Holders = append(a.Holders, licence.ApplicationHolder{Name: h.Name, IDType: string(h.IDType), IDNumber: h.IDNumber})
	}
	r, err := f.Office.Issue(ctx, "test", c.ID, a, office.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func actOn(event licence.HolderEvent, h licence.Holder) office.HolderRequest {
	return office.HolderRequest{HolderAct: licence.HolderAct{Event: event}, IDType: h.IDType, IDNumber: h.IDNumber, Reason: "依据通知"}
}

// approve has another officer approve a proposal and carries it out.
func approve(t *testing.T, f *officetest.Fixture, p licence.Proposal, run office.MassRun) (licence.Proposal, []licence.Proposed) {
	t.Helper()
	if _, err := f.Office.ApproveMass(ctx, "乙", p.ID, p.Digest); err != nil {
		t.Fatal(err)
	}
	p, err := f.Office.RunMass(ctx, "乙", p.ID, run)
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Office.MassLicences(ctx, p.ID, 0, p.Count)
	if err != nil {
		t.Fatal(err)
	}
	return p, all
}

// TestHolderRenamed: new versions under the new name, but for a licence that can have none.
func TestHolderRenamed(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	person, _ := household(t, f)
	q := actOn(licence.EventRenamed, person)
	q.Name, q.DryRun = "新样例", true
	dry, err := f.Office.ProposeHolder(ctx, "甲", q)
	if err != nil || len(dry.Steps) != 4 {
		t.Fatalf("%d steps, %v", len(dry.Steps), err)
	}
	for _, s := range dry.Steps {
		if problem := s.Record.State == licence.Suspended; (s.Problem != nil) != problem || s.Step != licence.Supersede || s.Cause != licence.Renamed {
			t.Errorf("category %s: %s because %s, %v", s.Record.Licence.Category, s.Step, s.Cause, s.Problem)
		}
	}
	if all, err := f.Office.MassProposals(ctx); err != nil || len(all) != 0 {
		t.Errorf("a dry run leaves %d proposals, %v", len(all), err)
	}
	q.DryRun = false
	preview, err := f.Office.ProposeHolder(ctx, "甲", q)
	if err != nil || preview.Proposal.Digest != dry.Proposal.Digest || preview.Proposal.Count != 3 {
		t.Fatalf("%+v after %+v, %v", preview.Proposal, dry.Proposal, err)
	}
	for actor, want := range map[string]error{"甲": licence.ErrSamePerson, "乙": licence.ErrDigest} {
		digest := preview.Proposal.Digest
		if actor == "乙" {
			digest[0] ^= 1
		}
		if _, err := f.Office.ApproveMass(ctx, actor, preview.Proposal.ID, digest); !errors.Is(err, want) {
			t.Errorf("approved by %s: %v, want %v", actor, err, want)
		}
	}
	p, all := approve(t, f, preview.Proposal, office.MassRun{})
	if p.Refused != 0 || p.Holder.Name != "" {
		t.Errorf("%+v", p)
	}
	for _, l := range all {
		next := l.Identifier
		next.Version++
		r, err := f.Office.Licence(ctx, "test", next)
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Licence.Holders[l.Place]; h.Name != "新样例" || h.IDNumber != person.IDNumber || r.State != licence.Active {
			t.Errorf("category %s: %s", r.Licence.Category, r.State)
		}
		if l := r.Licence; len(l.Holders) == 2 && l.Holders[1].Name != "李样例" {
			t.Errorf("the other holder of category %s is renamed too", l.Category)
		}
	}
}

// TestHolderDied: the driving licence ends, the marriage is a fact, the house is for heirs.
func TestHolderDied(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	person, held := household(t, f)
	house := held[2].Licence.Identifier
	q := actOn(licence.EventDeceased, person)
	preview, err := f.Office.ProposeHolder(ctx, "甲", q)
	if !errors.Is(err, office.ErrUndecided) {
		t.Errorf("with a house that nobody has decided on: %v, want ErrUndecided", err)
	}
	fates := make(map[catalogue.ID]catalogue.Fate)
	for _, s := range preview.Steps {
		fates[s.Record.Licence.Category] = s.Fate
	}
	want := map[catalogue.ID]catalogue.Fate{4: catalogue.FateEnd, 17: catalogue.FateKeep, 87: catalogue.FateAsk, 164: catalogue.FateEnd}
	if fmt.Sprint(fates) != fmt.Sprint(want) {
		t.Errorf("fates %v, want %v", fates, want)
	}
	if all, err := f.Office.MassProposals(ctx); err != nil || len(all) != 0 {
		t.Errorf("what is undecided leaves %d proposals, %v", len(all), err)
	}
	q.Decisions = map[licence.Identifier]catalogue.Fate{house: catalogue.FateTransfer}
	if _, err := f.Office.ProposeHolder(ctx, "甲", q); !errors.Is(err, office.ErrHolderRequest) {
		t.Errorf("transferred to nobody: %v, want ErrHolderRequest", err)
	}
	another := issueTo(t, f, "088", licence.Holder{Name: "李样例", IDType: "414", IDNumber: "E12345678"}).Licence.Identifier
	q.Decisions = map[licence.Identifier]catalogue.Fate{house: catalogue.FateKeep, another: catalogue.FateKeep}
	if _, err := f.Office.ProposeHolder(ctx, "甲", q); !errors.Is(err, office.ErrHolderRequest) {
		t.Errorf("decided on somebody else's licence: %v, want ErrHolderRequest", err)
	}
	delete(q.Decisions, another)
	if preview, err = f.Office.ProposeHolder(ctx, "甲", q); err != nil {
		t.Fatal(err)
	}
	_, all := approve(t, f, preview.Proposal, office.MassRun{})
	for _, l := range all {
		r, err := f.Office.Licence(ctx, "test", l.Identifier)
		if err != nil {
			t.Fatal(err)
		}
		ended := l.Fate == catalogue.FateEnd
		if l.Refusal != "" || (r.State == licence.Revoked) != ended || ended && r.Cause != licence.HolderDeceased {
			t.Errorf("category %s is %s because %s, %s", r.Licence.Category, r.State, r.Cause, l.Refusal)
		}
	}
}

// TestHolderChangedBetween: what the second officer approves is what is, not what was.
func TestHolderChangedBetween(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, f *officetest.Fixture, person licence.Holder, held []licence.Record){
		"a new licence": func(t *testing.T, f *officetest.Fixture, person licence.Holder, _ []licence.Record) {
			issueTo(t, f, "088", person)
		},
		"a suspension": func(t *testing.T, f *officetest.Fixture, _ licence.Holder, held []licence.Record) {
			if _, err := f.Office.Step(ctx, "丙", held[0].Licence.Identifier, licence.Suspend, "调查"); err != nil {
				t.Fatal(err)
			}
		},
		"a suspension and its end": func(t *testing.T, f *officetest.Fixture, _ licence.Holder, held []licence.Record) {
			for _, step := range []licence.Step{licence.Suspend, licence.Resume} {
				if _, err := f.Office.Step(ctx, "丙", held[0].Licence.Identifier, step, "调查"); err != nil {
					t.Fatal(err)
				}
			}
		},
		"the end of what was left out": func(t *testing.T, f *officetest.Fixture, _ licence.Holder, held []licence.Record) {
			if _, err := f.Office.Step(ctx, "丙", held[3].Licence.Identifier, licence.Resume, "期满"); err != nil {
				t.Fatal(err)
			}
		},
		"the end of all": func(t *testing.T, f *officetest.Fixture, _ licence.Holder, held []licence.Record) {
			for _, r := range held {
				if _, err := f.Office.Step(ctx, "丙", r.Licence.Identifier, licence.Revoke, "注销"); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := officetest.New(t)
			person, held := household(t, f)
			q := actOn(licence.EventRenamed, person)
			q.Name = "新样例"
			preview, err := f.Office.ProposeHolder(ctx, "甲", q)
			if err != nil {
				t.Fatal(err)
			}
			change(t, f, person, held)
			if _, err := f.Office.ApproveMass(ctx, "乙", preview.Proposal.ID, preview.Proposal.Digest); !errors.Is(err, office.ErrPlanChanged) {
				t.Errorf("%v, want ErrPlanChanged", err)
			}
			if p, err := f.Office.MassProposal(ctx, preview.Proposal.ID); err != nil || p.State(time.Now()) != licence.ProposalOpen || p.Done != 0 {
				t.Errorf("it is %+v, %v", p, err)
			}
		})
	}
}

// TestHolderExpires: after a week nobody can approve it.
func TestHolderExpires(t *testing.T) {
	t.Parallel()
	clock := &movable{at: time.Now()}
	f := officetest.At(t, clock.now)
	person := f.Issue(t, "004").Licence.Holders[0]
	preview, err := f.Office.ProposeHolder(ctx, "甲", actOn(licence.EventDeceased, person))
	if err != nil {
		t.Fatal(err)
	}
	clock.add(licence.ProposalLife)
	if _, err := f.Office.ApproveMass(ctx, "乙", preview.Proposal.ID, preview.Proposal.Digest); !errors.Is(err, licence.ErrProposal) {
		t.Errorf("approved after a week: %v, want ErrProposal", err)
	}
}

// TestHolderCutOff: what was cut off between two turns goes on where it stopped, also when
// a licence was changed meanwhile.
func TestHolderCutOff(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	person, _ := household(t, f)
	q := actOn(licence.EventRenamed, person)
	q.Name = "新样例"
	preview, err := f.Office.ProposeHolder(ctx, "甲", q)
	if err != nil {
		t.Fatal(err)
	}
	p := preview.Proposal
	if _, err := f.Office.ApproveMass(ctx, "乙", p.ID, p.Digest); err != nil {
		t.Fatal(err)
	}
	cut, stop := context.WithCancel(ctx)
	var turns atomic.Int32
	if _, err := f.Office.RunMass(cut, "乙", p.ID, office.MassRun{Progress: func(licence.Proposal) { turns.Add(1); stop() }}); err == nil {
		t.Fatal("it was not cut off")
	}
	if got, err := f.Office.MassProposal(ctx, p.ID); err != nil || got.Done != 1 || turns.Load() != 1 {
		t.Fatalf("%+v after %d turns, %v", got, turns.Load(), err)
	}
	all, err := f.Office.MassLicences(ctx, p.ID, 0, p.Count)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.Step(ctx, "丙", all[2].Identifier, licence.Suspend, "调查"); err != nil {
		t.Fatal(err)
	}
	got, err := f.Office.RunMass(ctx, "丁", p.ID, office.MassRun{})
	if err != nil || got.Done != 3 || got.Refused != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, l := range all {
		versions, err := f.Office.Versions(ctx, "test", l.Identifier)
		if err != nil {
			t.Fatal(err)
		}
		if want := 2 - i/2; len(versions) != want {
			t.Errorf("licence %d has %d versions, want %d", i, len(versions), want)
		}
	}
}

// TestHolderTwoAtOnce: of two proposals that rename a holder otherwise each licence follows
// one, however many carry them out at once, on two nodes; the other one says so.
func TestHolderTwoAtOnce(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	person, held := household(t, f)
	twin, err := f.Office.Twin()
	if err != nil {
		t.Fatal(err)
	}
	var proposals []licence.ProposalID
	for _, name := range []string{"新样例", "别样例"} {
		q := actOn(licence.EventRenamed, person)
		q.Name = name
		preview, err := f.Office.ProposeHolder(ctx, "甲", q)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.ApproveMass(ctx, "乙", preview.Proposal.ID, preview.Proposal.Digest); err != nil {
			t.Fatal(err)
		}
		proposals = append(proposals, preview.Proposal.ID)
	}
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			node := []*office.Office{f.Office, twin}[n/2]
			for {
				// Who was not the first reads how far it has come, and goes on.
				_, err := node.RunMass(ctx, "乙", proposals[n%2], office.MassRun{})
				if err == nil {
					return
				}
				if !errors.Is(err, licence.ErrChanged) {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	done := 0
	for _, id := range proposals {
		p, err := f.Office.MassProposal(ctx, id)
		if err != nil || p.Done != 3 || p.Count != 3 {
			t.Fatalf("%+v, %v", p, err)
		}
		all, err := f.Office.MassLicences(ctx, id, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, l := range all {
			if l.Refusal != "" {
				refused++
			}
		}
		if refused != p.Refused {
			t.Errorf("%d licences say why they were refused, the proposal says %d", refused, p.Refused)
		}
		done += p.Done - p.Refused
	}
	if done != 3 {
		t.Errorf("%d turns were taken of 3 licences", done)
	}
	for i, r := range held {
		versions, err := f.Office.Versions(ctx, "test", r.Licence.Identifier)
		if want := 2 - i/3; err != nil || len(versions) != want {
			t.Errorf("licence %d has %d versions, want %d, %v", i, len(versions), want, err)
		}
	}
	officetest.Whole(t, f.Office)
}
