package office

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// ErrNotRenewable: licences of the category neither end by themselves nor are checked.
var ErrNotRenewable = bilingual.New("该类证照不办理延续或年检", "licences of this category are not renewed")

// NewVersion asks for a new version of a licence.
type NewVersion struct {
	Cause      licence.Cause
	Reason     string
	RequestID  string
	IfRevision uint64
	DryRun     bool
	ReadFile   func(path string) ([]byte, error)

	// replace stores it in the place of the present version; nil: the register does.
	replace func(context.Context, licence.Replacement) (licence.Record, error)
}

// Reissue issues a new version of a licence in force, which ends with it: of the same
// category and issuer, under the same serial and the next version number. It takes
// effect at once, so that its holder is never without. Devices are bound to the new one
// again. Faults of the application are a [*licence.InvalidError].
func (o *Office) Reissue(ctx context.Context, actor string, id licence.Identifier, a *licence.Application, n NewVersion) (licence.Record, error) {
	return o.newVersion(ctx, actor, id, licence.Supersede, n, func(licence.Record, *catalogue.Category) (*licence.Application, error) { return a, nil })
}

// Correct puts a licence in the place of one that is not published yet. The old one is
// withdrawn, and no list tells of it. The new one waits for its publication as any.
func (o *Office) Correct(ctx context.Context, actor string, id licence.Identifier, a *licence.Application, n NewVersion) (licence.Record, error) {
	if n.Cause == licence.Unstated {
		n.Cause = licence.Corrected
	}
	return o.newVersion(ctx, actor, id, licence.Withdraw, n, func(licence.Record, *catalogue.Category) (*licence.Application, error) { return a, nil })
}

// Renewal says what a renewed licence has anew.
type Renewal struct {
	ValidUntil string            // a day, later than the present one; empty where the licence is long-term
	Fields     map[string]string // of the periodic check, by code
}

// Renew issues a new version of a licence with a later last day or the result of a
// periodic check. All else stays; the day of issue is today. The error may wrap
// [ErrNotRenewable].
func (o *Office) Renew(ctx context.Context, actor string, id licence.Identifier, renewal Renewal, n NewVersion) (licence.Record, error) {
	if n.Cause == licence.Unstated {
		n.Cause = licence.Renewed
	}
	return o.newVersion(ctx, actor, id, licence.Supersede, n, func(r licence.Record, c *catalogue.Category) (*licence.Application, error) {
		if !c.Renewable() {
			return nil, fmt.Errorf("category %s %s: %w", c.ID, c.NameZH, ErrNotRenewable)
		}
		a, err := o.reapply(ctx, r.Licence, c)
		if err != nil {
			return nil, err
		}
		a.IssueDate = civil.Of(o.now()).String()
		if err := renewal.apply(r.Licence, a); err != nil {
			return nil, err
		}
		return a, nil
	})
}

// apply puts what is new into an application. What is wrong with it is named by field
// as [licence.Validate] names faults.
func (r Renewal) apply(l *licence.Licence, a *licence.Application) error {
	for code, text := range r.Fields {
		a.Fields[code] = licence.ApplicationValue{Text: text}
	}
	fault := func(zh, reason string) error {
		return &licence.InvalidError{Faults: []licence.Fault{{Field: "valid_until", Reason: reason, ReasonZH: zh}}}
	}
	switch last := l.LastDay; {
	case r.ValidUntil == "" && last != nil:
		return fault("缺失", "is missing: the licence ends on "+last.String())
	case r.ValidUntil == "" && len(r.Fields) == 0:
		return fault("缺失，也没有要更新的字段", "is missing, and no field is renewed")
	case r.ValidUntil == "":
		return nil
	case last != nil:
		if until, err := civil.Parse(r.ValidUntil); err == nil && until <= *last {
			return fault("须晚于现在的有效期截止日", "is not after the present last day "+last.String())
		}
	}
	a.ValidUntil = r.ValidUntil
	return nil
}

// reapply returns the application that leads to a licence of the same content.
func (o *Office) reapply(ctx context.Context, l *licence.Licence, c *catalogue.Category) (*licence.Application, error) {
	return licence.Reapply(l, c, func(sum [sm3.Size]byte) ([]byte, error) { return o.documents.Get(ctx, sum) })
}

// newVersion issues the next version of a licence from the application that apply makes
// of it, and ends the present one by a step.
func (o *Office) newVersion(
	ctx context.Context, actor string, id licence.Identifier, end licence.Step, n NewVersion,
	apply func(licence.Record, *catalogue.Category) (*licence.Application, error),
) (licence.Record, error) {
	return o.bySchema(ctx, func() (licence.Record, error) { return o.tryNewVersion(ctx, actor, id, end, n, apply) })
}

func (o *Office) tryNewVersion(
	ctx context.Context, actor string, id licence.Identifier, end licence.Step, n NewVersion,
	apply func(licence.Record, *catalogue.Category) (*licence.Application, error),
) (licence.Record, error) {
	present, err := o.record(ctx, id)
	if err != nil {
		return licence.Record{}, err
	}
	category, ok := o.Catalogue().Category(present.Licence.Category)
	if !ok {
		return licence.Record{}, fmt.Errorf("category %s: %w", present.Licence.Category, catalogue.ErrNoCategory)
	}
	a, err := apply(present, category)
	if err != nil {
		return licence.Record{}, err
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	issuer, err := o.authorityOf(ctx, id.Issuer)
	if err != nil {
		return licence.Record{}, err
	}
	valid, err := licence.Validate(a, category, &issuer, n.ReadFile)
	if err != nil {
		return licence.Record{}, err
	}
	request, err := versionRequest(id, end, a, n.RequestID)
	if err != nil {
		return licence.Record{}, err
	}
	return o.once(ctx, actor, request, func() (licence.Record, error) {
		if _, err := present.State.Next(end); err != nil {
			return licence.Record{}, fmt.Errorf("licence %s: %w", id, err)
		}
		next, err := licence.NewIdentifier(id.Type, id.Issuer, id.Serial, id.Version+1)
		if err != nil {
			return licence.Record{}, fmt.Errorf("licence %s: %w", id, err)
		}
		d := licenceDraft{issuer: issuer, valid: valid, identifier: next, request: request, before: id, replace: n.replace, dryRun: n.DryRun}
		d.end = &StepRequest{Step: end, Cause: n.Cause, Reason: n.Reason, IfRevision: n.IfRevision, DryRun: n.DryRun}
		if end == licence.Withdraw {
			d.published = o.publishedAt(issuer, category.ID)
		}
		return o.issueDraft(ctx, actor, d)
	})
}

// versionRequest names a request for a new version by the licence that it ends and the
// content of the application.
func versionRequest(id licence.Identifier, end licence.Step, a *licence.Application, requestID string) (licence.Request, error) {
	request, err := requestOf(0, id.Issuer, a, requestID)
	if err != nil {
		return request, err
	}
	content, err := json.Marshal(struct {
		Ends        string
		By          licence.Step
		Application *licence.Application
	}{id.String(), end, a})
	request.Digest = sm3.Sum(content)
	return request, err
}
