package tooltest

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed python/*.py
var scripts embed.FS

// Python runs one of the scripts of the folder python (by its name, without .py) with
// the libraries that .ci/tools installs for them, and returns what it prints, line by
// line. An exit that is not zero fails the test.
func Python(tb testing.TB, script string, args ...string) []string {
	tb.Helper()
	python := Need(tb, filepath.Join("python", "bin", "python3"))
	source, err := scripts.ReadFile("python/" + script + ".py")
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), script+".py")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		tb.Fatal(err)
	}
	out, err := exec.Command(python, append([]string{file}, args...)...).Output()
	if err != nil {
		tb.Fatalf("python %s: %v\n%s", script, err, stderrOf(err))
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
