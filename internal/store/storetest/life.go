package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// next makes the submission of the version behind one, with another number if one is
// given.
func (s *suite) next(before licence.Record, number string) licence.Submission {
	s.tb.Helper()
	ref, err := s.store.ReserveIndex(ctx, 1)
	s.check(err)
	l := *before.Licence
	id, err := licence.NewIdentifier(l.Identifier.Type, l.Identifier.Issuer, l.Identifier.Serial, l.Identifier.Version+1)
	s.check(err)
	l.Identifier, l.Status, l.Number = id, ref, cmp.Or(number, l.Number)
	signed, err := licence.Sign(&l, s.key)
	s.check(err)
	return licence.Submission{Licence: &l, Signed: signed, Point: s.key.Public().Point(), Audit: s.entry(audit.ActLicenceReissue, id.String())}
}

// end is how a version ends.
func (s *suite) end(id licence.Identifier, step licence.Step) licence.Transition {
	s.tb.Helper()
	return licence.Transition{
		Identifier: id, Step: step, Cause: licence.Corrected, Reason: "因为 " + string(step), At: time.Unix(1700000200, 0), Audit: s.entry(audit.Act("licence."+string(step)), id.String()),
	}
}

// planes returns the bits of a place in the status lists.
func (s *suite) planes(ref licence.StatusRef) (revoked, suspended bool) {
	s.tb.Helper()
	sets, err := s.store.StatusSets(ctx)
	s.check(err)
	for _, set := range sets {
		if set.List == ref.List {
			return set.Revoked.Has(ref.Index), set.Suspended.Has(ref.Index)
		}
	}
	return false, false
}

// versions: a new version ends the old one, both or neither.
func (s *suite) versions() {
	first := s.issue("V1")
	other := s.issue("V2")
	s.check(s.store.PutCredentials(ctx, first.Licence.Identifier, []licence.NewCredential{s.printed(first, "full", first.Licence.Status)}, s.entry(audit.ActLicenceCode, first.Licence.Identifier.String())))

	// What is refused leaves everything as it was.
	before := s.logSize()
	wrongStep := licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Revoke)}
	sameVersion := licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Supersede)}
	sameVersion.Licence = first.Licence
	stale := licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Supersede)}
	stale.End.IfRevision = first.Revision + 17
	none := licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Supersede)}
	none.End.Identifier.Serial.Random[0] ^= 1
	none.Licence = s.renamed(none.Licence, none.End.Identifier)
	for name, tt := range map[string]struct {
		r    licence.Replacement
		want error
	}{
		"by another step":                        {wrongStep, licence.ErrStep},
		"by itself":                              {sameVersion, nil},
		"at another revision":                    {stale, licence.ErrChanged},
		"of nothing":                             {none, licence.ErrNotFound},
		"with a number that another licence has": {licence.Replacement{Submission: s.next(first, "V2"), End: s.end(first.Licence.Identifier, licence.Supersede)}, licence.ErrNumberTaken},
		"of what is not pending":                 {licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Withdraw)}, licence.ErrStep},
	} {
		_, err := s.store.Replace(ctx, tt.r)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			s.tb.Errorf("replaced %s: %v, want %v", name, err, tt.want)
		}
	}
	s.reopen()
	got, err := s.store.ByIdentifier(ctx, first.Licence.Identifier)
	s.check(err)
	s.want("after refused replacements", got, first)
	if revoked, _ := s.planes(first.Licence.Status); revoked || s.logSize() != before {
		s.tb.Errorf("refused replacements left a bit (%v) or entries", revoked)
	}

	// A dry run answers and stores nothing.
	dry := licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Supersede)}
	dry.DryRun, dry.End.DryRun = true, true
	answer, err := s.store.Replace(ctx, dry)
	s.check(err)
	if answer.State != licence.Active || answer.Licence.Identifier.Version != 2 {
		s.tb.Errorf("a dry run answers %+v", answer)
	}
	if got, err = s.store.ByIdentifier(ctx, first.Licence.Identifier); err != nil || got.State != licence.Active || s.logSize() != before {
		s.tb.Errorf("a dry run has changed something: %s, %v", got.State, err)
	}
	if _, err := s.store.ByIdentifier(ctx, answer.Licence.Identifier); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("a dry run has stored a licence: %v", err)
	}

	second, err := s.store.Replace(ctx, licence.Replacement{Submission: s.next(first, ""), End: s.end(first.Licence.Identifier, licence.Supersede)})
	s.check(err)
	third, err := s.store.Replace(ctx, licence.Replacement{Submission: s.next(second, "V3"), End: s.end(second.Licence.Identifier, licence.Supersede)})
	s.check(err)
	for range 2 {
		all, err := s.store.Versions(ctx, second.Licence.Identifier)
		s.check(err)
		if len(all) != 3 {
			s.tb.Fatalf("%d versions, want 3", len(all))
		}
		for i, state := range []licence.State{licence.Superseded, licence.Superseded, licence.Active} {
			if all[i].State != state || all[i].Licence.Identifier.Version != i+1 {
				s.tb.Errorf("version %d is %s, want %s", all[i].Licence.Identifier.Version, all[i].State, state)
			}
			if revoked, _ := s.planes(all[i].Licence.Status); revoked != (i < 2) {
				s.tb.Errorf("version %d is shown as revoked: %v", i+1, revoked)
			}
		}
		if all[0].Reason != "因为 supersede" || all[0].Cause != licence.Corrected {
			s.tb.Errorf("the first version ended because %q, %s", all[0].Reason, all[0].Cause)
		}
		s.reopen()
	}
	if other, err := s.store.Versions(ctx, other.Licence.Identifier); err != nil || len(other) != 1 {
		s.tb.Errorf("%d versions of another licence, %v", len(other), err)
	}
	stranger := first.Licence.Identifier
	stranger.Issuer = "11100000000013338W"
	if _, err := s.store.Versions(ctx, stranger); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("versions of another issuer's licence: %v, want ErrNotFound", err)
	}
	// The number goes with the chain: the one that the third has given up is free.
	if _, err := s.store.Issue(ctx, s.draft("V3")); !errors.Is(err, licence.ErrNumberTaken) {
		s.tb.Errorf("the number of the new version: %v, want ErrNumberTaken", err)
	}
	s.issue("V1")
	// No credential for what has ended.
	err = s.store.PutCredentials(ctx, second.Licence.Identifier, []licence.NewCredential{s.printed(second, "full", second.Licence.Status)}, s.entry(audit.ActLicenceCode, "x"))
	if !errors.Is(err, licence.ErrStep) {
		s.tb.Errorf("a credential of a superseded version: %v, want ErrStep", err)
	}
	// Two at once: one wins.
	one := licence.Replacement{Submission: s.next(third, ""), End: s.end(third.Licence.Identifier, licence.Supersede)}
	two := licence.Replacement{Submission: s.next(third, ""), End: s.end(third.Licence.Identifier, licence.Supersede)}
	results := make(chan error, 2)
	for _, r := range []licence.Replacement{one, two} {
		go func() {
			_, err := s.store.Replace(ctx, r)
			results <- err
		}()
	}
	if a, b := <-results, <-results; (a == nil) == (b == nil) || !errors.Is(cmp.Or(a, b), licence.ErrStep) {
		s.tb.Errorf("two new versions at once: %v and %v, want one and ErrStep", a, b)
	}
}

