package office

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// Errors of selections.
var (
	// ErrSelection: nothing says which licences are meant, or nothing fits.
	ErrSelection = bilingual.New("没有选中任何证照", "no licences are selected")
	// ErrTooMany: more than one proposal takes.
	ErrTooMany = bilingual.New("一份提议中的证照过多", "too many licences for one proposal")
)

// massBatch is how many steps share a transaction, if nobody says otherwise.
const massBatch = 500

// massSteps are the steps that may be proposed for many licences.
var massSteps = []licence.Step{licence.Suspend, licence.Resume, licence.Revoke}

// Selection says which licences an act on many is about: all that fit everything that
// is said. Something must be.
type Selection struct {
	Identifiers []licence.Identifier // these; none: by the rest
	HolderType  licence.IDType
	Holder      string // document number
	Categories  []catalogue.ID
	Issuers     []string   // credit codes
	IssuedFrom  *civil.Day // days of issue
	IssuedUntil *civil.Day
}

// MassRequest asks for one step for many licences.
type MassRequest struct {
	Step      licence.Step
	Cause     licence.Cause
	Reason    string
	Selection Selection
	DryRun    bool // preview only
}

// MassPreview is who is affected by a proposal.
type MassPreview struct {
	Proposal    licence.Proposal
	Identifiers []licence.Identifier // ascending
	// Excluded are selected licences whose state does not allow the step.
	Excluded []licence.Proposed
}

// ProposeMass finds the licences of a selection and stores the proposal, which
// [Office.ApproveMass] of another officer carries out.
func (o *Office) ProposeMass(ctx context.Context, actor string, q MassRequest) (MassPreview, error) {
	var preview MassPreview
	if !slices.Contains(massSteps, q.Step) {
		return preview, fmt.Errorf("step %q is not one for many licences: %w", q.Step, licence.ErrStep)
	}
	if err := audit.CheckReason(q.Reason); err != nil {
		return preview, err
	}
	if err := q.Cause.Check(q.Step); err != nil {
		return preview, err
	}
	if err := o.checkSelection(ctx, q.Selection); err != nil {
		return preview, err
	}
	now := o.now().UTC().Truncate(time.Second)
	p := licence.Proposal{
		Step: q.Step, Cause: q.Cause, Reason: q.Reason, ByCategory: make(map[catalogue.ID]int), ByIssuer: make(map[string]int),
		ProposedBy: actor, ProposedAt: now, Expires: now.Add(licence.ProposalLife),
	}
	err := o.selected(ctx, q.Selection, func(r licence.Record) error {
		id := r.Licence.Identifier
		if _, err := r.State.Next(q.Step); err != nil {
			preview.Excluded = append(preview.Excluded, licence.Proposed{Identifier: id, Refusal: bilingual.Text(err)})
			return nil
		}
		if len(preview.Identifiers) == licence.MaxProposed {
			return fmt.Errorf("more than %d: %w", licence.MaxProposed, ErrTooMany)
		}
		preview.Identifiers = append(preview.Identifiers, id)
		p.ByCategory[r.Licence.Category]++
		p.ByIssuer[id.Issuer]++
		return nil
	})
	if err != nil {
		return preview, err
	}
	if len(preview.Identifiers) == 0 {
		return preview, fmt.Errorf("no licence fits that could be taken this step: %w", ErrSelection)
	}
	preview.Identifiers = licence.SortIdentifiers(preview.Identifiers)
	p.Count = len(preview.Identifiers)
	p.Digest = licence.ProposalDigest(p.Step, p.Cause, p.Reason, preview.Identifiers)
	all := make([]licence.Proposed, p.Count)
	for i, id := range preview.Identifiers {
		all[i].Identifier = id
	}
	preview.Proposal, err = o.propose(ctx, p, all, q.DryRun)
	return preview, err
}

// propose names a proposal and stores it, unless it is a dry run.
func (o *Office) propose(ctx context.Context, p licence.Proposal, all []licence.Proposed, dryRun bool) (licence.Proposal, error) {
	if _, err := rand.Read(p.ID[:]); err != nil {
		return p, fmt.Errorf("drawing a proposal's name: %w", err)
	}
	if dryRun {
		return p, nil
	}
	entry, err := massEntry(p, audit.ActMassPropose, p.ProposedBy, p.ProposedAt)
	if err != nil {
		return p, err
	}
	return p, o.store.Propose(ctx, p, all, entry)
}

// massEntry is the entry of the log for a step of a proposal. A digest over the new name of a
// holder would be found by trying names, so the log commits to it with the reason.
func massEntry(p licence.Proposal, act audit.Act, actor string, at time.Time) (audit.Record, error) {
	entry, details := audit.Entry{Time: at.Unix(), Actor: actor, Act: act, Subject: p.ID.String(), Digest: p.Digest[:]}, why(p.Cause, p.Reason)
	if p.Holder != nil {
		entry.Digest, details = nil, fmt.Appendf(nil, "%s: %s: %x", p.Holder.Event, p.Reason, p.Digest)
	}
	return audit.NewRecord(entry, details)
}

