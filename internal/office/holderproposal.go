package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// HolderPreview is what follows from an event for all licences of a holder.
type HolderPreview struct {
	Proposal licence.Proposal // without a name where nothing could be proposed
	Steps    []HolderStep     // by category; those with a problem are not in the proposal
}

// ProposeHolder stores as a proposal what follows from an event for all licences of a
// holder, which [Office.ApproveMass] of another officer carries out. The error wraps
// [ErrHolderRequest], [ErrSelection], or [ErrUndecided]: then the preview shows on which
// licences an officer must decide.
func (o *Office) ProposeHolder(ctx context.Context, actor string, q HolderRequest) (HolderPreview, error) {
	var preview HolderPreview
	plan, err := o.planHolder(ctx, actor, q)
	if err != nil {
		return preview, err
	}
	p, all := q.proposal(plan)
	now := o.now().UTC().Truncate(time.Second)
	p.ProposedBy, p.ProposedAt, p.Expires = actor, now, now.Add(licence.ProposalLife)
	preview = HolderPreview{p, plan}
	switch {
	case len(all) == 0:
		return preview, fmt.Errorf("the holder has no licence that anything could be done with: %w", ErrSelection)
	case len(all) > licence.MaxProposed:
		return preview, fmt.Errorf("more than %d: %w", licence.MaxProposed, ErrTooMany)
	}
	for _, s := range plan {
		if s.Fate == catalogue.FateAsk {
			return preview, fmt.Errorf("licence %s: %w", s.Record.Licence.Identifier, ErrUndecided)
		}
	}
	preview.Proposal, err = o.propose(ctx, p, all, q.DryRun)
	return preview, err
}

// proposal is what a plan proposes, and its licences in ascending order.
func (q HolderRequest) proposal(plan []HolderStep) (licence.Proposal, []licence.Proposed) {
	act := q.HolderAct
	p := licence.Proposal{Reason: q.Reason, Holder: &act, ByCategory: make(map[catalogue.ID]int), ByIssuer: make(map[string]int)}
	var all []licence.Proposed
	for _, s := range plan {
		if s.Problem != nil {
			continue
		}
		l := s.Record.Licence
		all = append(all, licence.Proposed{Identifier: l.Identifier, Place: s.Place, Revision: s.Record.Revision, Fate: s.Fate, Step: s.Step, Cause: s.Cause})
		p.ByCategory[l.Category]++
		p.ByIssuer[l.Identifier.Issuer]++
	}
	licence.SortProposed(all)
	p.Count, p.Digest = len(all), licence.HolderDigest(act, q.Reason, all)
	return p, all
}

// stillPlanned plans once more what was proposed about a holder, and refuses it if anything
// would be another: a second officer approves what is, not what was. The error wraps
// [ErrPlanChanged].
func (o *Office) stillPlanned(ctx context.Context, actor string, p licence.Proposal) error {
	first, err := o.store.Proposed(ctx, p.ID, 0, 1)
	if err != nil {
		return err
	}
	if len(first) == 0 {
		return fmt.Errorf("proposal %s has no licences: %w", p.ID, licence.ErrProposal)
	}
	r, err := o.record(ctx, first[0].Identifier)
	if errors.Is(err, licence.ErrNotFound) || errors.Is(err, licence.ErrErased) {
		return fmt.Errorf("%w: %w", ErrPlanChanged, err)
	}
	if err != nil {
		return err
	}
	if first[0].Place >= len(r.Licence.Holders) {
		return fmt.Errorf("licence %s has another holder: %w", first[0].Identifier, ErrPlanChanged)
	}
	h := r.Licence.Holders[first[0].Place]
	q := HolderRequest{HolderAct: *p.Holder, IDType: h.IDType, IDNumber: h.IDNumber, Reason: p.Reason}
	plan, err := o.planHolder(ctx, actor, q)
	if errors.Is(err, ErrHolderRequest) { // what was decided on has ended
		return fmt.Errorf("%w: %w", ErrPlanChanged, err)
	}
	if err != nil {
		return err
	}
	if now, _ := q.proposal(plan); now.Digest != p.Digest {
		return fmt.Errorf("propose it anew: %w", ErrPlanChanged)
	}
	return nil
}

// carryOutHolder takes the turns that come next: those that store nothing new together, or
// one new version.
func (o *Office) carryOutHolder(ctx context.Context, actor string, p licence.Proposal, next []licence.Proposed) (licence.Proposal, error) {
	turns, err := o.holderTurns(actor, p, next)
	if err != nil {
		return p, err
	}
	if len(turns) == 0 && len(next) > 0 {
		return o.carryOutVersion(ctx, actor, p, next[0])
	}
	return o.store.CarryOut(ctx, p.ID, p.Done, turns)
}

// holderTurns are the turns that come next and store no new version.
func (o *Office) holderTurns(actor string, p licence.Proposal, next []licence.Proposed) ([]licence.Turn, error) {
	var turns []licence.Turn
	for _, n := range next {
		if n.Fate == catalogue.FateTransfer {
			break
		}
		t := licence.Turn{Identifier: n.Identifier}
		if n.Step != "" {
			step, err := o.transition(actor, n.Identifier, StepRequest{Step: n.Step, Cause: n.Cause, Reason: p.Reason, IfRevision: n.Revision})
			if err != nil {
				return nil, err
			}
			t.Step = &step
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// errTurnRefused: the store has noted why a licence has no new version.
var errTurnRefused = errors.New("the turn was refused")

// carryOutVersion issues the new version of the licence whose turn it is, or notes why there
// is none.
func (o *Office) carryOutVersion(ctx context.Context, actor string, p licence.Proposal, n licence.Proposed) (licence.Proposal, error) {
	after := p
	replace := func(ctx context.Context, r licence.Replacement) (licence.Record, error) {
		var err error
		after, err = o.store.CarryOut(ctx, p.ID, p.Done, []licence.Turn{{Identifier: n.Identifier, Replacement: &r}})
		if err == nil && after.Refused > p.Refused {
			err = errTurnRefused
		}
		return licence.Record{Licence: r.Licence, Signed: r.Signed}, err
	}
	err := o.proposedVersion(ctx, actor, p, n, NewVersion{replace: replace})
	switch {
	case err == nil, errors.Is(err, errTurnRefused):
		return after, nil
	case refusesVersion(err):
		return o.store.CarryOut(ctx, p.ID, p.Done, []licence.Turn{{Identifier: n.Identifier, Refusal: bilingual.Text(err)}})
	default:
		return p, err
	}
}

// proposedVersion issues the new version of a licence of a proposal.
func (o *Office) proposedVersion(ctx context.Context, actor string, p licence.Proposal, n licence.Proposed, v NewVersion) error {
	q := HolderRequest{HolderAct: *p.Holder, Reason: p.Reason}
	s := HolderStep{Record: licence.Record{Licence: &licence.Licence{Identifier: n.Identifier}, Revision: n.Revision}, Place: n.Place, Step: n.Step, Cause: n.Cause}
	_, err := o.holderVersion(ctx, actor, q, s, v)
	return err
}
