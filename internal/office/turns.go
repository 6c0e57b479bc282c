package office

import (
	"context"
	"sync"
)

// turns lets callers with one name come one after the other.
type turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the turn is over; guarded by mu
}

// take waits for the turn of a name. The caller ends it by what is returned.
func (t *turns) take(ctx context.Context, name string) (func(), error) {
	for {
		t.mu.Lock()
		other, taken := t.busy[name]
		if !taken {
			if t.busy == nil {
				t.busy = make(map[string]chan struct{})
			}
			mine := make(chan struct{})
			t.busy[name] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.busy, name)
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
