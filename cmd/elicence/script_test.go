package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeset"
)

// binaries is a folder with the real programs, built once.
var binaries string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "elicence-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.Command("go", "build", "-o", dir, "../elicence", "../hallscan", "../hallsync")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

// TestScripts runs testdata/script/*.txtar against the real programs, beside a
// photograph photo.jpg, an empty page in.pdf and the sample ceremony.yaml, with a free address in $ADDRESS and
// a day of next month in $SOON. What needs another program stands behind [tool:NAME]; a missing one is reported as a
// skipped test of its own, and fails under CI=true.
func TestScripts(t *testing.T) {
	t.Parallel()
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	page := onePage(t)
	var tools sync.Map // names of the programs that scripts ask for
	t.Run("script", func(t *testing.T) {
		runScripts(t, "../../testdata/script", pictures, page, &tools, func() string { return "" })
	})
	tools.Range(func(tool, _ any) bool {
		t.Run(fmt.Sprint("needs ", tool), func(t *testing.T) { tooltest.Need(t, fmt.Sprint(tool)) })
		return true
	})
}

// onePage is an empty page of A4.
func onePage(tb testing.TB) []byte {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "一页 a page"})
	doc.Page(210, 297)
	page, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

// inPEM writes the certificates of a profile: `inpem FILE PROFILE OUT`, where FILE is what
// `ca list --json` has printed.
func inPEM(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: inpem FILE PROFILE OUT")
	}
	var all []struct{ Profile, PEM string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &all))
	var out strings.Builder
	for _, c := range all {
		if c.Profile == args[1] {
			out.WriteString(c.PEM)
		}
	}
	if out.Len() == 0 {
		ts.Fatalf("no certificate of profile %s", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(out.String()), 0o600))
}

// serial puts the serial number of the certificate of a profile into a variable:
// `serial FILE PROFILE NAME`, where FILE is what `ca list --json` has printed.
func serial(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: serial FILE PROFILE NAME")
	}
	var all []struct{ ID, Profile string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &all))
	for _, c := range all {
		if c.Profile == args[1] {
			ts.Setenv(args[2], c.ID)
			return
		}
	}
	ts.Fatalf("no certificate of profile %s", args[1])
}

// runScripts runs the scripts of a folder. Store says where the records of each are.
func runScripts(t *testing.T, dir string, pictures sample.Pictures, page []byte, tools *sync.Map, store func() string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binaries+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("ELICENCE_ACTOR", "officer")
			env.Setenv("ELICENCE_STORE", store())
			address, err := freeAddress()
			if err != nil {
				return err
			}
			env.Setenv("ADDRESS", address)
			env.Setenv("SOON", time.Now().AddDate(0, 0, 30).Format(time.DateOnly))
			if err := os.Mkdir(filepath.Join(env.WorkDir, "home"), 0o700); err != nil {
				return err
			}
			plan, err := os.ReadFile("../../docs/ceremony.yaml")
			if err != nil {
				return err
			}
			return errors.Join(
				os.WriteFile(filepath.Join(env.WorkDir, "ceremony.yaml"), plan, 0o600),
				os.WriteFile(filepath.Join(env.WorkDir, "photo.jpg"), pictures.Portrait(), 0o600),
				os.WriteFile(filepath.Join(env.WorkDir, "in.pdf"), page, 0o600),
			)
		},
		Condition: func(name string) (bool, error) {
			tool, ok := strings.CutPrefix(name, "tool:")
			if !ok {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			tools.Store(tool, nil)
			_, err := exec.LookPath(tool)
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"capture": capture,
			"number":  number,
			"replace": replace,
			"flip":    flip,
			"listens": listens,
			"serial":  serial,
			"inpem":   inPEM,
			"gb18030": gb18030,
			"harm":    harm,
		},
	})
}

// harm changes a byte in the middle of every file of a folder: `harm DIR`.
func harm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: harm DIR")
	}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		return os.WriteFile(path, b, 0o600)
	}))
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// listens ADDRESS|SOCKET waits until a program listens there.
func listens(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listens ADDRESS|SOCKET")
	}
	network, address := "tcp", args[0]
	if !strings.Contains(address, ":") {
		network, address = "unix", ts.MkAbs(address)
	}
	var err error
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var c net.Conn
		if c, err = net.Dial(network, address); err == nil {
			ts.Check(c.Close())
			return
		}
	}
	ts.Fatalf("nobody listens on %s: %v", args[0], err)
}

// exits CODE PROGRAM ARGS… runs a program and wants an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = fmt.Sprint(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("%s exits with %s, want %s", args[1], code, args[0])
	}
}

// capture NAME PATTERN puts what stands behind "PATTERN": " in the last output into an
// environment variable.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME KEY")
	}
	out := ts.ReadFile("stdout")
	_, rest, found := strings.Cut(out, `"`+args[1]+`": "`)
	value, _, ended := strings.Cut(rest, `"`)
	if !found || !ended {
		ts.Fatalf("the last output has no %q:\n%s", args[1], out)
	}
	ts.Setenv(args[0], value)
}

// number NAME KEY puts the number behind "KEY": in the last output into an environment
// variable.
func number(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: number NAME KEY")
	}
	out := ts.ReadFile("stdout")
	_, rest, found := strings.Cut(out, `"`+args[1]+`": `)
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	if !found || digits == "" {
		ts.Fatalf("the last output has no number %q:\n%s", args[1], out)
	}
	ts.Setenv(args[0], digits)
}

// replace FILE OLD NEW replaces text in a file, wherever it stands.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	content := ts.ReadFile(args[0])
	if !strings.Contains(content, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(content, args[1], args[2])), 0o600))
}

// gb18030 FILE writes a file in GB18030.
func gb18030(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gb18030 FILE")
	}
	content, err := simplifiedchinese.GB18030.NewEncoder().String(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(content), 0o600))
}

// flip FILE PART changes a byte at a part of a file's length, 0 to 99 percent.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	var part int
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE PERCENT")
	}
	_, err := fmt.Sscanf(args[1], "%d", &part)
	ts.Check(err)
	content := []byte(ts.ReadFile(args[0]))
	content[len(content)*part/100] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o600))
}
