package terminal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/columns"
)

var update = flag.Bool("update", false, "write the golden files anew; read them before you keep them")

// golden compares text with a file that was read by eye.
func golden(tb testing.TB, path string, got []byte) {
	tb.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		tb.Errorf("%s is not what is made now (%v): run with -update and look at the difference", path, err)
	}
}

var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// shown is a screen as a person reads it, rows without their trailing spaces.
func shown(b []byte) []string {
	last := b[bytes.LastIndex(b, []byte(home))+len(home):]
	last = bytes.ReplaceAll(last, []byte(inverse+" "+plain), []byte("#")) // ink of a sign
	rows := strings.Split(control.ReplaceAllString(strings.ReplaceAll(string(last), "\a", ""), ""), "\r\n")
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return rows
}

// TestScreen: the whole screen for each size, as golden files: rows never outgrow the
// screen, and the verdict, who it is and the next step are there.
func TestScreen(t *testing.T) {
	t.Parallel()
	for _, size := range []struct {
		name          string
		width, height int
	}{{"80x24", 80, 24}, {"40x12", 40, 12}, {"100x30", 100, 30}, {"20x8", 20, 8}} {
		h := newHall(t)
		var out bytes.Buffer
		screen, err := NewScreen(ScreenOptions{
			Out: &out, Size: func() (int, int) { return size.width, size.height }, Clear: 30 * time.Second,
			Now: func() time.Time { return h.at }, Pause: func(time.Duration) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.o.Show = screen
		var all strings.Builder
		look := func(name string) []string {
			rows := shown(out.Bytes())
			if len(rows) != size.height {
				t.Errorf("%s, %s: %d rows", size.name, name, len(rows))
			}
			for _, row := range rows {
				if w := columns.Width(row); w > size.width {
					t.Errorf("%s, %s: %q takes %d columns", size.name, name, row, w)
				}
			}
			all.WriteString("--- " + name + "\n" + strings.Join(rows, "\n") + "\n")
			return rows
		}
		h.lines(t, "")
		look("ready")
		h.lines(t, h.code(t)+"\n")
		if rows := strings.Join(look("valid"), "\n"); size.height > 8 && !strings.Contains(rows, "张样例") {
			t.Errorf("%s: the holder is not shown", size.name)
		}
		if n := bytes.Count(out.Bytes(), []byte("\a")); n != 1 {
			t.Errorf("valid rings %d times", n)
		}
		h.at = h.at.Add(30 * time.Second)
		h.lines(t, "")
		if rows := look("cleared"); strings.Contains(strings.Join(rows, "\n"), "张") {
			t.Error("the holder is still shown")
		}
		out.Reset()
		h.domain.Set.Suspended.Set(77)
		h.next(time.Hour)
		h.write(t, h.domain.Files(t))
		h.lines(t, h.code(t)+"\n")
		look("suspended")
		if n := bytes.Count(out.Bytes(), []byte("\a")); n != 3 {
			t.Errorf("suspended rings %d times", n)
		}
		screen.Warn("the printer\x1b[2J is on fire")
		h.lines(t, "12\n")
		look("misread")
		golden(t, filepath.Join("testdata", "screen-"+size.name+".txt"), []byte(all.String()))
	}
}

// TestSigns: verdicts that ask for different things have different shapes.
func TestSigns(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for _, symbol := range []string{"✓", "✗", "⌛", "‖", "⊘", "↻", "◷", "?"} {
		art := strings.Join(sign(symbol), "\n")
		if other, twice := seen[art]; twice {
			t.Errorf("%s is drawn as %s", symbol, other)
		}
		seen[art] = symbol
		for _, row := range sign(symbol) {
			if len(row) != 10 {
				t.Errorf("%s: a row of %d", symbol, len(row))
			}
		}
	}
}

// TestScreenLeavesNothing: what was on the screen goes with it.
func TestScreenLeavesNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s, err := NewScreen(ScreenOptions{Out: &out, Size: func() (int, int) { return 80, 24 }, Now: time.Now, Pause: func(time.Duration) {}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), enterScreen) || !strings.HasSuffix(out.String(), leaveScreen) {
		t.Errorf("%q", out.String())
	}
}
