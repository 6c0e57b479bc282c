package office

import (
	"context"

	"github.com/elicence/elicence/pki/keystore"
)

// RotateRootSteps is how many steps a rotation of the root has.
func RotateRootSteps() int { return len(new(rootRotation).steps()) }

// RotateRootUpTo is RotateRoot, cut off after some of its steps.
func (o *Office) RotateRootUpTo(ctx context.Context, actor string, offline *keystore.Store, steps int) error {
	r := &rootRotation{office: o, actor: actor, offline: offline}
	for _, step := range r.steps()[:steps] {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
