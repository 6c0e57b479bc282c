package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// HolderEvent is what has happened to a holder.
type HolderEvent string

// The events.
const (
	HolderDeceased  HolderEvent = "deceased"
	HolderRenamed   HolderEvent = "renamed"
	HolderMerged    HolderEvent = "merged" // into another body
	HolderDissolved HolderEvent = "dissolved"
)

// HolderRequest asks for what follows from an event for all licences of a holder.
type HolderRequest struct {
	Event     HolderEvent
	IDType    licence.IDType
	IDNumber  string
	Name      string         // of a renamed holder
	Successor licence.Holder // of a merged one
	Reason    string
	// Decisions are an officer's for single licences, in place of the category's rule.
	Decisions map[licence.Identifier]catalogue.Fate
}

// Errors of acts on holders.
var (
	// ErrUndecided: an officer must decide on some licences first.
	ErrUndecided = errors.New("an officer must decide on some of the licences first")
	// ErrPlanChanged: the licences or the request are not those of the preview.
	ErrPlanChanged = errors.New("the plan is not the one that was shown")
	// ErrHolderRequest: the request is not complete, or does not fit the kind of holder.
	ErrHolderRequest = errors.New("the request does not fit the holder")
)

// HolderStep is what becomes of one licence of a holder.
type HolderStep struct {
	Record licence.Record
	Fate   catalogue.Fate
	Step   licence.Step // empty: none
	Cause  licence.Cause
	// Problem is why the licence cannot be treated so; nil: it can.
	Problem error
}

// HolderPlan is what follows from an event.
type HolderPlan struct {
	Steps  []HolderStep
	Digest [sm3.Size]byte // of the request and the steps
}

// PlanHolder says what would become of each licence of a holder that has not ended: by
// the rule of its category and the officer's decisions. It tries every new version
// without storing it. It is a look at each licence.
func (o *Office) PlanHolder(ctx context.Context, actor string, q HolderRequest) (HolderPlan, error) {
	var plan HolderPlan
	if err := q.check(); err != nil {
		return plan, err
	}
	all, err := o.HolderLicences(ctx, actor, q.IDType, q.IDNumber)
	if err != nil {
		return plan, err
	}
	slices.SortFunc(all, func(a, b licence.Record) int { return int(a.Licence.Category) - int(b.Licence.Category) })
	for _, r := range all {
		if r.State.Ended() {
			continue
		}
		s, err := o.holderStep(q, r)
		if err != nil {
			return plan, err
		}
		if s.Step == licence.Supersede || s.Fate == catalogue.FateTransfer {
			_, s.Problem = o.holderVersion(ctx, actor, q, s, true)
		}
		plan.Steps = append(plan.Steps, s)
	}
	plan.Digest, err = q.digest(plan.Steps)
	return plan, err
}

// check refuses what does not make sense for the kind of holder.
func (q HolderRequest) check() error {
	if err := checkReason(q.Reason); err != nil {
		return err
	}
	if q.IDType.NameZH() == "" || q.IDNumber == "" {
		return fmt.Errorf("holder: %w", ErrHolderRequest)
	}
	person := !q.IDType.Public()
	switch {
	case q.Event == HolderDeceased && !person:
		return fmt.Errorf("an organisation does not die, it is dissolved: %w", ErrHolderRequest)
	case (q.Event == HolderMerged || q.Event == HolderDissolved) && person:
		return fmt.Errorf("a person is not %s: %w", q.Event, ErrHolderRequest)
	case q.Event == HolderRenamed && q.Name == "":
		return fmt.Errorf("the new name is missing: %w", ErrHolderRequest)
	case q.Event == HolderMerged && (q.Successor.Name == "" || !q.Successor.IDType.Public() || q.Successor.IDNumber == ""):
		return fmt.Errorf("the successor is missing, or is no organisation: %w", ErrHolderRequest)
	case !slices.Contains([]HolderEvent{HolderDeceased, HolderRenamed, HolderMerged, HolderDissolved}, q.Event):
		return fmt.Errorf("event %q: %w", q.Event, ErrHolderRequest)
	default:
		return nil
	}
}