// checkSelection refuses categories and authorities that are not there: a slip among
// several would leave out what was meant, and nobody would see it in the preview.
func (o *Office) checkSelection(ctx context.Context, s Selection) error {
	for _, id := range s.Categories {
		if _, ok := o.Catalogue().Category(id); !ok {
			return fmt.Errorf("category %s: %w", id, catalogue.ErrNoCategory)
		}
	}
	authorities, err := o.store.Authorities(ctx)
	if err != nil {
		return err
	}
	for _, uscc := range s.Issuers {
		if !slices.ContainsFunc(authorities, func(a licence.Authority) bool { return a.USCC == uscc }) {
			return fmt.Errorf("issuer %q: %w", uscc, ErrNoAuthority)
		}
	}
	return nil
}

// selected calls f with every licence of a selection, as it stands now, each once.
func (o *Office) selected(ctx context.Context, s Selection, f func(licence.Record) error) error {
	seen := make(map[licence.Identifier]bool)
	each := func(r licence.Record) error {
		r = r.At(o.now())
		id := r.Licence.Identifier
		if seen[id] || !s.fits(r.Licence) {
			return nil
		}
		seen[id] = true
		return f(r)
	}
	switch {
	case len(s.Identifiers) > 0:
		for _, id := range s.Identifiers {
			r, err := o.store.ByIdentifier(ctx, id)
			if err != nil {
				return err
			}
			if err := each(r); err != nil {
				return err
			}
		}
		return nil
	case s.Holder != "":
		all, err := o.store.ByHolder(ctx, s.HolderType, s.Holder)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := each(r); err != nil {
				return err
			}
		}
		return nil
	case len(s.Categories)+len(s.Issuers) == 0 && s.IssuedFrom == nil && s.IssuedUntil == nil:
		return ErrSelection
	default:
		return o.walk(ctx, s, each)
	}
}

// walk goes through the licences of the authorities that a selection can be about.
func (o *Office) walk(ctx context.Context, s Selection, each func(licence.Record) error) error {
	authorities, err := o.store.Authorities(ctx)
	if err != nil {
		return err
	}
	q := licence.ChangeQuery{Limit: massBatch}
	for _, a := range authorities {
		if s.mayHave(a) {
			q.Lists = append(q.Lists, a.Lists...)
		}
	}
	if len(q.Lists) == 0 {
		return nil
	}
	for {
		page, err := o.store.Changes(ctx, q)
		if err != nil {
			return err
		}
		for _, c := range page.Changes {
			if err := each(c.Record); err != nil {
				return err
			}
		}
		if page.End {
			return nil
		}
		q.After = page.Next
	}
}

// mayHave reports whether licences of a selection can be an authority's. What it may
// issue today says nothing of what it has issued, so only the issuer counts.
func (s Selection) mayHave(a licence.Authority) bool {
	return len(s.Issuers) == 0 || slices.Contains(s.Issuers, a.USCC)
}

// fits reports whether a licence is everything that is asked for.
func (s Selection) fits(l *licence.Licence) bool {
	holds := func(h licence.Holder) bool { return h.IDType == s.HolderType && h.IDNumber == s.Holder }
	switch {
	case s.Holder != "" && !slices.ContainsFunc(l.Holders, holds),
		len(s.Categories) > 0 && !slices.Contains(s.Categories, l.Category),
		len(s.Issuers) > 0 && !slices.Contains(s.Issuers, l.Identifier.Issuer),
		s.IssuedFrom != nil && l.IssueDay < *s.IssuedFrom,
		s.IssuedUntil != nil && l.IssueDay > *s.IssuedUntil:
		return false
	default:
		return true
	}
}

// ApproveMass approves a proposal by its digest, as another officer than the one who
// proposed it. [Office.RunMass] carries it out. What was proposed about a holder must be
// what would be proposed now. The error wraps [licence.ErrProposal],
// [licence.ErrSamePerson], [licence.ErrDigest] or [ErrPlanChanged].
func (o *Office) ApproveMass(ctx context.Context, actor string, id licence.ProposalID, digest [sm3.Size]byte) (licence.Proposal, error) {
	if p, err := o.approvable(ctx, actor, id, digest); err != nil {
		return p, err
	}
	return o.changeProposal(ctx, actor, id, audit.ActMassApprove, func(p licence.Proposal, now time.Time) (licence.Proposal, error) {
		return p.Approve(actor, digest, now)
	})
}

// approvable returns a proposal as it would be approved, or says why it cannot be.
func (o *Office) approvable(ctx context.Context, actor string, id licence.ProposalID, digest [sm3.Size]byte) (licence.Proposal, error) {
	p, err := o.store.Proposal(ctx, id)
	if err != nil {
		return p, err
	}
	approved, err := p.Approve(actor, digest, o.now().UTC().Truncate(time.Second))
	if err != nil {
		return p, fmt.Errorf("proposal %s: %w", id, err)
	}
	if p.Holder != nil {
		if err := o.stillPlanned(ctx, actor, p); err != nil {
			return p, err
		}
	}
	return approved, nil
}

