package office

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// SetUndo settles how long an authority's new licences wait before they are published.
// It does not touch those that wait already.
func (o *Office) SetUndo(ctx context.Context, actor, uscc string, w licence.UndoWindow) (licence.Authority, error) {
	a, err := o.TryUndo(ctx, uscc, w)
	if err != nil {
		return a, err
	}
	entry, err := o.folder.Entry(actor, audit.ActAuthorityUndo, uscc)
	if err != nil {
		return a, err
	}
	return a, o.store.SetUndo(ctx, uscc, w, entry)
}

// TryUndo answers as [Office.SetUndo] would, and changes nothing.
func (o *Office) TryUndo(ctx context.Context, uscc string, w licence.UndoWindow) (licence.Authority, error) {
	a, err := o.authorityOf(ctx, uscc)
	if err != nil {
		return a, err
	}
	if _, ok := o.Catalogue().Category(w.Category); w.Category != 0 && !ok {
		return a, fmt.Errorf("category %s: %w", w.Category, catalogue.ErrNoCategory)
	}
	return a, a.SetUndo(w)
}
