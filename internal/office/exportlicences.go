package office

import (
	"context"
	"slices"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// LicenceFilter chooses licences of the register. The zero value chooses all.
type LicenceFilter struct {
	Category catalogue.ID    // 0: any
	Issuer   string          // credit code; empty: anybody
	After    uint64          // only changes after this revision
	Since    time.Time       // only changes at or after this time; zero: of all times
	States   []licence.State // empty: any
}

func (f LicenceFilter) takes(r licence.Record) bool {
	l := r.Licence
	return (f.Category == 0 || l.Category == f.Category) && (f.Issuer == "" || l.Identifier.Issuer == f.Issuer) &&
		!r.Since.Before(f.Since) && (len(f.States) == 0 || slices.Contains(f.States, r.State))
}

// exportPage is how many licences are looked at together: their entries in the audit log
// share a transaction.
const exportPage = 1024

// ExportLicences calls each with the chosen licences, the oldest change first. Every one
// is a look, in the audit log before it is passed on. It returns the revision up to which
// the register was read: the beginning of the next export of changes.
func (o *Office) ExportLicences(ctx context.Context, actor string, f LicenceFilter, each func(licence.Record) error) (uint64, error) {
	for {
		if err := ctx.Err(); err != nil {
			return f.After, err
		}
		page, err := o.store.List(ctx, f.After, exportPage)
		if err != nil || len(page) == 0 {
			return f.After, err
		}
		last := page[len(page)-1].Revision
		for i := range page {
			page[i] = page[i].At(o.now())
		}
		page = slices.DeleteFunc(page, func(r licence.Record) bool { return !f.takes(r) })
		if len(page) > 0 {
			if err := o.looked(ctx, actor, page...); err != nil {
				return f.After, err
			}
		}
		for _, r := range page {
			if err := each(r); err != nil {
				return f.After, err
			}
		}
		f.After = last
	}
}

// ApplicationOf returns the application that would lead to a licence of the same content,
// its pictures in base64.
func (o *Office) ApplicationOf(ctx context.Context, l *licence.Licence) (*licence.Application, error) {
	category, ok := o.Catalogue().Version(l.Category, l.Schema)
	if !ok {
		return nil, catalogue.ErrNoCategory
	}
	return licence.Reapply(l, category, func(sum [32]byte) ([]byte, error) { return o.documents.Get(ctx, sum) })
}
