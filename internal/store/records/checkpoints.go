package records

import (
	"bytes"
	"context"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
)

// KeepCheckpoint keeps a signed checkpoint of the audit log under its time, in UTC seconds.
func (s *Store) KeepCheckpoint(ctx context.Context, at int64, signed []byte) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		return tx.Table(tableCheckpoints).Put(uint64Key(uint64(max(at, 0))), signed) //nolint:gosec // not negative
	})
	if err != nil {
		return fmt.Errorf("keeping a checkpoint: %w", err)
	}
	return nil
}

// KeptCheckpoints calls f with the checkpoints that were kept from a time until another, in
// UTC seconds and both included, the oldest first, until it returns false.
func (s *Store) KeptCheckpoints(ctx context.Context, from, until int64, f func(signed []byte) bool) error {
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for _, signed := range tx.Table(tableCheckpoints).Range(uint64Key(uint64(max(from, 0))), uint64Key(uint64(max(until, 0))+1)) { //nolint:gosec // not negative
			if !f(bytes.Clone(signed)) {
				break
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the checkpoints that were kept: %w", err)
	}
	return nil
}
