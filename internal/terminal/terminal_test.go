package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/terminal/wedge"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// hall is a terminal with its cache folder, its clock and what it printed.
type hall struct {
	*Terminal
	domain   *trusttest.Domain
	dir      string
	state    string
	at       time.Time
	written  int // times the cache was written
	out      bytes.Buffer
	warnings []string
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{domain: trusttest.New(t, now), dir: filepath.Join(t.TempDir(), "trust"), state: t.TempDir(), at: now}
	h.write(t, h.domain.Files(t))
	h.start(t)
	return h
}

// start is what happens when the terminal is switched on.
func (h *hall) start(t *testing.T) {
	t.Helper()
	terminal, err := New(Options{
		Trust: h.dir, State: h.state, Show: JSON{&h.out}, Now: func() time.Time { return h.at },
		Warn: func(line string) { h.warnings = append(h.warnings, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Terminal = terminal
}

// write puts files into the cache folder, the time file last and with a
// modification time of its own, as an export some minutes later would.
func (h *hall) write(t *testing.T, files fstest.MapFS) {
	t.Helper()
	h.written++
	for name, f := range files {
		path := filepath.Join(h.dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, f.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	stamp := now.Add(time.Duration(h.written) * time.Minute)
	if err := os.Chtimes(filepath.Join(h.dir, "time"), stamp, stamp); err != nil {
		t.Fatal(err)
	}
}

// next makes the domain's files of a later moment.
func (h *hall) next(after time.Duration) {
	at := now.Add(after)
	d := h.domain
	d.Status.Lists = nil
	d.Status.Version++
	d.Time.Version++
	d.Status.Issued, d.Time.Issued = at.Unix(), at.Unix()
	h.at = at
}

// lines gives the terminal what a scanner sends.
func (h *hall) lines(t *testing.T, sent string) {
	t.Helper()
	if err := h.Run(t.Context(), Scanner("standard input", strings.NewReader(sent), wedge.Options{})); err != nil {
		t.Fatal(err)
	}
}

func (h *hall) pictures(path string) error { return h.Run(context.Background(), Files(path)) }

// scan gives the terminal one line and returns the verdict.
func (h *hall) scan(t *testing.T, text string) string {
	t.Helper()
	h.out.Reset()
	h.lines(t, text+"\n")
	var r struct{ Verdict string }
	if err := json.Unmarshal(h.out.Bytes(), &r); err != nil {
		t.Fatalf("one line gives %q: %v", h.out.String(), err)
	}
	return r.Verdict
}

func (h *hall) code(t *testing.T) string {
	t.Helper()
	return trusttest.Code(t, h.domain.Credential(now.Add(-time.Hour)), h.domain.IssuerKey)
}

// TestLines: one verdict a line, in order, whatever the lines are.
func TestLines(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	code := h.code(t)
	lines := []struct{ text, want string }{
		{code, "valid"},
		{"  " + code + "\t\r", "valid"},
		{"https://localhost/v#" + code, "valid"},
		{"12", "malformed"},
		{strings.Repeat("7", 3*wedge.MaxLine), "malformed"},
		{strings.Repeat(" ", wedge.MaxLine) + "#" + code, "malformed"}, // longer than a line may be
		{"\x00\xff", "malformed"},
		{code[:len(code)-1], "malformed"},
		{code, "valid"},
	}
	var in strings.Builder
	var want []string
	for i, l := range lines {
		in.WriteString(l.text)
		if i < len(lines)-1 { // the last line may lack its end
			in.WriteString("\n\n \r\n")
		}
		want = append(want, l.want)
	}
	h.lines(t, in.String())
	var got []string
	for line := range strings.Lines(h.out.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, r["verdict"].(string))
		for _, key := range []string{"verdict", "cause", "kind", "pinned", "category", "category_name", "holder", "id_masked", "number", "issuer",
			"valid_from", "valid_until", "fields", "trust_version", "status_as_of", "took_us"} {
			if _, there := r[key]; !there {
				t.Errorf("%s is not in %s", key, line)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("verdicts %v, want %v", got, want)
	}
	if h.Accepted() {
		t.Error("Accepted although scans were not valid")
	}
}

// TestNewFiles: a running terminal takes up a revocation, keeps its last good cache
// when the next one is damaged, and says so; switched on again it does not forget.
func TestNewFiles(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	code := h.code(t)
	if got := h.scan(t, code); got != "valid" {
		t.Fatalf("at first %s", got)
	}
	old := h.domain.Files(t)
	h.domain.Set.Suspended.Set(77)
	h.next(time.Hour)
	suspended := h.domain.Files(t)
	h.write(t, suspended)
	if got := h.scan(t, code); got != "suspended" {
		t.Errorf("after the suspension %s %v", got, h.warnings)
	}
	h.warnings = nil
	h.write(t, old) // somebody puts the old files back
	if got := h.scan(t, code); got != "suspended" {
		t.Errorf("after the old files came back %s", got)
	}
	if len(h.warnings) != 1 || !strings.Contains(h.warnings[0], "last good ones stay in force") {
		t.Errorf("warnings %q", h.warnings)
	}
	h.start(t)
	if got := h.scan(t, code); got != "no_data" {
		t.Errorf("switched on with the old files %s, want no_data", got)
	}
	h.write(t, suspended)
	if got := h.scan(t, code); got != "suspended" {
		t.Errorf("with the new files again %s", got)
	}
}

// TestClockIsSet: a terminal that was switched on with a wrong clock is of use once the
// clock was set, as it asks for; and what is wrong is warned of once.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	code := h.code(t)
	h.at = now.Add(-time.Hour)
	h.warnings = nil
	h.start(t)
	for range 3 {
		if got := h.scan(t, code); got != "no_data" {
			t.Errorf("with a clock an hour behind %s", got)
		}
		h.tried = time.Time{} // ten seconds later
	}
	if len(h.warnings) != 2 { // and that the root is not pinned
		t.Errorf("warnings %q", h.warnings)
	}
	h.at = now.Add(time.Minute)
	if got := h.scan(t, code); got != "valid" {
		t.Errorf("after the clock was set %s", got)
	}
}

// TestFolderGone: without its folder a terminal goes on with what it has, says so once,
// and takes the folder up again when it is back.
func TestFolderGone(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	code := h.code(t)
	h.warnings = nil
	away := h.dir + ".away"
	if err := os.Rename(h.dir, away); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := h.scan(t, code); got != "valid" {
			t.Errorf("without the folder %s", got)
		}
	}
	if len(h.warnings) != 1 {
		t.Errorf("warnings %q", h.warnings)
	}
	h.domain.Set.Suspended.Set(77)
	h.next(time.Hour)
	h.write(t, h.domain.Files(t))
	if got := h.scan(t, code); got != "suspended" {
		t.Errorf("with a new folder %s", got)
	}
}

// TestExpiresWhileItRuns: files that expire say nothing more, although nothing new came
// and what they said of a document was not of the kind that grows old.
func TestExpiresWhileItRuns(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	document := &qr.Document{SignedAt: now, Expires: now.AddDate(10, 0, 0), Number: "1", Length: 9, Seals: []string{}}
	b, err := document.Sign(h.domain.CodeKey)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(qr.KindDocument, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.scan(t, code); got != "valid" {
		t.Fatalf("at first %s", got)
	}
	h.at = time.Unix(h.domain.Trust.Expires, 0)
	if got := h.scan(t, code); got != "valid" {
		t.Errorf("in the last second %s", got)
	}
	h.at = h.at.Add(time.Second)
	if got := h.scan(t, code); got != "no_data" {
		t.Errorf("a second later %s", got)
	}
}

// TestTooOld: without new files the last good cache says less and less.
func TestTooOld(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	code := h.code(t)
	for _, tc := range []struct {
		after time.Duration
		want  string
	}{{time.Hour, "valid"}, {25 * time.Hour, "valid_stale"}, {73 * time.Hour, "no_data"}} {
		h.at = now.Add(tc.after)
		if got := h.scan(t, code); got != tc.want {
			t.Errorf("after %s %s, want %s", tc.after, got, tc.want)
		}
		if h.Accepted() != (tc.want == "valid") {
			t.Errorf("after %s, %s: Accepted = %v", tc.after, tc.want, h.Accepted())
		}
	}
}

// TestPicture: what a picture says, and what is no picture.
func TestPicture(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	dir := t.TempDir()
	symbol, err := picture.Draw("https://localhost/v#"+h.code(t), picture.Paper)
	if err != nil {
		t.Fatal(err)
	}
	png, err := symbol.PNG(4)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		content []byte
		want    string
	}{
		"code.png": {png, "valid"},
		"cut.png":  {png[:len(png)/2], "malformed"},
		"text.png": {[]byte("not a picture"), "malformed"},
		"empty":    {nil, "malformed"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, tc.content, 0o600); err != nil {
			t.Fatal(err)
		}
		h.out.Reset()
		if err := h.pictures(path); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(h.out.String(), `"verdict":"`+tc.want+`"`) {
			t.Errorf("%s: %s, want %s", name, h.out.String(), tc.want)
		}
	}
	if err := h.pictures(filepath.Join(dir, "none.png")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a picture that is not there: %v", err)
	}
	huge := filepath.Join(dir, "huge.png")
	if err := errors.Join(os.WriteFile(huge, png, 0o600), os.Truncate(huge, picture.MaxFileSize+1)); err != nil {
		t.Fatal(err)
	}
	h.out.Reset()
	if err := h.pictures(huge); err != nil || !strings.Contains(h.out.String(), `"malformed"`) {
		t.Errorf("a huge file: %s, %v", h.out.String(), err)
	}
}

// TestText: a line for people says symbol, verdict in both languages and what to do.
func TestText(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.o.Show = Lines{Out: &h.out}
	h.lines(t, h.code(t)+"\n12\n")
	lines := strings.Split(h.out.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "✓ 有效 Valid | 004 机动车驾驶证") || !strings.Contains(lines[0], "张样例") ||
		!strings.Contains(lines[1], "未能读出") || strings.Contains(lines[1], "张样例") {
		t.Errorf("got\n%s", h.out.String())
	}
}

// broken cannot be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestNowhereToShow: a terminal whose verdicts nobody sees stops.
func TestNowhereToShow(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.o.Show = JSON{broken{}}
	code := h.code(t)
	sent := strings.NewReader(strings.Repeat(code+"\n", 50))
	if err := h.Run(t.Context(), Scanner("a scanner", sent, wedge.Options{})); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestNoCache(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Trust: t.TempDir(), Show: JSON{new(bytes.Buffer)}, Warn: func(string) {}, Now: time.Now})
	if !errors.Is(err, ErrNoCache) {
		t.Errorf("an empty folder: %v, want ErrNoCache", err)
	}
}
