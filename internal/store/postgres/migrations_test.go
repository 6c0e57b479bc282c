package postgres

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/store/records"
)

// TestMigrationsMakeTheSchema: the steps make a table for each table and index of the
// records, also where no server is at hand to try.
func TestMigrationsMakeTheSchema(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	made := make(map[string]string)
	for _, file := range files {
		text, err := fs.ReadFile(migrations(), file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^CREATE TABLE (\w+) \((.*)$`).FindAllStringSubmatch(string(text), -1) {
			made[m[1]] = m[2]
		}
	}
	want := func(name, column string) {
		if columns, found := made[sqlName(name)]; !found || !strings.Contains(columns, column) {
			t.Errorf("no step makes the table %s with a column %s: add one to internal/store/postgres/migrations", sqlName(name), column)
		}
	}
	schema := records.Schema()
	for _, table := range schema.Tables {
		want(table.Name, "value bytea")
	}
	for _, index := range schema.Indexes {
		want(index.Name, "lead bigint")
	}
}
