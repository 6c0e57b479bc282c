package office

import (
	"context"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// SetUndo settles how long an authority's new licences wait before they are published.
// It does not touch those that wait already.
func (o *Office) SetUndo(ctx context.Context, actor, uscc string, w licence.UndoWindow) (licence.Authority, error) {
	a, err := o.authorityOf(ctx, uscc)
	if err != nil {
		return a, err
	}
	if err := a.SetUndo(w); err != nil {
		return a, err
	}
	entry, err := o.entry(actor, audit.ActAuthorityUndo, uscc)
	if err != nil {
		return a, err
	}
	return a, o.store.SetUndo(ctx, uscc, w, entry)
}
