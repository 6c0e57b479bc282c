package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
)

// confirmers is how many Confirms run at once. Each has a row of its own to write, so
// that they do not wait for one another.
const confirmers = 6

// Confirm implements [kv.Engine]: the transaction that reads also writes, so its COMMIT
// waits until the copies have everything up to it. One that reads and another that
// writes would not do: servers may change places between them, and the new one may lack
// what the old one showed.
func (e *Engine) Confirm(ctx context.Context, f func(kv.Tx) error) error {
	var row byte
	select {
	case row = <-e.confirming:
	case <-ctx.Done():
		return fmt.Errorf("reading the store: %w", ctx.Err())
	}
	defer func() { e.confirming <- row }()

	wait := newBackoff(e.patience)
	for {
		err := e.confirmOnce(ctx, row, f)
		var refused *refusal
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused):
			return refused.error
		case errors.Is(err, kv.ErrUnknown), !errors.Is(err, errUnclear) && !passing(ctx, err):
			return fmt.Errorf("reading the store: %w", err)
		}
		if !wait.pause(ctx) {
			return fmt.Errorf("reading the store: %w", errors.Join(kv.ErrUnknown, err, ctx.Err()))
		}
	}
}

func (e *Engine) confirmOnce(ctx context.Context, row byte, f func(kv.Tx) error) error {
	conn, err := e.writes.Conn(ctx)
	if err != nil {
		return err
	}
	stx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	tx := newTx(ctx, e, stx, false)
	// What f refuses may have been shown by this server alone. Nobody acts on it as on
	// something that was stored.
	if err := tx.run(conn, f); err != nil {
		return undo(conn, stx, err)
	}
	const text = "INSERT INTO confirms (id, seen) VALUES ($1, now()) ON CONFLICT (id) DO UPDATE SET seen = EXCLUDED.seen"
	if _, err := stx.ExecContext(ctx, text, append(e.instance[:len(e.instance):len(e.instance)], row)); err != nil {
		return undo(conn, stx, err)
	}
	return e.commit(conn, stx)
}
