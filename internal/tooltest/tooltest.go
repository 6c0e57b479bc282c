// Package tooltest finds the independent programs that tests compare our work
// with (OpenSSL, Tongsuo, GmSSL, BouncyCastle, ofdrw, EU DSS, pyHanko, veraPDF, zbar, qpdf,
// poppler, MuPDF, Chromium, SoftHSM, zstd, strace, versitygw).
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
	"path/filepath"
	"testing"
)

// Need returns the path of the named program. When it is not installed the
// test is skipped, or fails if the environment says CI=true.
func Need(tb testing.TB, program string) string {
	tb.Helper()
	path, err := find(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("needs the program %s, which is not installed", program)
	}
	tb.Skipf("needs the program %s, which is not installed", program)
	return ""
}

// find looks where programs are, and then where .ci/tools puts those that no distribution
// packages: elicence/tools in the user's cache.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	place, noCache := fetched(program)
	if noCache != nil {
		return "", err
	}
	return exec.LookPath(place)
}

// fetched is where .ci/tools puts something.
func fetched(name string) (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "elicence", "tools", name), err
}

// Suites returns the folder of test files of programs that read PDF (qpdf, pdf.js, PDFBox),
// one folder for each. Where .ci/tools has not fetched them the test is skipped, or fails if
// the environment says CI=true.
func Suites(tb testing.TB) string {
	tb.Helper()
	place, err := fetched("suites")
	if err == nil {
		_, err = os.Stat(place)
	}
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		tb.Fatalf("needs the test files of PDF programs, which are not here: %v", err)
	default:
		tb.Skipf("needs the test files of PDF programs, which are not here: %v", err)
	}
	return place
}

// SoftHSM returns the path of SoftHSM's PKCS#11 library, which no search path knows.
// When it is not installed the test is skipped, or fails if the environment says
// CI=true.
func SoftHSM(tb testing.TB) string {
	tb.Helper()
	for _, path := range []string{
		"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
	} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		tb.Fatal("needs SoftHSM's library, which is not installed")
	}
	tb.Skip("needs SoftHSM's library, which is not installed")
	return ""
}

// Where is [Need] for a program that belongs to a kind of machine: the test is skipped
// where it is missing, under CI=true too.
func Where(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		tb.Skipf("the program %s is not here", program)
	}
	return path
}

// Run runs the named program and returns its standard output. A non-zero exit
// fails the test.
func Run(tb testing.TB, program string, args ...string) string {
	tb.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(Need(tb, program), args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s %q: %v\n%s%s", program, args, err, out, stderr.String())
	}
	return string(out)
}

// Try runs a program that is expected to refuse: it returns standard output and
// standard error together, and the exit error.
func Try(tb testing.TB, program string, args ...string) (string, error) {
	tb.Helper()
	out, err := exec.Command(Need(tb, program), args...).CombinedOutput()
	return string(out), err
}
