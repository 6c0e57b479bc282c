package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/elicence/elicence/internal/store/kv"
)

// layout says how the tables of a schema lie in the database.
type layout struct {
	tables  map[string]*tableLayout
	indexes map[string]*indexLayout
}

type tableLayout struct {
	name string // in SQL
	// bucketType is the SQL type of the column bucket, empty where there is none.
	bucketType string
}

type indexLayout struct {
	name             string // in SQL
	keySize, refSize int
}

// sqlName is the name of a table or an index in SQL.
func sqlName(name string) string { return strings.NewReplacer("-", "_", ".", "_").Replace(name) }

// readLayout finds the tables of a schema in the database.
func readLayout(ctx context.Context, db *sql.DB, schema kv.Schema) (layout, error) {
	found, err := readColumns(ctx, db)
	if err != nil {
		return layout{}, err
	}
	l := layout{make(map[string]*tableLayout), make(map[string]*indexLayout)}
	for _, t := range schema.Tables {
		name := sqlName(t.Name)
		if err := found.check(name, "key", "value"); err != nil {
			return layout{}, err
		}
		l.tables[t.Name] = &tableLayout{name: name, bucketType: found[name]["bucket"]}
	}
	for _, x := range schema.Indexes {
		name := sqlName(x.Name)
		if err := found.check(name, "lead", "rest", "ref"); err != nil {
			return layout{}, err
		}
		l.indexes[x.Name] = &indexLayout{name: name, keySize: x.KeySize, refSize: x.RefSize}
	}
	return l, nil
}

// columns are the types of columns, by table and name.
type columns map[string]map[string]string

func readColumns(ctx context.Context, db *sql.DB) (columns, error) {
	const text = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()"
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("looking at the tables: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	found := make(columns)
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			return nil, fmt.Errorf("looking at the tables: %w", err)
		}
		if found[table] == nil {
			found[table] = make(map[string]string)
		}
		found[table][column] = kind
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking at the tables: %w", err)
	}
	return found, nil
}

// check refuses a table that is not there or lacks a column.
func (c columns) check(table string, names ...string) error {
	if c[table] == nil {
		return fmt.Errorf("the table %s is missing: not a whole store", table)
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return c[table][name] != "" })
	if len(missing) > 0 {
		return fmt.Errorf("the table %s lacks the columns %s: not a whole store", table, strings.Join(missing, ", "))
	}
	return nil
}
