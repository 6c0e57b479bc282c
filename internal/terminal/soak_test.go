package terminal

import (
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/terminal/journal"
	"github.com/elicence/elicence/internal/terminal/wedge"
	"github.com/elicence/elicence/qr/picture"
)

// TestSoak runs a terminal with all that it can have, over good and bad codes, pictures,
// presentations and new cache files: memory, threads and open files stay what they
// were. With ELICENCE_LONG it runs 105,000 scans, as many as a busy hall sees in a week.
func TestSoak(t *testing.T) {
	rounds := 60
	if os.Getenv("ELICENCE_LONG") != "" {
		rounds = 15_000
	}
	h := newHall(t)
	p := newPhone(t, h)
	memory := h.remember(t, filepath.Join(t.TempDir(), "shown"))
	defer memory.Close()
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	screen, err := NewScreen(ScreenOptions{
		Out: io.Discard, Size: func() (int, int) { return 80, 24 }, Clear: time.Second, Now: func() time.Time { return h.at }, Pause: func(time.Duration) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.o.Show, h.o.Journal = screen, j
	symbol, err := picture.Draw(h.code(t), picture.Screen)
	if err != nil {
		t.Fatal(err)
	}
	png, err := symbol.PNG(3)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "code.png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
	good := h.code(t)
	run := func(rounds int) {
		for n := range rounds {
			h.at = h.at.Add(2 * time.Second)
			sent := good + "\r" + good[:250] + "\r" + good[250:] + "\r" + p.Present(t, p.credential, h.at, nil) + "\r" +
				"garbage\r" + good[:100] + "\r12\r" + strings.Repeat("7", 9000) + "\r"
			if err := h.Run(t.Context(), Scanner("a scanner", strings.NewReader(sent), wedge.Options{}), Files(folder)); err != nil {
				t.Fatal(err)
			}
			if n%20 == 0 {
				h.domain.Status.Lists = nil
				h.domain.Status.Version++
				h.domain.Time.Version++
				h.domain.Status.Issued, h.domain.Time.Issued = h.at.Unix(), h.at.Unix()
				h.write(t, h.domain.Files(t))
			}
		}
	}
	run(20)
	before := measure()
	run(rounds)
	after := measure()
	t.Logf("%d scans: heap %d → %d bytes, %d → %d open files, %d → %d goroutines", 7*rounds, before.heap, after.heap, before.files, after.files, before.goroutines, after.goroutines)
	if grown := int64(after.heap) - int64(before.heap); grown > 2<<20 {
		t.Errorf("the heap has grown by %d bytes, from %d", grown, before.heap)
	}
	if after.files > before.files || after.goroutines > before.goroutines {
		t.Errorf("%d open files and %d goroutines, before %d and %d", after.files, after.goroutines, before.files, before.goroutines)
	}
	if n := rounds + 20; screen.total != 7*n || screen.accepted != 4*n {
		t.Errorf("%d scans, %d accepted, want %d and %d", screen.total, screen.accepted, 7*n, 4*n)
	}
	if len(h.warnings) > 2 { // both starts say that the root is not pinned
		t.Errorf("warnings %q", h.warnings[:min(len(h.warnings), 5)])
	}
}

type usage struct {
	heap       uint64
	files      int
	goroutines int
}

// measure looks at what is in use once everything that has ended is gone.
func measure() usage {
	for range 3 {
		runtime.GC()
		time.Sleep(20 * time.Millisecond)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := usage{heap: m.HeapAlloc, goroutines: runtime.NumGoroutine()}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.files = len(entries)
	}
	return u
}
