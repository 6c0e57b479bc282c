package office_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/qr/verify"
)

// movable is a clock that a test sets.
type movable struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (m *movable) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *movable) add(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = m.at.Add(d)
}

// TestUndoWindow: until its time a licence is nothing to anybody, and from then on it is
// in force, without any program having run.
func TestUndoWindow(t *testing.T) {
	t.Parallel()
	clock := &movable{at: time.Now()}
	f := officetest.At(t, clock.now)
	if _, err := f.Office.SetUndo(ctx, "test", f.Authority.USCC, licence.UndoWindow{Category: 4, Minutes: 30}); err != nil {
		t.Fatal(err)
	}
	r := f.Issue(t, "004")
	id := r.Licence.Identifier
	if other := f.Issue(t, "066"); r.State != licence.Pending || other.State != licence.Active {
		t.Fatalf("issued as %s and %s", r.State, other.State)
	}
	look := func() inspect.Inspection {
		t.Helper()
		found, err := f.Office.LookUp(ctx, "verify", office.NumberQuery{Identifier: id.String()})
		if err != nil {
			t.Fatal(err)
		}
		byNumber, err := f.Office.LookUp(ctx, "verify", office.NumberQuery{Number: r.Licence.Number, Holder: r.Licence.Holders[0].Name})
		if err != nil || byNumber.Verdict != found.Verdict {
			t.Fatalf("by number: %s, %v; by identifier: %s", byNumber.Verdict, err, found.Verdict)
		}
		return found
	}
	if found := look(); found.Verdict != verify.NoData || found.Code.Holder != nil || found.Code.Category != nil {
		t.Errorf("a pending licence is looked up as %s, %+v", found.Verdict, found.Code)
	}
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, licence.ErrStep) {
			t.Errorf("%s before the publication: %v, want ErrStep", what, err)
		}
	}
	_, err := f.Office.CodeOf(ctx, "test", r, disclose.Masked)
	refused("a code", err)
	_, err = f.Office.PDF(ctx, "test", r)
	refused("a PDF", err)
	_, err = f.Office.PDFWithCode(ctx, "test", r, office.Code{})
	refused("a PDF with a code", err)
	_, err = f.Office.OfferBinding(ctx, "test", r)
	refused("a binding", err)
	_, err = f.Office.Present(ctx, "test", r, nil)
	refused("a presentation", err)
	f.Reopen(t)

	clock.add(30 * time.Minute)
	got, err := f.Office.Licence(ctx, "test", id)
	if err != nil || got.State != licence.Active || !got.Since.Equal(r.Publication) {
		t.Fatalf("at its time it is %s since %s, %v", got.State, got.Since, err)
	}
	if found := look(); found.Verdict != verify.Valid {
		t.Errorf("at its time it is looked up as %s", found.Verdict)
	}
	// What was read before is judged by the clock of now as well.
	if _, err := f.Office.Code(ctx, "test", r); err != nil {
		t.Error(err)
	}
	_, a := f.Application(t, "004")
	if _, err := f.Office.Correct(ctx, "test", id, a, office.NewVersion{Reason: "录入错误"}); !errors.Is(err, licence.ErrStep) {
		t.Errorf("corrected after its publication: %v, want ErrStep", err)
	}
}

// TestUndoWindowAndClock: a clock that is set back after a licence was published by its time
// does not let anybody take back what there are codes of: those would be valid for ever.
func TestUndoWindowAndClock(t *testing.T) {
	t.Parallel()
	clock := &movable{at: time.Now()}
	f := officetest.At(t, clock.now)
	if _, err := f.Office.SetUndo(ctx, "test", f.Authority.USCC, licence.UndoWindow{Minutes: 30}); err != nil {
		t.Fatal(err)
	}
	printed, unseen := f.Issue(t, "004"), f.Issue(t, "066")
	clock.add(40 * time.Minute)
	if _, err := f.Office.Code(ctx, "test", printed); err != nil {
		t.Fatal(err)
	}
	clock.add(-20 * time.Minute)
	if _, err := f.Office.Step(ctx, "test", printed.Licence.Identifier, licence.Withdraw, "录入错误"); !errors.Is(err, licence.ErrStep) {
		t.Errorf("withdrawn although there is a code of it: %v, want ErrStep", err)
	}
	_, a := f.Application(t, "004")
	if _, err := f.Office.Correct(ctx, "test", printed.Licence.Identifier, a, office.NewVersion{Reason: "录入错误"}); !errors.Is(err, licence.ErrStep) {
		t.Errorf("corrected although there is a code of it: %v, want ErrStep", err)
	}
	if _, err := f.Office.Step(ctx, "test", unseen.Licence.Identifier, licence.Withdraw, "录入错误"); err != nil {
		t.Errorf("what nobody has seen is not withdrawn: %v", err)
	}
	clock.add(20 * time.Minute)
	if r, err := f.Office.Licence(ctx, "test", printed.Licence.Identifier); err != nil || r.State != licence.Active {
		t.Errorf("when the clock is right again it is %s, %v", r.State, err)
	}
	officetest.Whole(t, f.Office)
}

