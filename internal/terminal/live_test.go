package terminal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/columns"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/qr"
)

// phone is a holder's device with its credential.
type phone struct {
	*trusttest.Device
	credential []byte
}

func newPhone(t *testing.T, h *hall) *phone {
	t.Helper()
	d := trusttest.NewDevice(t, qr.DeviceP256)
	return &phone{d, trusttest.SignedForDevice(t, h.domain.ForDevice(now.Add(-time.Hour), d), h.domain.IssuerKey)}
}

// remember gives the terminal a memory in a folder, as at a start.
func (h *hall) remember(t *testing.T, dir string) *Memory {
	t.Helper()
	m, err := OpenMemory(dir, h.at, func(line string) { h.warnings = append(h.warnings, line) })
	if err != nil {
		t.Fatal(err)
	}
	h.start(t)
	h.o.Replays = m
	h.stamp = nil
	h.refresh()
	return m
}

// TestReplayAcrossRestarts: a presentation is good once, also after a restart, a power
// loss, and with the memory torn or taken away.
func TestReplayAcrossRestarts(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	p := newPhone(t, h)
	dir := filepath.Join(t.TempDir(), "shown")
	h.at = now.Add(10 * time.Second)
	first := p.Present(t, p.credential, h.at, nil)
	m := h.remember(t, dir)
	if got := h.scan(t, first); got != "valid" {
		t.Fatalf("at the terminal's first start %s", got)
	}
	if got := h.scan(t, first); got != "valid" {
		t.Errorf("read twice by the scanner: %s", got)
	}
	h.at = h.at.Add(5 * time.Second)
	if got := h.scan(t, first); got != "replayed" {
		t.Errorf("shown again: %s", got)
	}
	// Another program of the same state folder remembers by itself.
	other := newHall(t)
	other.remember(t, dir)
	if len(other.warnings) == 0 || !strings.Contains(strings.Join(other.warnings, "\n"), "uses this state folder") {
		t.Errorf("warnings %q", other.warnings)
	}
	m.Close()
	for _, tt := range []struct {
		name   string
		damage func(path string) error
		fresh  string // the verdict on a code from before the start that was never shown
	}{
		{"switched off and on", func(string) error { return nil }, "valid"},
		{"torn", func(path string) error { return os.Truncate(path, 40) }, "replayed"},
		{"empty", func(path string) error { return os.Truncate(path, 0) }, "replayed"},
		{"a bit changed", func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(path, b, 0o600)
		}, "replayed"},
		{"taken away", os.Remove, "replayed"},
	} {
		fresh := p.Present(t, p.credential, h.at.Add(time.Second), nil)
		h.at = h.at.Add(2 * time.Second)
		if err := tt.damage(filepath.Join(dir, memoryFile)); err != nil {
			t.Fatal(err)
		}
		m := h.remember(t, dir)
		if got := h.scan(t, first); got != "replayed" {
			t.Errorf("%s: shown again: %s", tt.name, got)
		}
		if got := h.scan(t, fresh); got != tt.fresh {
			t.Errorf("%s: never shown: %s, want %s", tt.name, got, tt.fresh)
		}
		h.at = h.at.Add(2 * time.Second)
		if got := h.scan(t, p.Present(t, p.credential, h.at, nil)); got != "valid" {
			t.Errorf("%s: refreshed: %s", tt.name, got)
		}
		m.Close()
	}
}

// onPaper draws a screen's rows as a picture, as a camera before the screen sees them.
func onPaper(tb testing.TB, rows []string) string {
	tb.Helper()
	const cell = 6
	width := 0
	for _, row := range rows {
		width = max(width, columns.Width(row))
	}
	img := image.NewGray(image.Rect(0, 0, width*cell, len(rows)*2*cell))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	ink := func(x, y int) {
		for dy := range cell {
			for dx := range cell {
				img.SetGray(x*cell+dx, y*cell+dy, color.Gray{})
			}
		}
	}
	for y, row := range rows {
		x := -1
		for _, c := range row {
			x += columns.Width(string(c))
			if c == '█' || c == '▀' {
				ink(x, 2*y)
			}
			if c == '█' || c == '▄' {
				ink(x, 2*y+1)
			}
		}
	}
	var out bytes.Buffer
	path := filepath.Join(tb.TempDir(), "screen.png")
	if err := errors.Join(png.Encode(&out, img), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestQuestion: the two-way mode. The question on the screen is read by another
// program; an answer to it is taken once, and nothing else is.
func TestQuestion(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "zbarimg")
	for _, size := range []struct{ width, height int }{{80, 24}, {60, 25}, {50, 24}, {132, 43}} {
		h := newHall(t)
		p := newPhone(t, h)
		h.remember(t, t.TempDir())
		h.at = h.at.Add(time.Second)
		var out bytes.Buffer
		screen, err := NewScreen(ScreenOptions{
			Out: &out, Size: func() (int, int) { return size.width, size.height }, Clear: 30 * time.Second,
			Now: func() time.Time { return h.at }, Pause: func(time.Duration) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.o.Show = screen
		h.o.Questions = &Questions{Hall: "合肥市政务服务中心一", Random: rand.Reader, Show: screen} // the longest name
		ask := func() *qr.Challenge {
			t.Helper()
			h.lines(t, "")
			text := strings.TrimSpace(tooltest.Run(t, "zbarimg", "-q", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", onPaper(t, shown(out.Bytes()))))
			question, err := qr.ParseChallenge(text)
			if err != nil {
				t.Fatalf("%d × %d: %q: %v\n%s", size.width, size.height, text, err, strings.Join(shown(out.Bytes()), "\n"))
			}
			return question
		}
		scan := func(code, want string) {
			t.Helper()
			out.Reset()
			h.lines(t, code+"\n")
			if got := string(screen.last.Verdict); got != want {
				t.Errorf("%s (%s), want %s", got, screen.last.Cause, want)
			}
		}
		first := ask()
		if first.Hall != h.o.Questions.Hall {
			t.Errorf("the question is %s's", first.Hall)
		}
		scan(h.code(t), "out_of_scope") // paper answers nothing
		scan(p.Present(t, p.credential, h.at, nil), "replayed")
		answer := p.Present(t, p.credential, h.at, first)
		scan(answer, "valid")
		scan(answer, "valid") // read twice
		h.at = h.at.Add(11 * time.Second)
		second := ask()
		if second.Nonce == first.Nonce {
			t.Error("the same question is asked twice")
		}
		scan(answer, "replayed")
		scan(p.Present(t, p.credential, h.at, first), "replayed")
		scan(p.Present(t, p.credential, h.at, second), "valid")
	}
}

// TestQuestionTooLarge: a window that cannot hold the symbol says so.
func TestQuestionTooLarge(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	var out bytes.Buffer
	screen, err := NewScreen(ScreenOptions{Out: &out, Size: func() (int, int) { return 40, 12 }, Clear: time.Minute, Now: func() time.Time { return h.at }})
	if err != nil {
		t.Fatal(err)
	}
	h.o.Show, h.o.Questions = screen, &Questions{Hall: "一厅", Random: rand.Reader, Show: screen}
	h.lines(t, "")
	if rows := strings.Join(shown(out.Bytes()), "\n"); !strings.Contains(rows, "窗口太小") {
		t.Errorf("got\n%s", rows)
	}
}
