package tooltest

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed maven
var projects embed.FS

// Maven runs Main.java of a folder in maven, with the libraries that the folder's
// pom.xml names from Maven's repository, and returns what it prints, line by line. An
// exit that is not zero fails the test.
func Maven(tb testing.TB, project string, args ...string) []string {
	tb.Helper()
	java, mvn := Need(tb, "java"), Need(tb, "mvn")
	dir := tb.TempDir()
	for _, name := range []string{"pom.xml", "Main.java"} {
		file, err := projects.ReadFile("maven/" + project + "/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), file, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	classpath := filepath.Join(dir, "classpath")
	fetch := exec.Command(mvn, "-q", "-B", "-f", filepath.Join(dir, "pom.xml"),
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath", "-Dmdep.outputFile="+classpath)
	if out, err := fetch.CombinedOutput(); err != nil {
		tb.Fatalf("mvn for %s: %v\n%s", project, err, out)
	}
	jars, err := os.ReadFile(classpath)
	if err != nil {
		tb.Fatal(err)
	}
	run := exec.Command(java, append([]string{"-cp", strings.TrimSpace(string(jars)), filepath.Join(dir, "Main.java")}, args...)...)
	out, err := run.Output()
	if err != nil {
		tb.Fatalf("java for %s: %v\n%s", project, err, stderrOf(err))
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
