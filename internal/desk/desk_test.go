package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/durable"
)

// hall is a service with a desk.
type hall struct {
	socket string
	end    context.CancelFunc
	log    *bytes.Buffer // readable when it has ended
	ended  chan struct{}
}

func open(tb testing.TB, run func(context.Context, *desk.Command) int) *hall {
	tb.Helper()
	ctx, end := context.WithCancel(context.Background())
	h := &hall{socket: filepath.Join(tb.TempDir(), "desk.sock"), end: end, log: new(bytes.Buffer), ended: make(chan struct{})}
	listener, err := net.Listen("unix", h.socket)
	if err != nil {
		tb.Fatal(err)
	}
	commands := desk.NewCommands(ctx, slog.New(slog.NewTextHandler(h.log, nil)), run)
	server := &http.Server{Handler: commands, ReadHeaderTimeout: time.Minute}
	go func() {
		_ = server.Serve(listener)
		commands.Wait()
		close(h.ended)
	}()
	tb.Cleanup(func() {
		end()
		_ = server.Close()
		<-h.ended
	})
	return h
}

func (h *hall) run(tb testing.TB, ctx context.Context, q desk.Request, in string) (string, string, int, error) {
	tb.Helper()
	service, running := desk.Find(ctx, h.socket)
	if !running {
		tb.Fatal("no service is found")
	}
	var out, errs strings.Builder
	code, err := service.Run(ctx, q, desk.Terminal{Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs, Files: durable.Disk{}})
	return out.String(), errs.String(), code, err
}

// TestStreams: the words go to the service, and what the command reads and prints comes
// from and goes to the terminal, in order and of any length.
func TestStreams(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ context.Context, c *desk.Command) int {
		b, err := io.ReadAll(c.Stdin)
		_, err2 := fmt.Fprintf(c.Stdout, "%q %s %v %d", c.Args, c.Actor, c.Terminal, len(b))
		_, err3 := c.Stderr.Write(b)
		if err := errors.Join(err, err2, err3); err != nil {
			t.Error(err)
		}
		return 7
	})
	long := strings.Repeat("证照", 200_000)
	out, errs, code, err := h.run(t, t.Context(), desk.Request{Args: []string{"licence", "list 甲"}, Actor: "乙", Terminal: true}, long)
	if want := fmt.Sprintf(`["licence" "list 甲"] 乙 true %d`, len(long)); err != nil || code != 7 || out != want || errs != long {
		t.Errorf("%q, %d bytes of errors, exit %d, %v; want %q", out, len(errs), code, err, want)
	}
}

// TestFiles: files at the terminal behave as those of a disk, with the errors of io/fs.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	content := bytes.Repeat([]byte("0123456789abcdef"), 50_000)
	if err := os.WriteFile(path("in"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	h := open(t, func(_ context.Context, c *desk.Command) int {
		everyFile(t, c.Files, path, content)
		return 0
	})
	if _, _, code, err := h.run(t, t.Context(), desk.Request{}, ""); err != nil || code != 0 {
		t.Fatalf("exit %d, %v", code, err)
	}
	// The disk itself passes the same.
	if err := os.RemoveAll(path("made")); err != nil {
		t.Fatal(err)
	}
	everyFile(t, durable.Disk{}, path, content)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v: want in and made, and nothing half-written", entries, err)
	}
}

