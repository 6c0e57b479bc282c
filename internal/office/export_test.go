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

// KeptTrust calls f with the name of everything that the publisher keeps.
func (o *Office) KeptTrust(ctx context.Context, f func(name string)) error {
	return o.store.Published(ctx, func(name string, _ []byte) error {
		f(name)
		return nil
	})
}