// renamed signs nothing: it is a licence under another identifier, the next version.
func (s *suite) renamed(l *licence.Licence, before licence.Identifier) *licence.Licence {
	s.tb.Helper()
	changed := *l
	id, err := licence.NewIdentifier(before.Type, before.Issuer, before.Serial, before.Version+1)
	s.check(err)
	changed.Identifier = id
	return &changed
}

// printed is a printed credential of a licence.
func (s *suite) printed(r licence.Record, profile string, ref licence.StatusRef) licence.NewCredential {
	return licence.NewCredential{Credential: licence.Credential{
		Profile: profile, Status: ref, Signed: []byte(r.Licence.Identifier.String() + profile), Point: s.key.Public().Point(),
		SignedAt: time.Unix(1700000050, 0).UTC(), Expires: time.Unix(1800000000, 0).UTC(),
	}}
}

// undo: before its publication a licence is corrected or withdrawn without a bit, and
// its time alone publishes it.
func (s *suite) undo() {
	published := time.Unix(1700000300, 0).UTC()
	draft := s.draft("U1")
	draft.Publication = published
	pending, err := s.store.Issue(ctx, draft)
	s.check(err)
	if pending.State != licence.Pending || !pending.Publication.Equal(published) {
		s.tb.Fatalf("issued as %s until %s", pending.State, pending.Publication)
	}
	id := pending.Licence.Identifier
	for _, step := range []licence.Step{licence.Suspend, licence.Resume, licence.Revoke, licence.Supersede} {
		if _, err := s.step(id, step); !errors.Is(err, licence.ErrStep) {
			s.tb.Errorf("%s before the publication: %v, want ErrStep", step, err)
		}
	}
	early := s.printed(pending, "full", pending.Licence.Status)
	if err := s.store.PutCredentials(ctx, id, []licence.NewCredential{early}, s.entry(audit.ActLicenceCode, "x")); !errors.Is(err, licence.ErrStep) {
		s.tb.Errorf("a credential before the publication: %v, want ErrStep", err)
	}
	if _, err := s.store.Issue(ctx, s.draft("U1")); !errors.Is(err, licence.ErrNumberTaken) {
		s.tb.Errorf("the number of a pending licence: %v, want ErrNumberTaken", err)
	}
	correction := licence.Replacement{Submission: s.next(pending, ""), End: s.end(id, licence.Withdraw)}
	correction.Publication = published
	corrected, err := s.store.Replace(ctx, correction)
	s.check(err)
	s.reopen()
	withdrawn, err := s.store.ByIdentifier(ctx, id)
	s.check(err)
	if revoked, suspended := s.planes(pending.Licence.Status); withdrawn.State != licence.Withdrawn || revoked || suspended {
		s.tb.Errorf("the old one is %s, its bits are %v, %v", withdrawn.State, revoked, suspended)
	}
	// At its time it is active, and takes the steps of one that is.
	late := s.printed(corrected, "full", corrected.Licence.Status)
	late.SignedAt = published
	s.check(s.store.PutCredentials(ctx, corrected.Licence.Identifier, []licence.NewCredential{late}, s.entry(audit.ActLicenceCode, "x")))
	transition := s.end(corrected.Licence.Identifier, licence.Withdraw)
	transition.At = published
	if _, err := s.store.Transition(ctx, transition); !errors.Is(err, licence.ErrStep) {
		s.tb.Errorf("withdrawn after its publication: %v, want ErrStep", err)
	}
	transition.Step = licence.Suspend
	suspended, err := s.store.Transition(ctx, transition)
	s.check(err)
	if _, bit := s.planes(corrected.Licence.Status); suspended.State != licence.Suspended || !bit {
		s.tb.Errorf("suspended after its publication it is %s, bit %v", suspended.State, bit)
	}
	// Published before its time, and withdrawn alone.
	for number, tt := range map[string]struct {
		step licence.Step
		want licence.State
	}{"U2": {licence.Publish, licence.Active}, "U3": {licence.Withdraw, licence.Withdrawn}} {
		draft := s.draft(number)
		draft.Publication = published
		r, err := s.store.Issue(ctx, draft)
		s.check(err)
		if r, err = s.step(r.Licence.Identifier, tt.step); err != nil || r.State != tt.want {
			s.tb.Errorf("%s: %s, %v, want %s", tt.step, r.State, err, tt.want)
		}
	}
	s.issue("U3")
}

