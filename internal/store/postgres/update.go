package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/store/kv"
)

// Update implements [kv.Engine].
func (e *Engine) Update(ctx context.Context, f func(kv.Tx) error) error {
	select {
	case <-e.writing:
	case <-ctx.Done():
		return fmt.Errorf("writing the store: %w", ctx.Err())
	}
	defer func() { e.writing <- struct{}{} }()

	wait := newBackoff(e.patience)
	for {
		e.turn++
		err := e.attempt(ctx, e.turn, f)
		var refused *refusal
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused):
			return refused.error
		case errors.Is(err, errUnclear):
			stored, asked := e.ask(e.turn)
			if asked != nil {
				return fmt.Errorf("writing the store: %w: %w", kv.ErrUnknown, asked)
			}
			if stored {
				return nil
			}
		case errors.Is(err, kv.ErrUnknown), !passing(ctx, err):
			return fmt.Errorf("writing the store: %w", err)
		}
		// It did not take place.
		if !wait.pause(ctx) {
			return fmt.Errorf("writing the store: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// refusal is the error of an Update's function, which the caller gets as it is.
type refusal struct{ error }

// attempt runs f in one transaction of the given number and commits it. An error that is
// neither errUnclear nor kv.ErrUnknown says that it did not take place.
func (e *Engine) attempt(ctx context.Context, turn int64, f func(kv.Tx) error) error {
	conn, err := e.writes.Conn(ctx)
	if err != nil {
		return err
	}
	// The statements are bound to ctx, the COMMIT is not.
	stx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	if err := e.lockWriter(ctx, stx); err != nil {
		return undo(conn, stx, err)
	}
	tx := newTx(ctx, e, stx, true)
	if err := tx.run(conn, f); err != nil {
		return undo(conn, stx, err)
	}
	if err := tx.flush(); err != nil {
		return undo(conn, stx, err)
	}
	if err := e.putTurn(ctx, stx, turn); err != nil {
		return undo(conn, stx, err)
	}
	return e.commit(conn, stx)
}

// undo ends a transaction that is not to take place. The error is cause: what goes wrong
// here leaves nothing behind either.
func undo(conn *sql.Conn, stx *sql.Tx, cause error) error {
	_ = stx.Rollback()
	_ = conn.Close()
	return cause
}

// lockWriter waits for its turn among all who write. Whoever has it sees all that was
// written before, and nobody else writes until the transaction ends.
func (e *Engine) lockWriter(ctx context.Context, stx *sql.Tx) error {
	ctx, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	var id int
	if err := stx.QueryRowContext(ctx, "SELECT id FROM writer WHERE id = 1 FOR UPDATE").Scan(&id); err != nil {
		return fmt.Errorf("waiting for the writer's lock: %w", err)
	}
	return nil
}

// putTurn leaves the transaction's number in the engine's row.
func (e *Engine) putTurn(ctx context.Context, stx *sql.Tx, turn int64) error {
	const text = "INSERT INTO instances (id, turn, seen) VALUES ($1, $2, now()) ON CONFLICT (id) DO UPDATE SET turn = EXCLUDED.turn, seen = EXCLUDED.seen"
	if _, err := stx.ExecContext(ctx, text, e.instance[:], turn); err != nil {
		return fmt.Errorf("leaving the transaction's number: %w", err)
	}
	return nil
}

// ask finds out whether the Update of a number took place. It asks until somebody
// answers or the patience is at an end; the caller's deadline does not count, as the act
// may have been stored.
func (e *Engine) ask(turn int64) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), e.patience)
	defer cancel()
	wait := newBackoff(e.patience)
	for {
		stored, err := e.askOnce(ctx, turn)
		if err == nil {
			return stored, nil
		}
		if !errors.Is(err, errUnclear) && !passing(ctx, err) || !wait.pause(ctx) {
			return false, err
		}
	}
}

func (e *Engine) askOnce(ctx context.Context, turn int64) (bool, error) {
	conn, err := e.writes.Conn(ctx)
	if err != nil {
		return false, err
	}
	stx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return false, errors.Join(err, conn.Close())
	}
	// The transaction in question held the lock to its end.
	if err := e.lockWriter(ctx, stx); err != nil {
		return false, undo(conn, stx, err)
	}
	var last int64
	err = stx.QueryRowContext(ctx, "SELECT turn FROM instances WHERE id = $1", e.instance[:]).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, undo(conn, stx, err)
	}
	if err := e.putTurn(ctx, stx, last); err != nil {
		return false, undo(conn, stx, err)
	}
	if err := e.commit(conn, stx); err != nil {
		return false, err
	}
	return last == turn, nil
}

// backoff spaces attempts out and bounds them.
type backoff struct {
	until time.Time
	next  time.Duration
}

const (
	firstPause = 10 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// newBackoff bounds attempts by a time from now on.
func newBackoff(limit time.Duration) *backoff {
	return &backoff{until: time.Now().Add(limit), next: firstPause}
}

// pause waits before another attempt, and reports whether there may be one.
func (b *backoff) pause(ctx context.Context) bool {
	if time.Now().Add(b.next).After(b.until) {
		return false
	}
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	b.next = min(2*b.next, maxPause)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
