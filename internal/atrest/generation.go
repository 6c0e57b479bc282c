package atrest

import (
	"context"
	"fmt"
	"math"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/pki/audit"
)

// generations are keys of the register that are replaced by the next generation of them.
type generations[G ~uint8] struct {
	name    string                                                                  // of the keys
	prepare func(G) error                                                           // makes the secrets of a generation, where they are not there
	has     func(G) error                                                           // says what is missing of them
	missing error                                                                   // what has is then
	act     audit.Act                                                               // that takes a generation into use
	use     func(ctx context.Context, target G, at int64, entry audit.Record) error // takes it into use
}

// begin takes the generation behind the current one into use, or prepares it only. It returns the
// one in use, and the one that was only prepared.
func (g generations[G]) begin(ctx context.Context, f *datafolder.Folder, actor string, current G, prepareOnly bool) (int, *int, error) {
	if current == math.MaxUint8 {
		return int(current), nil, fmt.Errorf("generation %d of the %s is the last one", current, g.name)
	}
	target := current + 1
	if prepareOnly || !f.Shared {
		if err := g.prepare(target); err != nil {
			return int(current), nil, err
		}
	}
	if prepareOnly {
		prepared := int(target)
		return int(current), &prepared, nil
	}
	if err := g.has(target); err != nil {
		return int(current), nil, fmt.Errorf("%w: %w", g.missing, err)
	}
	entry, err := f.Entry(actor, g.act, fmt.Sprintf("generation %d", target))
	if err == nil {
		err = g.use(ctx, target, f.Now().Unix(), entry)
	}
	if err != nil {
		return int(current), nil, err
	}
	return int(target), nil, nil
}