// conditions: a step at another revision is refused, and a dry run changes nothing.
func (s *suite) conditions() {
	r := s.issue("K1")
	id := r.Licence.Identifier
	size := s.logSize()
	t := s.end(id, licence.Suspend)
	t.IfRevision = r.Revision + 1
	if _, err := s.store.Transition(ctx, t); !errors.Is(err, licence.ErrChanged) {
		s.tb.Errorf("at another revision: %v, want ErrChanged", err)
	}
	t.IfRevision, t.DryRun = r.Revision, true
	answer, err := s.store.Transition(ctx, t)
	s.check(err)
	if answer.State != licence.Suspended || answer.Reason != "因为 suspend" || answer.Cause != licence.Corrected {
		s.tb.Errorf("a dry run answers %+v", answer)
	}
	dry := s.draft("K2")
	dry.DryRun = true
	dry.Request = licence.Request{Issuer: issuer, ID: "k"}
	if got, err := s.store.Issue(ctx, dry); err != nil || got.State != licence.Active || got.Licence.Number != "K2" {
		s.tb.Errorf("a dry run of an issue: %+v, %v", got, err)
	}
	dry = s.draft("K1")
	dry.DryRun = true
	if _, err := s.store.Issue(ctx, dry); !errors.Is(err, licence.ErrNumberTaken) {
		s.tb.Errorf("a dry run with a taken number: %v, want ErrNumberTaken", err)
	}
	s.reopen()
	got, err := s.store.ByIdentifier(ctx, id)
	s.check(err)
	s.want("after dry runs", got, r)
	if _, suspended := s.planes(r.Licence.Status); suspended || s.logSize() != size {
		s.tb.Error("dry runs left a bit or an entry")
	}
	if found, err := s.store.ByNumber(ctx, 4, "K2"); err != nil || len(found) != 0 {
		s.tb.Errorf("a dry run has stored a licence: %v, %v", found, err)
	}
	if _, err := s.store.Requested(ctx, dry.Request); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("a dry run has stored its request: %v", err)
	}
	t.DryRun = false
	changed, err := s.store.Transition(ctx, t)
	s.check(err)
	t.Step = licence.Resume
	if _, err := s.store.Transition(ctx, t); !errors.Is(err, licence.ErrChanged) {
		s.tb.Errorf("at the revision of before: %v, want ErrChanged", err)
	}
	t.IfRevision = changed.Revision
	_, err = s.store.Transition(ctx, t)
	s.check(err)
	// An identifier that differs in what the record key does not hold is another one.
	t.IfRevision, t.Step, t.Identifier.Issuer = 0, licence.Suspend, "11100000000013338W"
	if _, err := s.store.Transition(ctx, t); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("a step of another issuer's licence: %v, want ErrNotFound", err)
	}
}

