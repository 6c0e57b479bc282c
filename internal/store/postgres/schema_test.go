package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/elicence/elicence/internal/store/kv"
)

// stepsFor are migrations for a schema of a test, laid out as the service's are: growing
// tables plain, others by bucket and in partitions. The bucket is an integer, as a test's
// keys begin with anything.
func stepsFor(schema kv.Schema) fs.FS {
	var b strings.Builder
	b.WriteString("-- +goose Up\n" + ownTables)
	for _, t := range schema.Tables {
		name := sqlName(t.Name)
		if t.Order == kv.Growing {
			fmt.Fprintf(&b, "CREATE TABLE %s (key bytea PRIMARY KEY, value bytea NOT NULL);\n", name)
			continue
		}
		fmt.Fprintf(&b, "CREATE TABLE %s (bucket integer, key bytea, value bytea NOT NULL, PRIMARY KEY (bucket, key)) PARTITION BY HASH (bucket);\n", name)
		partitions(&b, name)
	}
	for _, x := range schema.Indexes {
		name := sqlName(x.Name)
		fmt.Fprintf(&b, "CREATE TABLE %s (lead bigint NOT NULL, rest bytea NOT NULL, ref bytea NOT NULL) PARTITION BY HASH (lead);\n", name)
		partitions(&b, name)
		fmt.Fprintf(&b, "CREATE INDEX %s_lead ON %s (lead);\n", name, name)
	}
	return fstest.MapFS{"00001_test.sql": &fstest.MapFile{Data: []byte(b.String())}}
}

const ownTables = `CREATE TABLE writer (id smallint PRIMARY KEY);
INSERT INTO writer (id) VALUES (1);
CREATE TABLE instances (id bytea PRIMARY KEY, turn bigint NOT NULL, seen timestamptz NOT NULL);
CREATE TABLE confirms (id bytea PRIMARY KEY, seen timestamptz NOT NULL);
`

func partitions(b *strings.Builder, name string) {
	for i := range 2 {
		fmt.Fprintf(b, "CREATE TABLE %s_p%d PARTITION OF %s FOR VALUES WITH (MODULUS 2, REMAINDER %d);\n", name, i, name, i)
	}
}

func testSchema() kv.Schema {
	return kv.Schema{
		Tables: []kv.TableSpec{
			{Name: "things"}, {Name: "small-things"},
			{Name: "log.entries", Order: kv.Growing},
		},
		Indexes: []kv.IndexSpec{{Name: "by-name", KeySize: 17, RefSize: 14}, {Name: "by-number", KeySize: 4, RefSize: 8}},
	}
}

// newEngine opens an engine of the test's schema in a new database.
func newEngine(tb testing.TB, address string, o Options) *Engine {
	tb.Helper()
	e, err := create(context.Background(), address, testSchema(), stepsFor(testSchema()), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

type fsMap = fstest.MapFS

func sqlFile(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
