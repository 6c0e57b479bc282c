package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/mirror"
	"github.com/elicence/elicence/internal/tooltest"
)

// TestPause: soon again where nobody was reached, then as usual; never all together.
func TestPause(t *testing.T) {
	t.Parallel()
	const every = 15 * time.Minute
	for _, test := range []struct {
		failed int
		middle time.Duration
	}{{0, every}, {1, 30 * time.Second}, {2, time.Minute}, {3, 2 * time.Minute}, {6, every}, {7, every}, {1000, every}} {
		low, middle, high := pause(every, test.failed, 0), pause(every, test.failed, 0.5), pause(every, test.failed, 1)
		if middle != test.middle || low != test.middle*9/10 || high != test.middle*11/10 {
			t.Errorf("after %d failures: %s, %s, %s, want %s ± a tenth", test.failed, low, middle, high, test.middle)
		}
	}
	if got := pause(10*time.Second, 1, 0.5); got != 10*time.Second {
		t.Errorf("a retry after %s, where every run is after 10 s", got)
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[mirror.Outcome]int{
		mirror.Updated: 0, mirror.Current: 0, mirror.Refused: 1, mirror.Unreachable: 2, mirror.Failed: 2,
	} {
		if got := exit(outcome); got != want {
			t.Errorf("%s exits with %d, want %d", outcome, got, want)
		}
	}
}

// TestUnits has systemd read the units.
func TestUnits(t *testing.T) {
	t.Parallel()
	analyze := tooltest.Where(t, "systemd-analyze")
	units, err := filepath.Glob("systemd/hallsync*.*")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "hallsync")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Base(unit))
		text := strings.ReplaceAll(string(b), "/usr/local/bin/hallsync", program)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(unit) != ".conf" {
			paths = append(paths, path)
		}
	}
	if len(paths) != 3 {
		t.Errorf("%d units, want 3", len(paths))
	}
	// Options that systemd does not know are told on stderr and are no failure.
	if out, err := exec.Command(analyze, append([]string{"verify"}, paths...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
