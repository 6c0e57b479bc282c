package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/elicence/elicence/internal/store/kv"
)

// errUnclear says that a COMMIT ended without an answer that can be relied on, and that
// it has ended: whoever gets the writer's lock can see what became of it.
var errUnclear = errors.New("the server did not say whether the change was stored")

// commit commits and gives the connection back. It waits for the server without regard
// to any caller's deadline, but not for ever: a server that waits for its copies longer
// than the patience leaves the caller with kv.ErrUnknown, and goes on waiting.
func (e *Engine) commit(conn *sql.Conn, stx *sql.Tx) error {
	answered := make(chan error, 1)
	go func() { answered <- commitAndRelease(conn, stx) }()
	timer := time.NewTimer(e.patience)
	defer timer.Stop()
	select {
	case err := <-answered:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: the server has waited for its copies for %s", kv.ErrUnknown, e.patience)
	}
}

func commitAndRelease(conn *sql.Conn, stx *sql.Tx) error {
	defer func() { _ = conn.Close() }() // a connection that goes back to its pool
	takeWarning(conn)
	err := stx.Commit()
	var answer *pgconn.PgError
	switch {
	case err == nil && !takeWarning(conn):
		return nil
	case err == nil:
		return fmt.Errorf("%w: it warned that it stopped waiting for its copies", errUnclear)
	case errors.Is(err, pgx.ErrTxCommitRollback), pgconn.SafeToRetry(err):
		return err
	case errors.As(err, &answer) && answer.SeverityUnlocalized == "ERROR" && answer.Code != codeCompletionUnknown:
		return err
	}
	return fmt.Errorf("%w: %w", errUnclear, err)
}

// warned is the name under which a connection keeps that its server warned.
const warned = "elicence.warned"

// noteWarning keeps a server's warning for takeWarning. The one that matters here,
// "canceling wait for synchronous replication", has no code of its own and is written
// in the server's language, so during a COMMIT every warning counts.
func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		c.CustomData()[warned] = true
	}
}

// takeWarning reports whether the server has warned since it was last asked. Where that
// cannot be told it has.
func takeWarning(conn *sql.Conn) bool {
	found := true
	err := conn.Raw(func(c any) error {
		data := c.(*stdlib.Conn).Conn().PgConn().CustomData()
		_, found = data[warned]
		delete(data, warned)
		return nil
	})
	return found || err != nil
}

// SQLSTATE codes of errors after which the same transaction may succeed, here or on
// another server.
const (
	codeCompletionUnknown = "40003"
	codeIntegrity         = "40002"
	classConnection       = "08"
	classRollback         = "40"
)

func passingCodes() []string {
	return []string{
		"25006",                   // the server has become a copy and takes no writes
		"53300",                   // too many connections
		"55P03",                   // a lock was not to be had
		"57014",                   // somebody cancelled the statement
		"57P01", "57P02", "57P03", // the server goes down, has crashed, is not up yet
		"25P03", // the session was idle for too long
	}
}

// passing reports whether an error, met before a COMMIT, is one that passes: the
// transaction did not take place and may be tried again.
func passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return strings.HasPrefix(answer.Code, classConnection) ||
			strings.HasPrefix(answer.Code, classRollback) && answer.Code != codeIntegrity ||
			slices.Contains(passingCodes(), answer.Code)
	}
	// The rest is what becomes of connections.
	var connecting *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connecting) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		slices.ContainsFunc([]error{driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed}, func(cut error) bool {
			return errors.Is(err, cut)
		})
}
