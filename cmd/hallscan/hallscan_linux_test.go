package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/qr/picture"
)

// TestMain is the program itself where the tests start it.
func TestMain(m *testing.M) {
	if os.Getenv("HALLSCAN_TEST_RUN") != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// pty returns both ends of a pseudo terminal: what is written to the first is typed on
// the second.
func pty(t *testing.T) (*os.File, string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", n)
}

// output is what a program has written so far.
type output struct {
	mu  sync.Mutex
	all strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// waitFor waits until a text has come n times.
func (o *output) waitFor(t *testing.T, text string, n int) {
	t.Helper()
	for range 600 {
		if strings.Count(o.String(), text) >= n {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%q did not come %d times; there is\n%s", text, n, o)
}

// cached is a cache folder and a code that is valid now.
func cached(t *testing.T) (dir, code string) {
	t.Helper()
	now := time.Now()
	d := trusttest.New(t, now)
	dir = t.TempDir()
	for name, f := range d.Files(t) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "HALLSCAN_TEST_RUN=1", "XDG_STATE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	return cmd
}

// TestSerialPort: a scanner on a serial port, whatever it ends its codes with; when it
// is pulled out the program says so.
func TestSerialPort(t *testing.T) {
	t.Parallel()
	dir, code := cached(t)
	scanner, port := pty(t)
	cmd := command(t, "--trust", dir, "--serial", port, "--json")
	var out, warnings output
	cmd.Stdout, cmd.Stderr = &out, &warnings
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	warnings.waitFor(t, "not pinned", 1) // it has opened the port
	for i, sent := range []string{code + "\r\n", "]Q1" + code + "\x03", code, code[:250] + "\r" + code[250:] + "\r"} {
		if _, err := io.WriteString(scanner, sent); err != nil {
			t.Fatal(err)
		}
		out.waitFor(t, `"verdict":"valid"`, i+1)
	}
	if strings.Contains(out.String(), "malformed") {
		t.Errorf("a misread:\n%s", &out)
	}
	if err := scanner.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != exitCouldNot || !strings.Contains(warnings.String(), port) {
		t.Errorf("pulled out: %v\n%s", err, &warnings)
	}
}

// TestKeyboardAndScreen: on a terminal of its own the program shows the verdict on the
// whole screen, echoes nothing, clears what the code says, and ends at Ctrl-C with
// screen and keyboard as they were.
func TestKeyboardAndScreen(t *testing.T) {
	t.Parallel()
	dir, code := cached(t)
	person, name := pty(t)
	tty, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "--trust", dir, "--screen", "--clear", "2s")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var out output
	go func() { _, _ = io.Copy(&out, person) }()
	out.waitFor(t, "请扫码", 1)
	if _, err := io.WriteString(person, "]Q1"+code+"\r"); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "张样例", 1)
	out.waitFor(t, "\a", 1)
	ready := strings.Count(out.String(), "请扫码")
	out.waitFor(t, "请扫码", ready+1)
	if strings.Contains(out.String(), code[100:150]) {
		t.Error("the code was echoed")
	}
	if _, err := io.WriteString(person, "\x03"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, &out)
	}
	out.waitFor(t, "\x1b[?1049l", 1)
	after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if *after != *before {
		t.Errorf("the keyboard is left as %+v, was %+v", after, before)
	}
}

// TestWatchedFolder: pictures are scanned as they appear, once each and when they are
// whole; an interrupt ends the program.
func TestWatchedFolder(t *testing.T) {
	t.Parallel()
	dir, code := cached(t)
	camera := t.TempDir()
	png := drawn(t, code)
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(camera, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("0.png", png) // is there already
	write("notes.txt", []byte("no picture"))
	cmd := command(t, "--trust", dir, "--watch", camera)
	var out, warnings output
	cmd.Stdout, cmd.Stderr = &out, &warnings
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	warnings.waitFor(t, "not pinned", 1)
	time.Sleep(time.Second) // the folder is looked at
	write("1.png", png[:len(png)/2])
	time.Sleep(1500 * time.Millisecond)
	write("1.png", png)
	out.waitFor(t, "| 1.png |", 1)
	write("2.png", png)
	out.waitFor(t, "| 2.png |", 1)
	time.Sleep(1500 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &warnings)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d verdicts, want 2\n%s", n, &out)
	}
}

// drawn is the picture of a code.
func drawn(t *testing.T, code string) []byte {
	t.Helper()
	symbol, err := picture.Draw(code, picture.Screen)
	if err != nil {
		t.Fatal(err)
	}
	png, err := symbol.PNG(4)
	if err != nil {
		t.Fatal(err)
	}
	return png
}
