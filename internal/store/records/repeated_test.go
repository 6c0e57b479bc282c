package records_test

import (
	"context"
	"errors"
	"testing"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/storetest"
)

// repeating is an engine that runs every function twice, as one may whose first commit came
// to nothing: what the first run has left in memory must not count.
type repeating struct{ kv.Engine }

var errCameToNothing = errors.New("the commit came to nothing")

// Update implements [kv.Engine].
func (r repeating) Update(ctx context.Context, f func(kv.Tx) error) error {
	err := r.Engine.Update(ctx, func(tx kv.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errCameToNothing
	})
	if !errors.Is(err, errCameToNothing) {
		return err
	}
	return r.Engine.Update(ctx, f)
}

// Confirm implements [kv.Engine].
func (r repeating) Confirm(ctx context.Context, f func(kv.Tx) error) error {
	if err := r.Engine.Confirm(ctx, f); err != nil {
		return err
	}
	return r.Engine.Confirm(ctx, f)
}

// TestRepeated: the register keeps its promises on an engine that runs everything twice.
func TestRepeated(t *testing.T) {
	t.Parallel()
	newStore := func(tb testing.TB) storetest.KeyedStore {
		return newKeyedStoreOn(tb, func(e kv.Engine) kv.Engine { return repeating{e} })
	}
	t.Run("register", func(t *testing.T) {
		storetest.Registry(t, func(tb testing.TB) storetest.Opener {
			k := newStore(tb)
			return func(tb testing.TB) storetest.Store { return k.Open(tb) }
		})
	})
	t.Run("record keys", func(t *testing.T) { storetest.RecordKeys(t, newStore) })
	t.Run("look-up keys", func(t *testing.T) { storetest.Renewal(t, newStore) })
}
