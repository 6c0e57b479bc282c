package office

import (
	"context"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
)

// checkRecords checks the store; deep, also that the pictures of every licence are there
// and whole. Every fault is told.
func (o *Office) checkRecords(ctx context.Context, deep bool, tell func(records.Fault)) (records.Counted, error) {
	wanted := make(map[[sm3.Size]byte]string) // by the first licence that names it
	counted, err := o.store.Check(ctx, deep, func(l *licence.Licence) {
		for _, v := range l.Fields {
			if image, ok := v.Image(); ok {
				if _, known := wanted[image.SM3]; !known {
					wanted[image.SM3] = l.Identifier.String()
				}
			}
		}
	}, tell)
	if err != nil {
		return counted, err
	}
	for sum, id := range wanted {
		if _, err := o.documents.Get(ctx, sum); err != nil {
			if !errors.Is(err, documents.ErrNotFound) && !errors.Is(err, documents.ErrDamaged) {
				return counted, fmt.Errorf("document %x: %w", sum, err)
			}
			tell(records.Fault{Where: fmt.Sprintf("document %x", sum), What: fmt.Sprintf("%v, licence %s names it", err, id)})
		}
	}
	return counted, nil
}
