package bolt

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"
)

// Check walks every page of the file and tells of those that are damaged, lost or used
// twice. The error says that it could not be walked to the end.
func (e *Engine) Check(ctx context.Context, tell func(string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := guarded(func() error {
		return e.db.View(func(tx *bbolt.Tx) error {
			for fault := range tx.Check() {
				tell(fault.Error())
			}
			return ctx.Err()
		})
	})
	if errors.Is(err, ErrDamaged) {
		tell(err.Error())
		return nil
	}
	return err
}