// CancelMass ends a proposal. What was carried out of it stays.
func (o *Office) CancelMass(ctx context.Context, actor string, id licence.ProposalID) (licence.Proposal, error) {
	return o.changeProposal(ctx, actor, id, audit.ActMassCancel, func(p licence.Proposal, now time.Time) (licence.Proposal, error) {
		return p.Cancel(actor, now)
	})
}

func (o *Office) changeProposal(
	ctx context.Context, actor string, id licence.ProposalID, act audit.Act, change func(licence.Proposal, time.Time) (licence.Proposal, error),
) (licence.Proposal, error) {
	p, err := o.store.Proposal(ctx, id)
	if err != nil {
		return p, err
	}
	now := o.now().UTC().Truncate(time.Second)
	entry, err := massEntry(p, act, actor, now)
	if err != nil {
		return p, err
	}
	return o.store.ChangeProposal(ctx, id, func(p licence.Proposal) (licence.Proposal, error) { return change(p, now) }, entry)
}

// MassRun says how a proposal is carried out.
type MassRun struct {
	Batch    int                    // steps that share a transaction; 0: 500
	Progress func(licence.Proposal) // told after each batch; nil: nobody is
}

// RunMass takes the steps of an approved proposal that are still to be taken, batch by
// batch. Whoever runs it again after it was cut off goes on where it stopped. The end of
// ctx is minded between batches.
func (o *Office) RunMass(ctx context.Context, actor string, id licence.ProposalID, run MassRun) (licence.Proposal, error) {
	p, err := o.runnable(ctx, id)
	if err != nil {
		return p, err
	}
	for p.Done < p.Count {
		if err := ctx.Err(); err != nil {
			return p, err
		}
		if err := p.Run(o.now()); err != nil { // its time may end on the way
			return p, fmt.Errorf("proposal %s: %w", id, err)
		}
		next, err := o.store.Proposed(ctx, id, p.Done, cmp.Or(run.Batch, massBatch))
		if err != nil {
			return p, err
		}
		if p.Holder != nil {
			p, err = o.carryOutHolder(ctx, actor, p, next)
		} else {
			p, err = o.carryOutStep(ctx, actor, p, next)
		}
		if err != nil {
			return p, err
		}
		o.unknown.tell()
		if run.Progress != nil {
			run.Progress(p)
		}
	}
	return p, nil
}

// runnable returns a proposal that may be carried out.
func (o *Office) runnable(ctx context.Context, id licence.ProposalID) (licence.Proposal, error) {
	p, err := o.store.Proposal(ctx, id)
	if err != nil {
		return p, err
	}
	if err := p.Run(o.now()); err != nil {
		return p, fmt.Errorf("proposal %s: %w", id, err)
	}
	return p, nil
}

// carryOutStep takes the one step of a proposal for the licences whose turn it is.
func (o *Office) carryOutStep(ctx context.Context, actor string, p licence.Proposal, next []licence.Proposed) (licence.Proposal, error) {
	turns, err := o.stepTurns(actor, p, next)
	if err != nil {
		return p, err
	}
	return o.store.CarryOut(ctx, p.ID, p.Done, turns)
}

// stepTurns are the turns of the one step of a proposal.
func (o *Office) stepTurns(actor string, p licence.Proposal, next []licence.Proposed) ([]licence.Turn, error) {
	turns := make([]licence.Turn, len(next))
	for i, n := range next {
		step, err := o.transition(actor, n.Identifier, StepRequest{Step: p.Step, Cause: p.Cause, Reason: p.Reason})
		if err != nil {
			return nil, err
		}
		turns[i] = licence.Turn{Identifier: n.Identifier, Step: &step}
	}
	return turns, nil
}

// MassProposal returns a proposal.
func (o *Office) MassProposal(ctx context.Context, id licence.ProposalID) (licence.Proposal, error) {
	return o.store.Proposal(ctx, id)
}

// MassProposals returns all proposals, the newest first.
func (o *Office) MassProposals(ctx context.Context) ([]licence.Proposal, error) {
	return o.store.Proposals(ctx)
}

// MassRefusals returns the licences of a proposal that had their turn and were refused.
func (o *Office) MassRefusals(ctx context.Context, p licence.Proposal) ([]licence.Proposed, error) {
	var refused []licence.Proposed
	for from := 0; from < p.Done && len(refused) < p.Refused; from += massBatch {
		page, err := o.store.Proposed(ctx, p.ID, from, min(massBatch, p.Done-from))
		if err != nil {
			return nil, err
		}
		refused = append(refused, refusals(page)...)
	}
	return refused, nil
}

// refusals are those of licences that were refused.
func refusals(all []licence.Proposed) []licence.Proposed {
	return slices.DeleteFunc(all, func(p licence.Proposed) bool { return p.Refusal == "" })
}

// MassLicences returns up to limit licences of a proposal from a place on, in ascending
// order.
func (o *Office) MassLicences(ctx context.Context, id licence.ProposalID, from, limit int) ([]licence.Proposed, error) {
	return o.store.Proposed(ctx, id, from, limit)
}
