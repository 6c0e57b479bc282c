package office

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/pki/audit"
)

// EraseDetails erases, where the law wants it, the personal details beside entries
// of the audit log, and records each erasure with its reason. The entries themselves
// stay, and the log stays provable.
func (o *Office) EraseDetails(ctx context.Context, actor, reason string, indexes ...uint64) error {
	if err := audit.CheckReason(reason); err != nil {
		return err
	}
	erasures := make([]audit.Record, len(indexes))
	for i, index := range indexes {
		var err error
		if erasures[i], err = audit.NewErasure(index, o.now(), actor, reason); err != nil {
			return err
		}
	}
	return o.store.EraseDetails(ctx, erasures...)
}

// EraseDetailsOf is [Office.EraseDetails] for every entry about a subject that still
// has details. It returns their indexes; none is [audit.ErrNothingToErase].
func (o *Office) EraseDetailsOf(ctx context.Context, actor, reason, subject string) ([]uint64, error) {
	var indexes []uint64
	err := o.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Subject == subject && e.Commits() && e.ErasedBy == 0 && e.Act != audit.ActDetailsErase {
			indexes = append(indexes, e.Index)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(indexes) == 0 {
		return nil, fmt.Errorf("subject %q: %w", subject, audit.ErrNothingToErase)
	}
	return indexes, o.EraseDetails(ctx, actor, reason, indexes...)
}
