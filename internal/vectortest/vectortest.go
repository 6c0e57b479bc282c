// Package vectortest reads the test vectors that are published for others, and writes
// them anew where a test is run with -update.
package vectortest

import (
	"encoding/json"
	"os"
	"testing"
)

// Load returns the vectors of a JSON file. With update they are made first: a change of
// what others have read is a change of the format.
func Load[T any](tb testing.TB, path string, update bool, made func(testing.TB) T) T {
	tb.Helper()
	if update {
		content, err := json.MarshalIndent(made(tb), "", " ")
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, append(content, '\n'), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(content, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}