// TestDaysAndClock: whether a licence is in force by its days is asked of the clock of now,
// in China, whatever it said before.
func TestDaysAndClock(t *testing.T) {
	t.Parallel()
	clock := &movable{at: time.Now()}
	f := officetest.At(t, clock.now)
	r := f.Issue(t, "004")
	last := *r.Licence.LastDay
	says := func(at time.Time, want verify.Verdict) {
		t.Helper()
		clock.mu.Lock()
		clock.at = at
		clock.mu.Unlock()
		found, err := f.Office.LookUp(ctx, "verify", office.NumberQuery{Identifier: r.Licence.Identifier.String()})
		if err != nil || found.Verdict != want {
			t.Errorf("at %s: %s, %v, want %s", at.UTC().Format(time.RFC3339), found.Verdict, err, want)
		}
	}
	now := clock.now()
	says(last.End(), verify.Valid)
	says(last.End().Add(time.Second), verify.Expired)
	says(now, verify.Valid)
	says(r.Licence.FirstDay.Start().Add(-time.Second), verify.NotYetValid)
	says(r.Licence.FirstDay.Start(), verify.Valid)
	says(last.End().AddDate(5, 0, 0), verify.Expired)
	says(now, verify.Valid)
}

// TestCorrection: a correction is never seen as a revocation.
func TestCorrection(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if _, err := f.Office.SetUndo(ctx, "test", f.Authority.USCC, licence.UndoWindow{Minutes: 30}); err != nil {
		t.Fatal(err)
	}
	r := f.Issue(t, "004")
	_, a := f.Application(t, "004")
	a.Holder.Name = "李样例"
	corrected, err := f.Office.Correct(ctx, "test", r.Licence.Identifier, a, office.NewVersion{Reason: "姓名录入错误"})
	if err != nil {
		t.Fatal(err)
	}
	if corrected.State != licence.Pending || corrected.Licence.Identifier.Version != 2 || corrected.Licence.Holders[0].Name != "李样例" {
		t.Errorf("corrected to %+v", corrected)
	}
	if _, err := f.Office.Take(ctx, "test", corrected.Licence.Identifier, office.StepRequest{Step: licence.Publish, Reason: "核对无误"}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[licence.Identifier]verify.Verdict{r.Licence.Identifier: verify.NoData, corrected.Licence.Identifier: verify.Valid} {
		found, err := f.Office.LookUp(ctx, "verify", office.NumberQuery{Identifier: id.String()})
		if err != nil || found.Verdict != want {
			t.Errorf("version %d is looked up as %s, %v, want %s", id.Version, found.Verdict, err, want)
		}
	}
	changes, err := f.Office.Changes(ctx, licence.ChangeQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, c := range changes {
		steps = append(steps, string(c.Step))
	}
	if got := strings.Join(steps, " "); got != "issue withdraw issue publish" {
		t.Errorf("the feed tells of %s", got)
	}
}

// TestUndoOfMany: what is issued by the thousand waits like what is issued alone.
func TestUndoOfMany(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if _, err := f.Office.SetUndo(ctx, "test", f.Authority.USCC, licence.UndoWindow{Minutes: 30}); err != nil {
		t.Fatal(err)
	}
	c, a := f.Application(t, "004")
	source := func(yield func(office.BulkItem, error) bool) {
		yield(office.BulkItem{Line: 1, Category: c.ID, Read: func() (*licence.Application, error) { return a, nil }}, nil)
	}
	var issued []*licence.Licence
	err := f.Office.IssueAll(ctx, "test", source, office.BulkOptions{Stored: func(b office.BulkBatch) error {
		issued = append(issued, b.Issued...)
		return nil
	}})
	if err != nil || len(issued) != 1 {
		t.Fatalf("%d issued, %v", len(issued), err)
	}
	r, err := f.Office.Licence(ctx, "test", issued[0].Identifier)
	if err != nil || r.State != licence.Pending || r.Publication.IsZero() {
		t.Errorf("it is %s until %s, %v", r.State, r.Publication, err)
	}
}

// TestReissue: a terminal reads the old version as revoked, a look-up says that there is
// a newer one, and a retry of the request gives the same.
func TestReissue(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "004")
	id := r.Licence.Identifier
	old, err := f.Office.Code(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	_, a := f.Application(t, "004")
	a.Fields["vehicleClass"] = licence.ApplicationValue{Text: "B1"}
	n := office.NewVersion{Cause: licence.Changed, Reason: "准驾车型变更", RequestID: "again", DryRun: true}
	dry, err := f.Office.Reissue(ctx, "test", id, a, n)
	if err != nil || dry.State != licence.Active || dry.Licence.Identifier.Version != 2 {
		t.Fatalf("a dry run: %+v, %v", dry, err)
	}
	n.DryRun = false
	second, err := f.Office.Reissue(ctx, "test", id, a, n)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.Office.Reissue(ctx, "test", id, a, n); err != nil || again.Licence.Identifier != second.Licence.Identifier {
		t.Errorf("the same request again: %v, %v", again.Licence, err)
	}
	a.Fields["vehicleClass"] = licence.ApplicationValue{Text: "A1"}
	if _, err := f.Office.Reissue(ctx, "test", id, a, n); !errors.Is(err, licence.ErrRequestReused) {
		t.Errorf("the request with another content: %v, want ErrRequestReused", err)
	}
	if _, err := f.Office.Reissue(ctx, "test", id, a, office.NewVersion{Reason: "再来"}); !errors.Is(err, licence.ErrStep) {
		t.Errorf("the old version again: %v, want ErrStep", err)
	}
	if _, err := f.Office.Reissue(ctx, "test", second.Licence.Identifier, a, office.NewVersion{Reason: "再来", IfRevision: 1}); !errors.Is(err, licence.ErrChanged) {
		t.Errorf("at another revision: %v, want ErrChanged", err)
	}
	a.Issuer = "11340000XN0000099Z"
	var invalid *licence.InvalidError
	if _, err := f.Office.Reissue(ctx, "test", second.Licence.Identifier, a, office.NewVersion{Reason: "再来"}); !errors.As(err, &invalid) {
		t.Errorf("by another issuer: %v, want an InvalidError", err)
	}
	fresh, err := f.Office.Code(ctx, "test", second)
	if err != nil {
		t.Fatal(err)
	}
	i := inspector(t, f)
	for digits, want := range map[string]verify.Verdict{old.Digits: verify.Revoked, fresh.Digits: verify.Valid} {
		if got := i.Code(digits); got.Verdict != want {
			t.Errorf("a code is %s, want %s", got.Verdict, want)
		}
	}
	found, err := f.Office.LookUp(ctx, "verify", office.NumberQuery{Identifier: id.String()})
	if err != nil || found.Verdict != verify.Revoked || found.CauseCode != "superseded" || !strings.Contains(found.CauseZH, "换发") {
		t.Errorf("the old version is looked up as %s because %s, %v", found.Verdict, found.CauseZH, err)
	}
	if found, err = f.Office.LookUp(ctx, "verify", office.NumberQuery{Number: r.Licence.Number, Holder: r.Licence.Holders[0].Name}); err != nil || found.Verdict != verify.Valid {
		t.Errorf("by its number it is looked up as %s, %v", found.Verdict, err)
	}
}

// TestRenew: all but what is renewed stays, pictures too.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "004")
	until := (*r.Licence.LastDay + 3650).String()
	renewed, err := f.Office.Renew(ctx, "test", r.Licence.Identifier, office.Renewal{ValidUntil: until}, office.NewVersion{Reason: "期满换证"})
	if err != nil {
		t.Fatal(err)
	}
	l := renewed.Licence
	if l.LastDay.String() != until || l.FirstDay != r.Licence.FirstDay || l.Number != r.Licence.Number || fmt.Sprint(l.Fields) != fmt.Sprint(r.Licence.Fields) || l.Identifier.Version != 2 {
		t.Errorf("renewed to %+v", l)
	}
	if _, err := f.Office.PDF(ctx, "test", renewed); err != nil {
		t.Error(err)
	}
	// A long-term one that is checked: its result alone.
	checked := f.Issue(t, "020")
	if _, err := f.Office.Renew(ctx, "test", checked.Licence.Identifier, office.Renewal{}, office.NewVersion{Reason: "年检"}); err == nil {
		t.Error("nothing is renewed")
	}
	diploma := f.Issue(t, "065")
	if _, err := f.Office.Renew(ctx, "test", diploma.Licence.Identifier, office.Renewal{ValidUntil: "2099-01-01"}, office.NewVersion{Reason: "延续"}); !errors.Is(err, office.ErrNotRenewable) {
		t.Errorf("a diploma is renewed: %v, want ErrNotRenewable", err)
	}
}

// TestMassCutOff: carried out in small batches, cut off after each, in new processes,
// every licence has its one step.
func TestMassCutOff(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	var all []licence.Identifier
	c, a := f.Application(t, "114")
	for i := range 9 {
		a.Number = fmt.Sprintf("皖交运管许可测字34019900000%d号", i)
		r, err := f.Office.Issue(ctx, "test", c.ID, a, office.IssueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Licence.Identifier)
	}
	f.Issue(t, "004")
	q := office.MassRequest{Step: licence.Suspend, Cause: licence.Investigation, Reason: "专项检查", Selection: office.Selection{Categories: []catalogue.ID{114}}}
	preview, err := f.Office.ProposeMass(ctx, "甲", q)
	if err != nil || len(preview.Identifiers) != 9 || preview.Proposal.ByCategory[114] != 9 || len(preview.Excluded) != 0 {
		t.Fatalf("proposed %+v, %v", preview, err)
	}
	id := preview.Proposal.ID
	if _, err := f.Office.RunMass(ctx, "乙", id, office.MassRun{}); !errors.Is(err, licence.ErrProposal) {
		t.Errorf("carried out before it is approved: %v", err)
	}
	if _, err := f.Office.ApproveMass(ctx, "甲", id, preview.Proposal.Digest); !errors.Is(err, licence.ErrSamePerson) {
		t.Errorf("approved by who proposed it: %v", err)
	}
	if _, err := f.Office.ApproveMass(ctx, "乙", id, preview.Proposal.Digest); err != nil {
		t.Fatal(err)
	}
	for rounds := 0; ; rounds++ {
		ctx, stop := context.WithCancel(ctx)
		p, err := f.Office.RunMass(ctx, "乙", id, office.MassRun{Batch: 2, Progress: func(licence.Proposal) { stop() }})
		stop()
		f.Reopen(t)
		if err == nil {
			if p.Done != 9 || p.Refused != 0 || rounds < 4 {
				t.Errorf("done after %d rounds: %+v", rounds, p)
			}
			break
		}
		if !errors.Is(err, context.Canceled) || rounds > 9 {
			t.Fatalf("round %d: %v", rounds, err)
		}
	}
	changes, err := f.Office.Changes(ctx, licence.ChangeQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var suspended []licence.Identifier
	for _, c := range changes {
		if c.Step == licence.Suspend {
			suspended = append(suspended, c.Record.Licence.Identifier)
		}
	}
	if fmt.Sprint(licence.SortIdentifiers(slices.Clone(suspended))) != fmt.Sprint(licence.SortIdentifiers(all)) || len(suspended) != 9 {
		t.Errorf("suspended %v, want %v, each once", suspended, all)
	}
	// What has changed by itself is left out, and is told.
	q.Selection = office.Selection{Identifiers: all}
	if _, err := f.Office.ProposeMass(ctx, "甲", q); !errors.Is(err, office.ErrSelection) {
		t.Errorf("suspended licences are proposed for suspension: %v, want ErrSelection", err)
	}
	q.Step, q.Cause = licence.Supersede, licence.Unstated
	if _, err := f.Office.ProposeMass(ctx, "甲", q); !errors.Is(err, licence.ErrStep) {
		t.Errorf("a mass reissue: %v, want ErrStep", err)
	}
	if _, err := f.Office.ProposeMass(ctx, "甲", office.MassRequest{Step: licence.Revoke, Reason: "全部"}); !errors.Is(err, office.ErrSelection) {
		t.Errorf("everything is proposed: %v, want ErrSelection", err)
	}
}

// TestProposalExpires: after a week nobody can approve it.
func TestProposalExpires(t *testing.T) {
	t.Parallel()
	clock := &movable{at: time.Now()}
	f := officetest.At(t, clock.now)
	f.Issue(t, "004")
	preview, err := f.Office.ProposeMass(ctx, "甲", office.MassRequest{Step: licence.Suspend, Reason: "检查", Selection: office.Selection{Issuers: []string{f.Authority.USCC}}})
	if err != nil {
		t.Fatal(err)
	}
	clock.add(licence.ProposalLife)
	if _, err := f.Office.ApproveMass(ctx, "乙", preview.Proposal.ID, preview.Proposal.Digest); !errors.Is(err, licence.ErrProposal) {
		t.Errorf("approved after a week: %v, want ErrProposal", err)
	}
}