// feed: each change once, in order, whatever the size of the pages.
func (s *suite) feed() {
	var want []string
	issued := make([]licence.Record, 4)
	note := func(step licence.Step, r licence.Record) {
		want = append(want, fmt.Sprintf("%s %s", step, r.Licence.Identifier))
	}
	for i := range issued {
		issued[i] = s.issue(fmt.Sprintf("F%d", i))
		note(licence.Issue, issued[i])
	}
	for range 3 {
		for _, step := range []licence.Step{licence.Suspend, licence.Resume} {
			for _, i := range []int{2, 0} {
				_, err := s.step(issued[i].Licence.Identifier, step)
				s.check(err)
				note(step, issued[i])
			}
		}
	}
	second, err := s.store.Replace(ctx, licence.Replacement{Submission: s.next(issued[1], ""), End: s.end(issued[1].Licence.Identifier, licence.Supersede)})
	s.check(err)
	note(licence.Supersede, issued[1])
	note(licence.Issue, second)
	for limit := 1; limit < len(want)+2; limit++ {
		got, revisions := s.changes(licence.ChangeQuery{Limit: limit})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			s.tb.Fatalf("by %d: %v, want %v", limit, got, want)
		}
		if !slices.IsSorted(revisions) || len(slices.Compact(revisions)) != len(want) {
			s.tb.Fatalf("by %d: the revisions are %v", limit, revisions)
		}
		if limit == 3 {
			s.reopen()
		}
	}
	// From any cursor on, the rest.
	_, revisions := s.changes(licence.ChangeQuery{Limit: 100})
	for i, r := range revisions {
		if got, _ := s.changes(licence.ChangeQuery{After: r, Limit: 2}); fmt.Sprint(got) != fmt.Sprint(want[i+1:]) {
			s.tb.Errorf("after %d: %v, want %v", r, got, want[i+1:])
		}
	}
	if got, _ := s.changes(licence.ChangeQuery{Limit: 3, Lists: []uint32{7}}); len(got) != 0 {
		s.tb.Errorf("another list has %v", got)
	}
	if got, _ := s.changes(licence.ChangeQuery{Limit: 3, Lists: []uint32{7, 1}}); fmt.Sprint(got) != fmt.Sprint(want) {
		s.tb.Errorf("the list has %v", got)
	}
	// The register page by page is each licence once, by its last change.
	var listed []string
	for after := uint64(0); ; {
		page, err := s.store.List(ctx, after, 2)
		s.check(err)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			listed = append(listed, r.Licence.Number+fmt.Sprint(r.Licence.Identifier.Version))
			after = r.Revision
		}
	}
	if got := fmt.Sprint(listed); got != "[F31 F21 F01 F11 F12]" {
		s.tb.Errorf("listed %s", got)
	}
}

// changes reads the feed to its end.
func (s *suite) changes(q licence.ChangeQuery) ([]string, []uint64) {
	s.tb.Helper()
	var got []string
	var revisions []uint64
	for {
		page, err := s.store.Changes(ctx, q)
		s.check(err)
		if len(page.Changes) > q.Limit {
			s.tb.Fatalf("%d changes on a page of %d", len(page.Changes), q.Limit)
		}
		for _, c := range page.Changes {
			got = append(got, fmt.Sprintf("%s %s", c.Step, c.Record.Licence.Identifier))
			revisions = append(revisions, c.Revision)
			if c.At.IsZero() {
				s.tb.Errorf("change %d has no time", c.Revision)
			}
		}
		if page.End {
			return got, revisions
		}
		if page.Next <= q.After {
			s.tb.Fatalf("the cursor does not move: %d after %d", page.Next, q.After)
		}
		q.After = page.Next
	}
}
