package bolt

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/store/kv"
)

// TestConfirmWaits: what a transaction has written is shown before it is on the disk, and is
// confirmed when it is; not when it never was.
func TestConfirmWaits(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"it is written": false, "it is not": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			e, err := Create(filepath.Join(t.TempDir(), "store.db"), kv.Schema{Tables: []kv.TableSpec{{Name: "t"}}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = e.Close() })
			writer, err := e.db.Begin(true)
			if err != nil {
				t.Fatal(err)
			}
			e.durable.Store(0) // as if what is shown were the writer's
			confirmed := make(chan error, 1)
			go func() { confirmed <- e.Confirm(ctx, func(kv.Tx) error { return nil }) }()
			select {
			case err := <-confirmed:
				t.Fatalf("confirmed while it is written: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			e.stopped.Store(fails)
			if err := writer.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := <-confirmed; errors.Is(err, ErrStopped) != fails || !fails && err != nil {
				t.Errorf("the answer is %v", err)
			}
		})
	}
}
