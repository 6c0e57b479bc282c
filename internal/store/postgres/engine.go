package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
)

// ErrNoStore says that a database holds no store.
var ErrNoStore = bilingual.New("该数据库中没有记录", "the database holds no store")

// Options say how an engine behaves when servers do not answer. The zero value is for
// ordinary use.
type Options struct {
	// Patience is for how long an Update looks for a server that takes it, and for how
	// long it waits for the answer of a COMMIT; 0: one minute, which a fail-over by
	// Patroni takes less than.
	Patience time.Duration
}

// Limits of connections.
const (
	// A writer that may leave its COMMIT behind, the next one, and those that confirm.
	writeConnections = 2 + confirmers
	connectionLife   = 30 * time.Minute
	connectionIdle   = 5 * time.Minute
	// How long a reader waits for a connection. Readers that read while they read could
	// otherwise wait for one another for ever.
	connectionWait = 30 * time.Second
	// A writer that has gone silent keeps the others waiting; a reader, whose consumer
	// may be at the end of a thin line, keeps rows from being cleaned away. Neither cuts
	// a COMMIT, which is not idle.
	idleWriter = time.Minute
	idleReader = time.Hour
)

// instanceSize is the length in bytes of an engine's name among all that have the
// database open.
const instanceSize = 16

// Engine is an open database. It is safe for concurrent use.
type Engine struct {
	reads, writes *sql.DB
	layout        layout
	patience      time.Duration
	// connectionWait is how long a reader waits for a connection.
	connectionWait time.Duration
	instance       [instanceSize]byte

	writing chan struct{} // holds one token; who has it runs an Update
	turn    int64         // number of the last Update; owned by the token's holder
	// confirming holds the rows that no Confirm writes at the moment.
	confirming chan byte
}

var _ kv.Engine = (*Engine)(nil)

// Create makes a new store in a database that holds none, and opens it. A database that
// has one, or the rest of one whose making was cut off, is left as it is: the error then
// wraps fs.ErrExist.
func Create(ctx context.Context, address string, schema kv.Schema, o Options) (*Engine, error) {
	return create(ctx, address, schema, migrations(), o)
}

// Open opens an existing store and brings its tables up to this program's version. One
// of a later version is refused. The error wraps [ErrNoStore] or [ErrAddress] where that
// is what is wrong.
func Open(ctx context.Context, address string, schema kv.Schema, o Options) (*Engine, error) {
	return open(ctx, address, schema, migrations(), o)
}

func create(ctx context.Context, address string, schema kv.Schema, steps fs.FS, o Options) (*Engine, error) {
	config, _, err := parseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("the address of the database: %w", err)
	}
	if err := makeStore(ctx, config, steps); err != nil {
		return nil, fmt.Errorf("making the store: %w", err)
	}
	return open(ctx, address, schema, steps, o)
}

func open(ctx context.Context, address string, schema kv.Schema, steps fs.FS, o Options) (*Engine, error) {
	config, connections, err := parseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("the address of the database: %w", err)
	}
	if err := migrate(ctx, config, steps); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	e := &Engine{
		reads: pool(config, connections, idleReader), writes: pool(config, writeConnections, idleWriter),
		patience: cmp.Or(o.Patience, time.Minute), connectionWait: connectionWait, writing: make(chan struct{}, 1), confirming: make(chan byte, confirmers),
	}
	e.writing <- struct{}{}
	for row := range byte(confirmers) {
		e.confirming <- row
	}
	if _, err := rand.Read(e.instance[:]); err != nil {
		return nil, errors.Join(fmt.Errorf("drawing randomness: %w", err), e.closePools())
	}
	e.layout, err = readLayout(ctx, e.writes, schema)
	if err == nil {
		err = checkDurability(ctx, e.writes)
	}
	if err == nil {
		err = forgetInstances(ctx, e.writes)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), e.closePools())
	}
	return e, nil
}

// pool makes connections as they are needed. A transaction that is idle for longer than
// the given time is ended by the server.
func pool(config *pgx.ConnConfig, connections int, idle time.Duration) *sql.DB {
	config = config.Copy()
	config.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(idle.Milliseconds(), 10)
	config.OnNotice = noteWarning
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxLifetime(connectionLife)
	db.SetConnMaxIdleTime(connectionIdle)
	return db
}

// checkDurability refuses a server that acknowledges what is not on its disk.
func checkDurability(ctx context.Context, db *sql.DB) error {
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		var value string
		if err := db.QueryRowContext(ctx, "SHOW "+setting).Scan(&value); err != nil {
			return fmt.Errorf("reading the server's setting %s: %w", setting, err)
		}
		if value == "off" || value == "local" {
			return fmt.Errorf("the server's setting %s is %s: it would acknowledge what a loss of power destroys", setting, value)
		}
	}
	return nil
}

// forgetInstances takes away the rows of engines that have not written for a month. One
// that is still there writes its row anew.
func forgetInstances(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{"instances", "confirms"} {
		if _, err := db.ExecContext(ctx, "DELETE FROM "+table+" WHERE seen < now() - interval '30 days'"); err != nil {
			return fmt.Errorf("tidying up %s: %w", table, err)
		}
	}
	return nil
}

// Close closes the connections. The engine's rows are taken away, if a server answers.
func (e *Engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	_, _ = e.writes.ExecContext(ctx, "DELETE FROM instances WHERE id = $1", e.instance[:])
	_, _ = e.writes.ExecContext(ctx, "DELETE FROM confirms WHERE substr(id, 1, $2) = $1", e.instance[:], instanceSize)
	if err := e.closePools(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

func (e *Engine) closePools() error { return errors.Join(e.reads.Close(), e.writes.Close()) }

// View implements [kv.Engine].
func (e *Engine) View(ctx context.Context, f func(kv.Tx) error) error {
	conn, stx, err := e.beginView(ctx)
	if err != nil {
		return fmt.Errorf("reading the store: %w", err)
	}
	defer func() { _ = undo(conn, stx, nil) }()
	tx := newTx(ctx, e, stx, false)
	err = f(tx)
	if tx.failure != nil {
		return fmt.Errorf("reading the store: %w", tx.failure)
	}
	return err
}

// beginView begins the transaction of a View. While servers change places there is no
// connection for a while; nothing has been read yet, so it may be tried again.
func (e *Engine) beginView(ctx context.Context) (*sql.Conn, *sql.Tx, error) {
	wait := newBackoff(e.patience)
	for {
		conn, stx, err := e.tryView(ctx)
		if err == nil {
			return conn, stx, nil
		}
		if errors.Is(err, errNoneFree) || !passing(ctx, err) || !wait.pause(ctx) {
			return nil, nil, err
		}
	}
}

var errNoneFree = errors.New("no connection to the database was free for too long: " + connectionsParameter + " in its address says how many there are")

func (e *Engine) tryView(ctx context.Context) (*sql.Conn, *sql.Tx, error) {
	limited, cancel := context.WithTimeout(ctx, e.connectionWait)
	defer cancel()
	conn, err := e.reads.Conn(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, nil, errNoneFree
	}
	if err != nil {
		return nil, nil, err
	}
	// A transaction that is bound to ctx would be rolled back beside its reader.
	stx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, stx, nil
}
