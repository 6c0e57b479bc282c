package office

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/pki/audit"
)

// VerifyLog recomputes the whole audit log and returns its size and root. Damage is
// an [*audit.DamageError] that names the entry.
func (o *Office) VerifyLog(context.Context) (uint64, []byte, error) {
	var size uint64
	var root []byte
	err := o.store.ReadLog(func(log audit.Storage) error {
		var err error
		if size, err = log.Size(); err != nil {
			return err
		}
		root, err = audit.Verify(log)
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("verifying the audit log: %w", err)
	}
	return size, root, nil
}

// Log calls f with every entry of the audit log, the oldest first.
func (o *Office) Log(_ context.Context, f func(index uint64, e audit.Entry) error) error {
	return o.store.ReadLog(func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		for i := range size {
			r, err := log.Record(i)
			if err != nil {
				return fmt.Errorf("audit log entry %d: %w", i, err)
			}
			e, err := r.Entry()
			if err != nil {
				return fmt.Errorf("audit log entry %d: %w", i, err)
			}
			if err := f(i, e); err != nil {
				return err
			}
		}
		return nil
	})
}
