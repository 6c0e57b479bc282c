package office

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// HolderRequest asks for what follows from an event for all licences of a holder.
type HolderRequest struct {
	licence.HolderAct
	IDType   licence.IDType
	IDNumber string
	Reason   string
	DryRun   bool // preview only
}

// Errors of acts on holders.
var (
	// ErrUndecided: an officer must decide on some licences first.
	ErrUndecided = bilingual.New("有证照须先由经办人决定去留", "an officer must decide on some of the licences first")
	// ErrPlanChanged: the holder's licences are not those that were proposed.
	ErrPlanChanged = bilingual.New("提出之后持证人的证照已有变更", "the licences of the holder were changed since it was proposed")
	// ErrHolderRequest: the request is not complete, or does not fit the kind of holder.
	ErrHolderRequest = bilingual.New("该操作不适用于此持证主体", "the request does not fit the holder")
)

// HolderStep is what becomes of one licence of a holder.
type HolderStep struct {
	Record licence.Record
	Place  int // of the holder among those of the licence
	Fate   catalogue.Fate
	Step   licence.Step // empty: none
	Cause  licence.Cause
	// Problem is why the licence cannot be treated so; nil: it can.
	Problem error
}

// planHolder says what would become of each licence of a holder that has not ended: by
// the rule of its category and the officer's decisions. It tries every new version
// without storing it. It is a look at each licence.
func (o *Office) planHolder(ctx context.Context, actor string, q HolderRequest) ([]HolderStep, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	all, err := o.HolderLicences(ctx, actor, q.IDType, q.IDNumber)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b licence.Record) int { return int(a.Licence.Category) - int(b.Licence.Category) })
	decided := maps.Clone(q.Decisions)
	var plan []HolderStep
	for _, r := range all {
		if r.State.Ended() {
			continue
		}
		delete(decided, r.Licence.Identifier)
		s, err := o.holderStep(q, r)
		if err != nil {
			return nil, err
		}
		if s.Fate == catalogue.FateTransfer {
			_, err := o.holderVersion(ctx, actor, q, s, NewVersion{DryRun: true})
			if err != nil && !refusesVersion(err) {
				return nil, err
			}
			s.Problem = err
		}
		plan = append(plan, s)
	}
	// A slip of an officer would leave the licence that was meant to the rule.
	for id := range decided {
		return nil, fmt.Errorf("licence %s, which is decided on, is none of the holder's that has not ended: %w", id, ErrHolderRequest)
	}
	return plan, nil
}

// check refuses what does not make sense for the kind of holder.
func (q HolderRequest) check() error {
	if err := audit.CheckReason(q.Reason); err != nil {
		return err
	}
	if q.IDType.NameZH() == "" || q.IDNumber == "" {
		return fmt.Errorf("holder: %w", ErrHolderRequest)
	}
	person := !q.IDType.Public()
	switch {
	case q.Event == licence.EventDeceased && !person:
		return fmt.Errorf("an organisation does not die, it is dissolved: %w", ErrHolderRequest)
	case (q.Event == licence.EventMerged || q.Event == licence.EventDissolved) && person:
		return fmt.Errorf("a person is not %s: %w", q.Event, ErrHolderRequest)
	case q.Event == licence.EventRenamed && q.Name == "":
		return fmt.Errorf("the new name is missing: %w", ErrHolderRequest)
	case q.Event == licence.EventMerged && (q.Successor.Name == "" || !q.Successor.IDType.Public() || q.Successor.IDNumber == ""):
		return fmt.Errorf("the successor is missing, or is no organisation: %w", ErrHolderRequest)
	case !slices.Contains([]licence.HolderEvent{licence.EventDeceased, licence.EventRenamed, licence.EventMerged, licence.EventDissolved}, q.Event):
		return fmt.Errorf("event %q: %w", q.Event, ErrHolderRequest)
	default:
		return nil
	}
}

// holderStep decides on one licence.
func (o *Office) holderStep(q HolderRequest, r licence.Record) (HolderStep, error) {
	c, ok := o.Catalogue().Category(r.Licence.Category)
	if !ok {
		return HolderStep{}, fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
	}
	s := HolderStep{Record: r, Place: slices.IndexFunc(r.Licence.Holders, func(h licence.Holder) bool { return h.IDType == q.IDType && h.IDNumber == q.IDNumber })}
	if s.Place < 0 {
		return s, fmt.Errorf("licence %s is not the holder's", r.Licence.Identifier)
	}
	switch q.Event {
	case licence.EventDeceased:
		s.Fate, s.Cause = c.Life.Death(), licence.HolderDeceased
	case licence.EventDissolved:
		s.Fate, s.Cause = c.Life.Dissolution(), licence.HolderDissolved
	case licence.EventMerged:
		s.Fate, s.Cause = c.Life.Merger(), licence.HolderMerged
	default:
		s.Fate, s.Cause = catalogue.FateTransfer, licence.Renamed
	}
	// Others hold it too, and are still there.
	if s.Fate == catalogue.FateEnd && len(r.Licence.Holders) > 1 {
		s.Fate = catalogue.FateAsk
	}
	if decided, ok := q.Decisions[r.Licence.Identifier]; ok {
		s.Fate = decided
	}
	switch s.Fate {
	case catalogue.FateEnd:
		s.Step = licence.Revoke
		if r.State == licence.Pending {
			s.Step, s.Cause = licence.Withdraw, licence.Unstated
		}
	case catalogue.FateTransfer:
		if q.Event == licence.EventDeceased || q.Event == licence.EventDissolved {
			return s, fmt.Errorf("licence %s: nobody to transfer it to: %w", r.Licence.Identifier, ErrHolderRequest)
		}
		s.Step = licence.Supersede
		if q.Event == licence.EventMerged {
			s.Cause = licence.Transferred
		}
		if r.State == licence.Pending {
			s.Step, s.Cause = licence.Withdraw, licence.Corrected
		}
	default:
		s.Cause = licence.Unstated
	}
	return s, nil
}

// holderVersion issues a licence to the holder under the new name, or to the successor.
func (o *Office) holderVersion(ctx context.Context, actor string, q HolderRequest, s HolderStep, n NewVersion) (licence.Record, error) {
	n.Cause, n.Reason, n.IfRevision = s.Cause, q.Reason, s.Record.Revision
	return o.newVersion(ctx, actor, s.Record.Licence.Identifier, s.Step, n, func(r licence.Record, c *catalogue.Category) (*licence.Application, error) {
		if s.Place >= len(r.Licence.Holders) {
			return nil, errors.New("the licence does not have so many holders")
		}
		changed := *r.Licence
		changed.Holders = slices.Clone(r.Licence.Holders)
		if q.Event == licence.EventRenamed {
			changed.Holders[s.Place].Name = q.Name
		} else {
			changed.Holders[s.Place] = q.Successor
		}
		a, err := o.reapply(ctx, &changed, c)
		if err != nil {
			return nil, err
		}
		a.IssueDate = civil.Of(o.now()).String()
		return a, nil
	})
}

// refusesVersion reports whether an error is about one licence, which then stays as it is,
// and not about the store.
func refusesVersion(err error) bool {
	if errors.As(err, new(*licence.InvalidError)) {
		return true
	}
	for _, refusal := range []error{
		licence.ErrStep, licence.ErrChanged, licence.ErrNotFound, licence.ErrErased, licence.ErrNumberTaken, licence.ErrListFull,
		ErrNoAuthority, catalogue.ErrNoCategory, documents.ErrNotFound, documents.ErrDamaged,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}
