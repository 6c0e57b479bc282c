package office

import (
	"context"
	"fmt"
	"hash/maphash"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// trial finds the numbers that a real run would refuse. It remembers 8 bytes of every
// number of its source, so a dry run of millions takes some hundred MB: only a real one
// has the register to ask.
type trial struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

func newTrial() *trial { return &trial{maphash.MakeSeed(), make(map[uint64]struct{})} }

// claim takes the numbers of the valid applications of a batch.
func (t *trial) claim(ctx context.Context, b *bulk, result *BulkBatch) error {
	for i := range b.drafts {
		d := &b.drafts[i]
		if len(d.faults) > 0 {
			continue
		}
		taken, err := t.taken(ctx, b.office, b.items[i].Category, d.mandate.issuer.USCC, d.valid.Number())
		if err != nil {
			return err
		}
		if taken {
			result.Refused = append(result.Refused, LineFault{b.items[i].Line, refusal(licence.ErrNumberTaken)})
			result.Passed--
			result.Faulty++
		}
	}
	return nil
}

func (t *trial) taken(ctx context.Context, o *Office, category catalogue.ID, issuer, number string) (bool, error) {
	key := maphash.String(t.seed, fmt.Sprint(category, " ", issuer, " ", number))
	if _, known := t.seen[key]; known {
		return true, nil
	}
	t.seen[key] = struct{}{}
	return o.NumberTaken(ctx, category, issuer, number)
}

// NumberTaken reports whether a licence by an issuer that is not revoked has a number.
func (o *Office) NumberTaken(ctx context.Context, category catalogue.ID, issuer, number string) (bool, error) {
	records, err := o.store.ByNumber(ctx, category, number)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if r.Licence.Identifier.Issuer == issuer && !r.State.Ended() {
			return true, nil
		}
	}
	return false, nil
}
