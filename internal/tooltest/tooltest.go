// Package tooltest finds the independent programs that tests compare our work
// with (OpenSSL, zbar, qpdf, poppler, MuPDF, Chromium).
//
// A signature or a file that only our own code accepts is not proven, so these
// tests matter. On a developer's machine a missing program skips the test and
// the skip is listed at the end of `make test`; under continuous integration
// (CI=true) it is a failure.
package tooltest

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of the named program. When it is not installed the
// test is skipped, or fails if the environment says CI=true.
func Need(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("needs the program %s, which is not installed", program)
	}
	tb.Skipf("needs the program %s, which is not installed", program)
	return ""
}

// Run runs the named program and returns what it printed on standard output
// followed by standard error. A non-zero exit fails the test.
func Run(tb testing.TB, program string, args ...string) string {
	tb.Helper()
	out, err := Try(tb, program, args...)
	if err != nil {
		tb.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

// Try is Run for programs that are expected to refuse: it returns the exit
// error instead of failing the test.
func Try(tb testing.TB, program string, args ...string) (string, error) {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(Need(tb, program), args...)
	cmd.Stdout = &stdout
	cmd.Stderr = &stderr
	err := cmd.Run()
	return stdout.String() + stderr.String(), err
}
