package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrations are the steps from an empty database to this program's tables.
func migrations() fs.FS {
	steps, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the name is a constant
	}
	return steps
}

// Tables of the migrations themselves.
const (
	versionTable = "schema_version"
	lockTable    = "schema_lock"
)

// How long a node waits for another that migrates.
const (
	migrationPoll  = time.Second
	migrationPolls = 300
)

// migrator opens a connection for migrations, and the provider of them. Several nodes
// that start at once take turns by a lock in a table. Each step is a transaction that
// leaves its number, so a step is done or it is not.
func migrator(config *pgx.ConnConfig, steps fs.FS) (*goose.Provider, *sql.DB, error) {
	db := stdlib.OpenDB(*config.Copy())
	locker, err := lock.NewPostgresTableLocker(
		lock.WithTableName(lockTable),
		lock.WithTableLockTimeout(migrationPoll, migrationPolls),
	)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps,
		goose.WithTableName(versionTable), goose.WithLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return provider, db, nil
}

// makeStore makes the tables in a database that has none of them.
func makeStore(ctx context.Context, config *pgx.ConnConfig, steps fs.FS) error {
	provider, db, err := migrator(config, steps)
	if err != nil {
		return err
	}
	err = makeTables(ctx, provider, db)
	return errors.Join(err, db.Close())
}

func makeTables(ctx context.Context, provider *goose.Provider, db *sql.DB) error {
	found, err := readColumns(ctx, db)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("the database's schema has tables already, a store or the rest of one whose making was cut off: name another, or drop the schema and create it anew: %w", fs.ErrExist)
	}
	_, err = provider.Up(ctx)
	return err
}

// migrate brings a store's tables up to this program's version.
func migrate(ctx context.Context, config *pgx.ConnConfig, steps fs.FS) error {
	provider, db, err := migrator(config, steps)
	if err != nil {
		return err
	}
	err = upgrade(ctx, provider, db)
	return errors.Join(err, db.Close())
}

func upgrade(ctx context.Context, provider *goose.Provider, db *sql.DB) error {
	found, err := readColumns(ctx, db)
	if err != nil {
		return err
	}
	if found[versionTable] == nil {
		return ErrNoStore
	}
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("reading the version of the tables: %w", err)
	case current > target:
		return fmt.Errorf("the tables have version %d, this program knows version %d: use the newer program", current, target)
	case current == target:
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bringing the tables from version %d to %d: %w", current, target, err)
	}
	return nil
}
