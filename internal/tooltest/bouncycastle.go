package tooltest

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed java/*.java
var programs embed.FS

// jars are BouncyCastle where Debian's packages libbcprov-java, libbcutil-java and
// libbcpkix-java put it.
var jars = []string{"/usr/share/java/bcprov.jar", "/usr/share/java/bcutil.jar", "/usr/share/java/bcpkix.jar"}

// BouncyCastle runs one of the programs of the folder java (by its name, without .java)
// with BouncyCastle, and returns what it prints, line by line. The programs print one
// line a case; an exit that is not zero fails the test.
func BouncyCastle(tb testing.TB, program string, args ...string) []string {
	tb.Helper()
	java := Need(tb, "java")
	for _, jar := range jars {
		if _, err := os.Stat(jar); err != nil {
			if os.Getenv("CI") == "true" {
				tb.Fatalf("needs BouncyCastle: %v", err)
			}
			tb.Skipf("needs BouncyCastle: %v", err)
		}
	}
	source, err := programs.ReadFile("java/" + program + ".java")
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), program+".java")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(java, append([]string{"-cp", strings.Join(jars, ":"), file}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("java %s: %v\n%s", program, err, stderrOf(err))
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func stderrOf(err error) string {
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // as exec returns it
		return string(exit.Stderr)
	}
	return ""
}