// holderStep decides on one licence.
func (o *Office) holderStep(q HolderRequest, r licence.Record) (HolderStep, error) {
	c, ok := o.Catalogue().Category(r.Licence.Category)
	if !ok {
		return HolderStep{}, fmt.Errorf("category %s: %w", r.Licence.Category, ErrNoCategory)
	}
	s := HolderStep{Record: r}
	switch q.Event {
	case HolderDeceased:
		s.Fate, s.Cause = c.Life.Death(), licence.HolderDeceased
	case HolderDissolved:
		s.Fate, s.Cause = c.Life.Dissolution(), licence.HolderDissolved
	case HolderMerged:
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
		if q.Event == HolderDeceased || q.Event == HolderDissolved {
			return s, fmt.Errorf("licence %s: nobody to transfer it to: %w", r.Licence.Identifier, ErrHolderRequest)
		}
		s.Step = licence.Supersede
		if q.Event == HolderMerged {
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

// digest is of everything that a plan rests on.
func (q HolderRequest) digest(steps []HolderStep) ([sm3.Size]byte, error) {
	type line struct {
		Identifier string
		Revision   uint64
		Fate       catalogue.Fate
		Step       licence.Step
		Cause      licence.Cause
	}
	var lines []line
	for _, s := range steps {
		lines = append(lines, line{s.Record.Licence.Identifier.String(), s.Record.Revision, s.Fate, s.Step, s.Cause})
	}
	content, err := json.Marshal(struct {
		Event          HolderEvent
		IDType         licence.IDType
		IDNumber, Name string
		Successor      licence.Holder
		Reason         string
		Steps          []line
	}{q.Event, q.IDType, q.IDNumber, q.Name, q.Successor, q.Reason, lines})
	return sm3.Sum(content), err
}

// HolderOutcome is what has become of one licence of a holder.
type HolderOutcome struct {
	HolderStep
	After licence.Record // its last step or its new version
	Err   error          // why nothing was done
}

// ActOnHolder does what a plan of the same digest says, licence by licence. What cannot
// be done is told and holds up nothing else. The error wraps [ErrPlanChanged] or
// [ErrUndecided]; nothing was changed then.
func (o *Office) ActOnHolder(ctx context.Context, actor string, q HolderRequest, digest [sm3.Size]byte) ([]HolderOutcome, error) {
	plan, err := o.PlanHolder(ctx, actor, q)
	if err != nil {
		return nil, err
	}
	if plan.Digest != digest {
		return nil, ErrPlanChanged
	}
	for _, s := range plan.Steps {
		if s.Fate == catalogue.FateAsk {
			return nil, fmt.Errorf("licence %s: %w", s.Record.Licence.Identifier, ErrUndecided)
		}
	}
	var done []HolderOutcome
	for _, s := range plan.Steps {
		out := HolderOutcome{HolderStep: s, After: s.Record, Err: s.Problem}
		switch {
		case s.Problem != nil || s.Step == "":
		case s.Fate == catalogue.FateTransfer:
			out.After, out.Err = o.holderVersion(ctx, actor, q, s, false)
		default:
			out.After, out.Err = o.Take(ctx, actor, s.Record.Licence.Identifier, StepRequest{
				Step: s.Step, Cause: s.Cause, Reason: q.Reason, IfRevision: s.Record.Revision,
			})
		}
		done = append(done, out)
	}
	return done, nil
}

// holderVersion issues a licence to the holder under the new name, or to the successor.
func (o *Office) holderVersion(ctx context.Context, actor string, q HolderRequest, s HolderStep, dryRun bool) (licence.Record, error) {
	n := NewVersion{Cause: s.Cause, Reason: q.Reason, IfRevision: s.Record.Revision, DryRun: dryRun}
	return o.newVersion(ctx, actor, s.Record.Licence.Identifier, s.Step, n, func(r licence.Record, c *catalogue.Category) (*licence.Application, error) {
		changed := *r.Licence
		changed.Holders = slices.Clone(r.Licence.Holders)
		for i, h := range changed.Holders {
			switch {
			case h.IDType != q.IDType || h.IDNumber != q.IDNumber:
			case q.Event == HolderRenamed:
				changed.Holders[i].Name = q.Name
			default:
				changed.Holders[i] = q.Successor
			}
		}
		a, err := o.reapply(ctx, &changed, c)
		if err != nil {
			return nil, err
		}
		a.IssueDate = civil.Of(o.now()).String()
		return a, nil
	})
}
