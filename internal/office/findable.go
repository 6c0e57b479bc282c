package office

import (
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/licence"
)

// ErrNotIndexed says that the register does not find a licence that it has issued.
var ErrNotIndexed = errors.New("the register does not find a licence that was issued")

// Readable reads a licence and verifies its signature. It shows it to nobody, so it is no
// look.
func (o *Office) Readable(ctx context.Context, id licence.Identifier) error {
	_, err := o.store.ByIdentifier(ctx, id)
	return err
}

// Findable is [Office.Readable] by everything that a licence is looked up by: its
// identifier, its number and its holders.
func (o *Office) Findable(ctx context.Context, l *licence.Licence) error {
	if err := o.Readable(ctx, l.Identifier); err != nil {
		return err
	}
	found, err := o.store.ByNumber(ctx, l.Category, l.Number)
	if err := among(found, err, l.Identifier, "its number"); err != nil {
		return err
	}
	for _, h := range l.Holders {
		found, err := o.store.ByHolder(ctx, h.IDType, h.IDNumber)
		if err := among(found, err, l.Identifier, "its holder"); err != nil {
			return err
		}
	}
	return nil
}

func among(found []licence.Record, err error, id licence.Identifier, by string) error {
	if err != nil {
		return err
	}
	for _, r := range found {
		if r.Licence.Identifier == id {
			return nil
		}
	}
	return fmt.Errorf("licence %s by %s: %w", id, by, ErrNotIndexed)
}
