package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/elicence/elicence/internal/store/kv"
)

// settles lets callers that come together share the transaction of one Settle. Who comes
// while one is under way waits for the next: the one under way may have begun before
// what the caller has seen.
type settles struct {
	mu      sync.Mutex
	next    *settling // guarded by mu: the one that gathers callers, or nil
	running bool      // guarded by mu
}

type settling struct {
	done chan struct{} // closed when err is set
	err  error
}

// Settle implements [kv.Engine] by a transaction that writes: its COMMIT waits until the
// copies have everything up to it.
func (e *Engine) Settle(ctx context.Context) error {
	e.settles.mu.Lock()
	s := e.settles.next
	if s == nil {
		s = &settling{done: make(chan struct{})}
		e.settles.next = s
	}
	if !e.settles.running {
		e.settles.running = true
		go e.runSettles()
	}
	e.settles.mu.Unlock()
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("settling the store: %w", ctx.Err())
	}
}

// runSettles settles until nobody waits.
func (e *Engine) runSettles() {
	for {
		e.settles.mu.Lock()
		s := e.settles.next
		e.settles.next = nil
		e.settles.running = s != nil
		e.settles.mu.Unlock()
		if s == nil {
			return
		}
		s.err = e.settle()
		close(s.done)
	}
}

// settle is bound to nobody's deadline, as several wait for it.
func (e *Engine) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), e.patience)
	defer cancel()
	wait := newBackoff(e.patience)
	for {
		err := e.settleOnce(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, kv.ErrUnknown) || !errors.Is(err, errUnclear) && !passing(ctx, err) || !wait.pause(ctx) {
			return fmt.Errorf("settling the store: %w", err)
		}
	}
}

func (e *Engine) settleOnce(ctx context.Context) error {
	conn, err := e.writes.Conn(ctx)
	if err != nil {
		return err
	}
	stx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	// A row of its own: an Update that is under way holds the engine's.
	const text = "INSERT INTO settles (id, seen) VALUES ($1, now()) ON CONFLICT (id) DO UPDATE SET seen = EXCLUDED.seen"
	if _, err := stx.ExecContext(ctx, text, e.instance[:]); err != nil {
		return undo(conn, stx, err)
	}
	return e.commit(conn, stx)
}
