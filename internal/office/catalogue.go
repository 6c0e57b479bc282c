package office

import (
	"context"

	"github.com/elicence/elicence/internal/amended"
	"github.com/elicence/elicence/licence/catalogue"
)

// Catalogue returns the licence categories as they are now.
func (o *Office) Catalogue() *catalogue.Catalogue { return o.categories.Current() }

// ChangeCatalogue is [amended.Catalogue.Change]. Terminals know of it once the trust files have
// been published again.
func (o *Office) ChangeCatalogue(ctx context.Context, actor string, change amended.Change) (*catalogue.Catalogue, error) {
	changed, err := o.categories.Change(ctx, actor, change)
	if err == nil && !change.DryRun {
		o.unknown.tell()
	}
	return changed, err
}
