package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
)

// TryMass answers as [Office.ApproveMass] and [Office.RunMass] would, with the licences that
// would be refused, and changes nothing.
func (o *Office) TryMass(ctx context.Context, actor string, id licence.ProposalID, digest [sm3.Size]byte) (licence.Proposal, []licence.Proposed, error) {
	p, err := o.approvable(ctx, actor, id, digest)
	if err != nil {
		return p, nil, err
	}
	return o.tryTurns(ctx, actor, p)
}

// TryRun answers as [Office.RunMass] would, with all licences that were or would be refused,
// and changes nothing.
func (o *Office) TryRun(ctx context.Context, actor string, id licence.ProposalID) (licence.Proposal, []licence.Proposed, error) {
	p, err := o.runnable(ctx, id)
	if err != nil {
		return p, nil, err
	}
	return o.tryTurns(ctx, actor, p)
}

// TryCancel answers as [Office.CancelMass] would, and changes nothing.
func (o *Office) TryCancel(ctx context.Context, actor string, id licence.ProposalID) (licence.Proposal, error) {
	p, err := o.store.Proposal(ctx, id)
	if err != nil {
		return p, err
	}
	if p, err = p.Cancel(actor, o.now().UTC().Truncate(time.Second)); err != nil {
		return p, fmt.Errorf("proposal %s: %w", id, err)
	}
	return p.Forget(), nil
}

// tryTurns returns a proposal as it would be when all had their turn, with those that were
// refused.
func (o *Office) tryTurns(ctx context.Context, actor string, p licence.Proposal) (licence.Proposal, []licence.Proposed, error) {
	refused, err := o.MassRefusals(ctx, p)
	if err != nil {
		return p, nil, err
	}
	for p.Done < p.Count {
		next, err := o.store.Proposed(ctx, p.ID, p.Done, massBatch)
		if err != nil {
			return p, nil, err
		}
		tried, err := o.tryNext(ctx, actor, p, next)
		if err != nil {
			return p, nil, err
		}
		if len(tried) == 0 { // as the store refuses to carry out nothing
			return p, nil, fmt.Errorf("proposal %s: licence %d of %d is missing: %w", p.ID, p.Done+1, p.Count, licence.ErrProposal)
		}
		p.Done += len(tried)
		tried = refusals(tried)
		p.Refused += len(tried)
		refused = append(refused, tried...)
	}
	return p.Forget(), refused, nil
}

// tryNext tries the turns that would be carried out together.
func (o *Office) tryNext(ctx context.Context, actor string, p licence.Proposal, next []licence.Proposed) ([]licence.Proposed, error) {
	if p.Holder == nil {
		turns, err := o.stepTurns(actor, p, next)
		if err != nil {
			return nil, err
		}
		return o.store.Trial(ctx, turns)
	}
	turns, err := o.holderTurns(actor, p, next)
	if err != nil {
		return nil, err
	}
	tried, err := o.store.Trial(ctx, turns)
	if err != nil {
		return nil, err
	}
	for i := range tried { // what is proposed of each is shown as of all others
		n := next[i]
		n.Refusal = tried[i].Refusal
		tried[i] = n
	}
	if len(turns) > 0 || len(next) == 0 {
		return tried, nil
	}
	n, err := o.tryVersion(ctx, actor, p, next[0])
	return []licence.Proposed{n}, err
}

// tryVersion tries the new version of a licence of a proposal.
func (o *Office) tryVersion(ctx context.Context, actor string, p licence.Proposal, n licence.Proposed) (licence.Proposed, error) {
	replace := func(ctx context.Context, r licence.Replacement) (licence.Record, error) {
		tried, err := o.store.Trial(ctx, []licence.Turn{{Identifier: n.Identifier, Step: &r.End}})
		if err != nil {
			return licence.Record{}, err
		}
		if n.Refusal = tried[0].Refusal; n.Refusal != "" {
			return licence.Record{}, errTurnRefused
		}
		return o.store.Replace(ctx, r)
	}
	err := o.proposedVersion(ctx, actor, p, n, NewVersion{DryRun: true, replace: replace})
	switch {
	case err == nil, errors.Is(err, errTurnRefused):
		return n, nil
	case refusesVersion(err):
		n.Refusal = bilingual.Text(err)
		return n, nil
	default:
		return n, err
	}
}
