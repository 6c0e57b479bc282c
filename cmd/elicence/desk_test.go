package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/elicence/elicence/internal/sample"
)

// atDesk are the scripts whose commands the running service carries out.
var atDesk = []string{"ask", "audit", "authority", "ca", "catalogue", "copy", "document", "erase", "evidence", "import", "licence", "life", "mass", "seal", "sealexternal", "seallife", "verify"}

// TestScriptsAtDesk runs scripts of testdata/script again while a service runs on the
// folder: every command must say, write and exit as it does without one. Commands that
// are not for a desk come after the service has ended, and another one begins behind them.
func TestScriptsAtDesk(t *testing.T) {
	t.Parallel()
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	page := onePage(t)
	dir := t.TempDir()
	for _, name := range atDesk {
		script, err := os.ReadFile(filepath.Join("..", "..", "testdata", "script", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+".txtar"), served(t, string(script)))
	}
	runScripts(t, dir, pictures, page, new(sync.Map), func() string { return "" })
}

// served returns a script with a service that runs on its data folder.
func served(t *testing.T, script string) string {
	t.Helper()
	const folder = "env ELICENCE_DATA=data\n"
	begin := []string{"exec elicence serve --listen $ADDRESS --clock-error 100ms &service&", "listens data/desk.sock"}
	end := []string{"kill -INT service", "wait service"}
	head, rest, found := strings.Cut(script, folder)
	if !found {
		t.Fatalf("the script has no line %q", folder)
	}
	// The files of the script stand behind its first "-- NAME --".
	at := strings.Index(rest, "\n-- ") + 1
	lines, running, damaged := begin, true, false
	for line := range strings.Lines(rest[:at]) {
		line = strings.TrimSuffix(line, "\n")
		// What a script changes in the folder only a start reads, or refuses.
		damaged = damaged || strings.HasPrefix(line, "replace data/") || strings.HasPrefix(line, "mkdir data/profiles") || strings.Contains(line, " data/elicence.db")
		alone := damaged || apart(line)
		switch {
		case alone && running:
			lines, running = append(lines, end...), false
		case isCommand(line) && !alone && !running:
			lines, running = append(lines, begin...), true
		}
		lines = append(lines, line)
	}
	if running {
		lines = append(lines, end...)
	}
	return head + folder + strings.Join(lines, "\n") + "\n" + rest[at:]
}

func isCommand(line string) bool {
	return strings.Contains(line, "exec ") || strings.HasPrefix(line, "exits ")
}

// apart reports whether a line is for a folder that nobody serves: it runs a command that
// is not for a desk, or a service of its own.
func apart(line string) bool {
	if strings.Contains(line, "--data ") || strings.Contains(line, "--trust ") {
		return false // of another folder, or of none
	}
	return slices.ContainsFunc([]string{
		" elicence ca ceremony ", " elicence ca cross ", " elicence ca crl --root", " elicence ca rotate ", " elicence document archive --due", " elicence document archive --renew", " elicence serve ",
	}, func(part string) bool { return strings.Contains(line, part) })
}
