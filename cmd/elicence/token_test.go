//go:build cgo

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/elicence/elicence/internal/tooltest"
)

// TestTokenScripts runs testdata/token/*.txtar against a program that was built with
// cgo, beside an empty SoftHSM whose library is $MODULE.
func TestTokenScripts(t *testing.T) {
	tooltest.Need(t, "softhsm2-util")
	module := tooltest.SoftHSM(t)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "../elicence")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/token",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("ELICENCE_ACTOR", "officer")
			env.Setenv("SOFTHSM2_CONF", filepath.Join(env.WorkDir, "softhsm2.conf"))
			env.Setenv("MODULE", module)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "replace": replace},
	})
}
