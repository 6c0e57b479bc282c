package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// Check walks every page of the file and tells of those that are damaged, lost or used
// twice. The error says that it could not be walked to the end.
func (e *Engine) Check(ctx context.Context, tell func(string)) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	// bbolt panics at some kinds of damage.
	defer func() {
		if r := recover(); r != nil {
			tell(fmt.Sprint(r))
		}
	}()
	return e.db.View(func(tx *bbolt.Tx) error {
		for fault := range tx.Check() {
			tell(fault.Error())
		}
		return ctx.Err()
	})
}