func everyFile(t *testing.T, files durable.Files, path func(string) string, content []byte) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	if absolute, err := files.Abs("x"); err != nil || !filepath.IsAbs(absolute) {
		t.Errorf("Abs: %q, %v", absolute, err)
	}
	for what, err := range map[string]error{
		"stat": second(files.Stat(path("none"))), "open": second(files.OpenFile(path("none"), os.O_RDONLY, 0)), "remove": files.Remove(path("none")),
		"list": second(files.ReadDir(path("none"))), "write": files.WriteFrom(path("none/x"), bytes.NewReader(content), 0o600),
	} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none") {
			t.Errorf("%s: %v, want one that wraps fs.ErrNotExist", what, err)
		}
	}
	f, err := files.OpenFile(path("in"), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(io.NewSectionReader(f, 5, 1<<40)); err != nil || !bytes.Equal(b, content[5:]) {
		t.Errorf("read %d bytes, %v", len(b), err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != int64(len(content)) || info.Mode() != 0o600 || info.IsDir() || info.Name() != "in" || info.ModTime().IsZero() {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := f.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a file that was opened for reading is written")
	}
	must(f.Close())
	if err := f.Close(); err == nil {
		t.Error("a file is closed twice")
	}

	must(files.MkdirAll(path("made/deep"), 0o700))
	must(files.WriteFrom(path("made/whole"), bytes.NewReader(content), 0o640))
	if err := files.WriteFrom(path("made/half"), failing{content}, 0o600); !errors.Is(err, errHalf) {
		t.Errorf("a half-written file: %v", err)
	}
	if err := files.WriteFrom(path("made"), bytes.NewReader(content), 0o600); !errors.Is(err, durable.ErrNotFile) {
		t.Errorf("a folder is overwritten: %v", err)
	}
	must(files.WriteFrom(path("made/empty"), bytes.NewReader(nil), 0o600))
	f, err = files.OpenFile(path("made/log"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteAt(content, 3); n != len(content) || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	must(f.Truncate(10))
	must(f.Sync())
	must(f.Close())
	must(files.SyncDir(path("made")))
	must(files.CreateFile(path("made/deep/new"), content, 0o600))
	if err := files.CreateFile(path("made/deep/new"), nil, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file is created over another: %v", err)
	}
	if b, err := os.ReadFile(path("made/deep/new")); err != nil || !bytes.Equal(b, content) {
		t.Errorf("created with %d bytes, %v", len(b), err)
	}
	must(os.Symlink("nowhere", path("made/deep/link")))
	if info, err := files.Lstat(path("made/deep/link")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := files.Stat(path("made/deep/link")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a link names that names nothing: %v", err)
	}
	must(os.Link(path("in"), path("made/deep/in")))
	for other, want := range map[string]bool{"in": true, "made/../in": true, "made/deep/in": true, "made/whole": false, "none": false} {
		if same, err := files.Same(path("in"), path(other)); err != nil || same != want {
			t.Errorf("in and %s: %t, %v", other, same, err)
		}
	}
	if _, err := files.OpenFile(path("made/log"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	var names []string
	entries, err := files.ReadDir(path("made"))
	must(err)
	for _, e := range entries {
		info, err := e.Info()
		must(err)
		if e.IsDir() {
			names = append(names, e.Name()+"/")
		} else {
			names = append(names, fmt.Sprint(e.Name(), " ", info.Size()))
		}
	}
	if got, want := strings.Join(names, ", "), fmt.Sprintf("deep/, empty 0, log 10, whole %d", len(content)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if b, err := os.ReadFile(path("made/log")); err != nil || string(b) != "\x00\x00\x000123456" {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := files.Stat(path("made/whole")); err != nil || info.Mode() != 0o640 || info.Size() != int64(len(content)) {
		t.Errorf("%+v, %v", info, err)
	}
	must(files.Remove(path("made/log")))
}

func second[T any](_ T, err error) error { return err }

var errHalf = errors.New("half")

// failing is content that ends before it is whole.
type failing struct{ content []byte }

func (f failing) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(f.content)
	return int64(n), errors.Join(err, errHalf)
}

// TestInterrupt: an interrupt at the terminal reaches the command, which still has its
// say.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	h := open(t, func(ctx context.Context, c *desk.Command) int {
		close(began)
		<-ctx.Done()
		_, _ = io.WriteString(c.Stderr, "stopped behind line 7")
		return 2
	})
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-began
		interrupt()
	}()
	if _, errs, code, err := h.run(t, ctx, desk.Request{}, ""); err != nil || code != 2 || errs != "stopped behind line 7" {
		t.Errorf("%q, exit %d, %v", errs, code, err)
	}
}

// TestServiceEnds: a service that ends interrupts its commands and waits for them.
func TestServiceEnds(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	h := open(t, func(ctx context.Context, _ *desk.Command) int {
		close(began)
		<-ctx.Done()
		return 2
	})
	go func() {
		<-began
		h.end()
	}()
	if _, _, code, err := h.run(t, t.Context(), desk.Request{}, ""); err != nil || code != 2 {
		t.Errorf("exit %d, %v", code, err)
	}
}

// TestTerminalDies: the command is interrupted, its calls fail with an error that is no
// end of a file, and a file that was not finished never gets its name.
func TestTerminalDies(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "out")
	died := make(chan error, 1)
	halfway, killed := make(chan struct{}), make(chan struct{})
	h := open(t, func(ctx context.Context, c *desk.Command) int {
		died <- c.Files.WriteFrom(target, writerTo(func(w io.Writer) error {
			if _, err := io.WriteString(w, "half"); err != nil {
				return err
			}
			close(halfway)
			<-killed
			<-ctx.Done()
			_, err := io.WriteString(w, "the rest")
			return err
		}), 0o600)
		return 0
	})
	relay, kill := relayTo(t, h.socket)
	go func() {
		<-halfway
		kill()
		close(killed)
	}()
	service, _ := desk.Find(t.Context(), relay)
	_, err := service.Run(t.Context(), desk.Request{}, desk.Terminal{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Files: durable.Disk{}})
	if !errors.Is(err, desk.ErrBrokenOff) {
		t.Errorf("the terminal says %v", err)
	}
	if err := <-died; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the command says %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(target)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// relayTo passes everything on to a socket until it is killed.
func relayTo(t *testing.T, socket string) (string, func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	kill := func() {
		mu.Lock()
		defer mu.Unlock()
		_ = listener.Close()
		for _, c := range open {
			_ = c.Close()
		}
	}
	t.Cleanup(kill)
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", socket)
			if err != nil {
				_ = near.Close()
				return
			}
			mu.Lock()
			open = append(open, near, far)
			mu.Unlock()
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		}
	}()
	return path, kill
}

type writerTo func(io.Writer) error

func (f writerTo) WriteTo(w io.Writer) (int64, error) { return 0, f(w) }

// TestPanic: a command that panics takes nobody with it, and says so at both ends.
func TestPanic(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ context.Context, c *desk.Command) int {
		if len(c.Args) == 0 {
			panic("a fault of ours")
		}
		return 0
	})
	if _, errs, code, err := h.run(t, t.Context(), desk.Request{}, ""); err != nil || code != 2 || !strings.Contains(errs, "internal error") || strings.Contains(errs, "of ours") {
		t.Errorf("%q, exit %d, %v", errs, code, err)
	}
	if _, _, code, err := h.run(t, t.Context(), desk.Request{Args: []string{"x"}}, ""); err != nil || code != 0 {
		t.Errorf("the next one: exit %d, %v", code, err)
	}
	h.end()
	if !strings.Contains(h.log.String(), "a fault of ours") {
		t.Error("the log does not tell")
	}
}

