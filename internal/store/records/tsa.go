package records

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/store/kv"

	"github.com/elicence/elicence/pki/tsa"
)

// StampMarks keeps the time up to which time stamps may have been given.
type StampMarks struct{ store *Store }

var _ tsa.Marks = StampMarks{}

// StampMarks returns the marks of the time stamping authority.
func (s *Store) StampMarks() StampMarks { return StampMarks{s} }

// Mark implements [tsa.Marks].
func (m StampMarks) Mark(ctx context.Context) (time.Time, error) {
	var micros uint64
	err := m.store.db.View(ctx, func(tx kv.Tx) error {
		micros = getUint(tx.Table(tableMeta), metaStampMark)
		return nil
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the mark of time stamps: %w", err)
	}
	if micros == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(int64(micros)).UTC(), nil //nolint:gosec // what SetMark wrote
}

// SetMark implements [tsa.Marks].
func (m StampMarks) SetMark(ctx context.Context, t time.Time) error {
	err := m.store.together(ctx, func(tx kv.Tx) error {
		return putUint(tx.Table(tableMeta), metaStampMark, uint64(t.UnixMicro())) //nolint:gosec // after 1970
	})
	if err != nil {
		return fmt.Errorf("keeping the mark of time stamps: %w", err)
	}
	return nil
}
