package main_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSelfTest builds both programs with one wrong digit in the published signature
// whose verification takes a carry, which is how a machine that computes wrongly
// looks from inside. Neither does anything but say so.
func TestSelfTest(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs(filepath.Join("..", "..", "pki", "selftest.go"))
	if err != nil {
		t.Fatal(err)
	}
	const digits, wrong = "BE0EA64E1EC06F0D", "BE0EA64F1EC06F0D"
	text := read(t, source)
	if strings.Count(text, digits) != 1 {
		t.Fatalf("%s does not hold %s once", source, digits)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "selftest.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.WriteFile(changed, []byte(strings.Replace(text, digits, wrong, 1)), 0o600),
		os.WriteFile(overlay, replace, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", overlay, "-o", dir, "../elicence", "../hallscan")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the programs: %v\n%s", err, out)
	}
	for name, args := range map[string][]string{"elicence": {"category", "list"}, "hallscan": {"--trust", "."}} {
		cmd := exec.Command(filepath.Join(dir, name), args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME=", "XDG_CONFIG_HOME=")
		var printed, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &printed, &errs
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || printed.Len() > 0 ||
			!strings.Contains(errs.String(), name+": SM2 carry in the field arithmetic is refused: cryptographic self-test failed") {
			t.Errorf("%s: %v\n%s%s", name, err, printed.String(), errs.String())
		}
	}
}
