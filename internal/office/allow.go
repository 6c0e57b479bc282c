package office

import (
	"context"
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// AllowCategories lets an authority issue further categories. It may do so at once, and
// terminals know it once the trust files have been published again. Which ones is kept
// beside the entry of the audit log.
//
// None is ever taken away: terminals would say of its licences in force that nobody may
// have issued them.
func (o *Office) AllowCategories(ctx context.Context, actor, uscc string, categories ...catalogue.ID) (licence.Authority, error) {
	a, err := o.TryCategories(ctx, uscc, categories...)
	if err != nil {
		return a, err
	}
	names := make([]string, len(categories))
	for i, id := range categories {
		names[i] = id.String()
	}
	entry, err := audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: audit.ActAuthorityAllow, Subject: uscc}, []byte(strings.Join(names, ",")))
	if err != nil {
		return a, err
	}
	if err := o.store.Allow(ctx, uscc, categories, entry); err != nil {
		return a, err
	}
	o.unknown.tell()
	return a, nil
}

// TryCategories answers as [Office.AllowCategories] would, and changes nothing.
func (o *Office) TryCategories(ctx context.Context, uscc string, categories ...catalogue.ID) (licence.Authority, error) {
	a, err := o.authorityOf(ctx, uscc)
	if err != nil {
		return a, err
	}
	if len(categories) == 0 {
		return a, bilingual.New("须用 --category 指明类别", "no category is named")
	}
	for _, id := range categories {
		if _, ok := o.Catalogue().Category(id); !ok {
			return a, fmt.Errorf("category %s: %w", id, catalogue.ErrNoCategory)
		}
	}
	return a, a.Allow(categories...)
}
