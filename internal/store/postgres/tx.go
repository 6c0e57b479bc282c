package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
)

// tx is a transaction. Writes are kept until flush.
type tx struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the call that it belongs to
	engine   *Engine
	sql      *sql.Tx
	writable bool
	failure  error // the first of the engine; what is read after it is nothing

	tables  map[string]*table
	indexes map[string]*index
}

func newTx(ctx context.Context, e *Engine, stx *sql.Tx, writable bool) *tx {
	return &tx{ctx: ctx, engine: e, sql: stx, writable: writable, tables: make(map[string]*table), indexes: make(map[string]*index)}
}

// Table implements [kv.Tx].
func (t *tx) Table(name string) kv.Table {
	if open := t.tables[name]; open != nil {
		return open
	}
	l := t.engine.layout.tables[name]
	if l == nil {
		panic("postgres: the schema has no table " + name)
	}
	open := &table{tx: t, layout: l, known: make(map[string][]byte), written: make(map[string][]byte)}
	t.tables[name] = open
	return open
}

// Index implements [kv.Tx].
func (t *tx) Index(name string) kv.Index {
	if open := t.indexes[name]; open != nil {
		return open
	}
	l := t.engine.layout.indexes[name]
	if l == nil {
		panic("postgres: the schema has no index " + name)
	}
	open := &index{tx: t, layout: l, known: make(map[string][]string), written: make(map[string]map[string]bool)}
	t.indexes[name] = open
	return open
}

var errReadOnly = errors.New("a View writes nothing")

// canWrite says why a write cannot be taken.
func (t *tx) canWrite() error {
	if !t.writable {
		return errReadOnly
	}
	return t.failure
}

// fail keeps the first failure.
func (t *tx) fail(err error) {
	if t.failure == nil {
		t.failure = err
	}
}

// run runs a transaction's function. Its own error is a refusal. A panic goes on, but not
// with the writer's lock.
func (t *tx) run(conn *sql.Conn, f func(kv.Tx) error) error {
	returned := false
	defer func() {
		if !returned {
			_ = undo(conn, t.sql, nil)
		}
	}()
	err := f(t)
	returned = true
	if t.failure != nil {
		return t.failure
	}
	if err != nil {
		return &refusal{err}
	}
	return nil
}

// flush sends the writes, in an order that does not depend on chance.
func (t *tx) flush() error {
	for _, name := range slices.Sorted(maps.Keys(t.tables)) {
		if err := t.tables[name].flush(); err != nil {
			return fmt.Errorf("writing table %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.indexes)) {
		if err := t.indexes[name].flush(); err != nil {
			return fmt.Errorf("writing index %s: %w", name, err)
		}
	}
	return nil
}

// query runs a query and hands out each row; a failure is kept.
func (t *tx) query(what, text string, args []any, row func(*sql.Rows) error) {
	if t.failure != nil {
		return
	}
	rows, err := t.sql.QueryContext(t.ctx, text, args...)
	if err != nil {
		t.fail(fmt.Errorf("%s: %w", what, err))
		return
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		if err := row(rows); err != nil {
			t.fail(fmt.Errorf("%s: %w", what, err))
			return
		}
	}
	if err := rows.Err(); err != nil {
		t.fail(fmt.Errorf("%s: %w", what, err))
	}
}

// exec sends rows of parameters by statements of as many rows as they have room for.
// A row is width parameters.
func (t *tx) exec(rows []any, width int, text func(rows int) string) error {
	for len(rows) > 0 {
		n, padded := batch(rows, width)
		if _, err := t.sql.ExecContext(t.ctx, text(len(padded)/width), padded...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
