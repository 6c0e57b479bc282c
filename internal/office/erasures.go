package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// ApplyErasure applies for the erasure of a licence that has ended. Why is kept encrypted
// beside the entry of the audit log.
func (o *Office) ApplyErasure(ctx context.Context, actor string, id licence.Identifier, keepNumber bool, reason string) (licence.Erasure, error) {
	if err := audit.CheckReason(reason); err != nil {
		return licence.Erasure{}, err
	}
	e := licence.Erasure{Identifier: id, KeepNumber: keepNumber, AppliedBy: actor, AppliedAt: o.now().UTC().Truncate(time.Second)}
	entry, err := audit.NewRecord(audit.Entry{Time: e.AppliedAt.Unix(), Actor: actor, Act: audit.ActLicenceEraseApply, Subject: id.String()}, []byte(reason))
	if err != nil {
		return licence.Erasure{}, err
	}
	return e, o.store.ApplyErasure(ctx, e, entry)
}

// ApproveErasure erases a licence that another officer has applied for, and then the
// details beside its entries in the audit log but for those of the erasure itself. These
// are two transactions: where the second was cut off, the same act again finishes it.
func (o *Office) ApproveErasure(ctx context.Context, actor string, id licence.Identifier) (licence.Erasure, error) {
	now := o.now().UTC().Truncate(time.Second)
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActLicenceErase, Subject: id.String()}, nil)
	if err != nil {
		return licence.Erasure{}, err
	}
	e, refused := o.store.ApproveErasure(ctx, id, actor, now, entry)
	if refused != nil && !errors.Is(refused, licence.ErrErased) {
		return e, refused
	}
	n, err := o.eraseDetailsAround(ctx, actor, id)
	switch {
	case err != nil:
		return e, fmt.Errorf("erasing licence %s: the details beside the audit log are still there: %w", id, err)
	case refused != nil && n == 0:
		return e, refused
	}
	o.unknown.tell()
	return e, nil
}

// TryErasure answers as [Office.ApplyErasure] would, and as [Office.ApproveErasure] where
// approve is set, and changes nothing.
func (o *Office) TryErasure(ctx context.Context, actor string, id licence.Identifier, keepNumber, approve bool, reason string) (licence.Erasure, error) {
	now := o.now().UTC().Truncate(time.Second)
	e := licence.Erasure{Identifier: id, KeepNumber: keepNumber, AppliedBy: actor, AppliedAt: now}
	if approve {
		all, err := o.store.Erasures(ctx)
		if err != nil {
			return e, err
		}
		i := slices.IndexFunc(all, func(e licence.Erasure) bool { return e.Identifier == id })
		switch {
		case i < 0:
			return e, fmt.Errorf("erasing licence %s: %w", id, licence.ErrNoErasure)
		case all[i].ApprovedBy != "":
			return e, fmt.Errorf("erasing licence %s: %w", id, licence.ErrErased)
		case cleantext.Alike(all[i].AppliedBy, actor):
			return e, fmt.Errorf("erasing licence %s: %w", id, licence.ErrSamePerson)
		}
		e = all[i]
		e.ApprovedBy, e.ApprovedAt = actor, now
		if err := o.erasable(ctx, id, now); err != nil {
			return e, fmt.Errorf("erasing licence %s: %w", id, err)
		}
		return e, nil
	}
	if err := audit.CheckReason(reason); err != nil {
		return e, err
	}
	if err := o.erasable(ctx, id, now); err != nil {
		return e, fmt.Errorf("applying for the erasure of licence %s: %w", id, err)
	}
	return e, nil
}

// erasable refuses a licence that has not ended, or that is not there any more.
func (o *Office) erasable(ctx context.Context, id licence.Identifier, now time.Time) error {
	r, err := o.store.ByIdentifier(ctx, id)
	switch {
	case errors.Is(err, licence.ErrNotFound):
		return licence.ErrNotFound
	case errors.Is(err, licence.ErrErased):
		return licence.ErrErased
	case err == nil && !r.EndedAt(now):
		return licence.ErrInForce
	default:
		return err
	}
}

// eraseDetailsAround erases what lies beside the entries about a licence, and returns how
// many had something.
func (o *Office) eraseDetailsAround(ctx context.Context, actor string, id licence.Identifier) (int, error) {
	var indexes []uint64
	err := o.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Subject == id.String() && e.Commits() && e.ErasedBy == 0 && e.Act != audit.ActLicenceEraseApply {
			indexes = append(indexes, e.Index)
		}
		return nil
	})
	if err != nil || len(indexes) == 0 {
		return 0, err
	}
	return len(indexes), o.EraseDetails(ctx, actor, "随证照 "+id.String()+" 一并删除", indexes...)
}

// Erasures returns what was applied for and what was carried out.
func (o *Office) Erasures(ctx context.Context) ([]licence.Erasure, error) {
	return o.store.Erasures(ctx)
}

// Due is a licence whose retention is over.
type Due struct {
	Identifier licence.Identifier
	Category   *catalogue.Category
	Ended      civil.Day
	Since      civil.Day // from when it need not be kept
}

// retentionPage is how many records are read at a time.
const retentionPage = 1000

// DueForErasure calls f with every licence whose retention is over on a day. It reads the
// whole register; nobody is shown what a licence says. Erasing is for two officers.
func (o *Office) DueForErasure(ctx context.Context, day civil.Day, f func(Due) error) error {
	now := o.now()
	for after := uint64(0); ; {
		page, err := o.store.List(ctx, after, retentionPage)
		if err != nil {
			return err
		}
		for _, r := range page {
			after = r.Revision
			due, over, err := o.due(r, day, now)
			if err == nil && over {
				err = f(due)
			}
			if err != nil {
				return err
			}
		}
		if len(page) < retentionPage {
			return nil
		}
	}
}

// due returns when a licence need not be kept any more, and whether that has come.
func (o *Office) due(r licence.Record, day civil.Day, now time.Time) (Due, bool, error) {
	category, ok := o.Catalogue().Category(r.Licence.Category)
	if !ok {
		return Due{}, false, fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
	}
	end, known := r.End(now)
	if !known || category.Retention.Permanent() {
		return Due{}, false, nil
	}
	ended := civil.Of(end)
	d := Due{Identifier: r.Licence.Identifier, Category: category, Ended: ended, Since: civil.FromDate(category.Retention.Due(ended.Date()))}
	return d, d.Since <= day, nil
}