// TestSideBySide: commands at once do not meet.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ context.Context, c *desk.Command) int {
		b, err := io.ReadAll(c.Stdin)
		for range 50 {
			if _, err := c.Stdout.Write(b); err != nil {
				t.Error(err)
			}
		}
		if err != nil {
			t.Error(err)
		}
		return len(b)
	})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			word := strings.Repeat("x", i)
			if out, _, code, err := h.run(t, t.Context(), desk.Request{}, word); err != nil || code != i || out != strings.Repeat(word, 50) {
				t.Errorf("%d: %q, exit %d, %v", i, out, code, err)
			}
		})
	}
	all.Wait()
}

// TestNobodyThere: what a killed service has left is no service.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "desk.sock")
	if _, running := desk.Find(t.Context(), socket); running {
		t.Error("found where nothing is")
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, running := desk.Find(t.Context(), socket); running {
		t.Error("a file is no service")
	}
}

// TestNotACommand: what is no request of ours is refused before anything runs.
func TestNotACommand(t *testing.T) {
	t.Parallel()
	h := open(t, func(context.Context, *desk.Command) int {
		t.Error("it runs")
		return 0
	})
	service, _ := desk.Find(t.Context(), h.socket)
	client := &http.Client{Transport: &http.Transport{DialContext: service.Dial}}
	for body, want := range map[string]int{"": 400, "{": 400, `{"argv": []}`: 400, `{"args": []}`: http.StatusUpgradeRequired} {
		r, err := client.Post("http://desk/command", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%q: %d, want %d", body, r.StatusCode, want)
		}
	}
}

// FuzzAnswers: whatever a terminal answers, the command ends and the service stays.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x03\xff\x82\x00"))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	h := open(f, func(_ context.Context, c *desk.Command) int {
		_, _ = io.ReadAll(io.LimitReader(c.Stdin, 1<<10))
		_, _ = c.Files.Stat("x")
		_, _ = c.Files.Lstat("x")
		_, _ = c.Files.Same("x", "y")
		_, _ = c.Files.ReadDir("x")
		_, _ = c.Passwords.Given("x")
		_, _ = c.Passwords.Ask("x")
		if file, err := c.Files.OpenFile("x", os.O_RDONLY, 0); err == nil {
			_, _ = file.ReadAt(make([]byte, 100), 0)
			_, _ = desk.ReadAhead(file).ReadAt(make([]byte, 100), 1<<62)
		}
		return 0
	})
	f.Fuzz(func(t *testing.T, answers []byte) {
		conn, err := net.Dial("unix", h.socket)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }() // all that counts was said
		body := `{"args":[],"actor":"x","terminal":false}`
		if _, err := fmt.Fprintf(conn, "POST /command HTTP/1.1\r\nHost: desk\r\nConnection: Upgrade\r\nUpgrade: elicence-desk/1\r\nContent-Length: %d\r\n\r\n%s%s", len(body), body, answers); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Log(err) // reset: it has not read all
		}
	})
}
