package office

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// stepActs are the acts of the log. What begins a licence has one of its own.
var stepActs = map[licence.Step]audit.Act{
	licence.Publish:   audit.ActLicencePublish,
	licence.Withdraw:  audit.ActLicenceWithdraw,
	licence.Suspend:   audit.ActLicenceSuspend,
	licence.Resume:    audit.ActLicenceResume,
	licence.Revoke:    audit.ActLicenceRevoke,
	licence.Supersede: audit.ActLicenceSupersede,
}

// StepRequest asks for one step in a licence's life.
type StepRequest struct {
	Step       licence.Step
	Cause      licence.Cause
	Reason     string // the officer's words; kept encrypted, and the log commits to them
	IfRevision uint64 // the revision that the officer has seen; 0: any
	DryRun     bool   // answer as if it were taken, and change nothing
}

// Step is [Office.Take] for a reason in words alone.
func (o *Office) Step(ctx context.Context, actor string, id licence.Identifier, step licence.Step, reason string) (licence.Record, error) {
	return o.Take(ctx, actor, id, StepRequest{Step: step, Reason: reason})
}

// Take publishes, withdraws, suspends, resumes or revokes a licence. The error wraps
// [licence.ErrNotFound], [licence.ErrStep], [licence.ErrChanged] or [licence.ErrCause].
func (o *Office) Take(ctx context.Context, actor string, id licence.Identifier, q StepRequest) (licence.Record, error) {
	if q.Step == licence.Supersede {
		return licence.Record{}, fmt.Errorf("only a new version supersedes a licence: %w", licence.ErrStep)
	}
	t, err := o.transition(actor, id, q)
	if err != nil {
		return licence.Record{}, err
	}
	r, err := o.store.Transition(ctx, t)
	if err != nil {
		return licence.Record{}, err
	}
	if q.DryRun {
		// It is shown, and no step says so.
		return r, o.looked(ctx, actor, r)
	}
	o.unknown.tell()
	return r, nil
}

// transition checks a request and makes the step with its entry of the log.
func (o *Office) transition(actor string, id licence.Identifier, q StepRequest) (licence.Transition, error) {
	act, known := stepActs[q.Step]
	if !known {
		return licence.Transition{}, fmt.Errorf("step %q is not known", q.Step)
	}
	if err := audit.CheckReason(q.Reason); err != nil {
		return licence.Transition{}, err
	}
	if err := q.Cause.Check(q.Step); err != nil {
		return licence.Transition{}, err
	}
	now := o.now().UTC().Truncate(time.Second)
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: act, Subject: id.String()}, why(q.Cause, q.Reason))
	if err != nil {
		return licence.Transition{}, err
	}
	return licence.Transition{
		Identifier: id, Step: q.Step, Cause: q.Cause, Reason: q.Reason, At: now, IfRevision: q.IfRevision, Audit: entry, DryRun: q.DryRun,
	}, nil
}

// why is what the log commits to: the reason, behind the cause if there is one.
func why(cause licence.Cause, reason string) []byte {
	if cause == licence.Unstated {
		return []byte(reason)
	}
	return []byte(cause.String() + ": " + reason)
}
