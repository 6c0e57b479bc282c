package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/tsa"
)

// TestJob: a job runs in its time, soon after it is woken, once for all that comes
// together, and again soon after it failed.
func TestJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &Server{log: slog.New(slog.DiscardHandler), metrics: NewMetrics()}
		wake := make(chan struct{}, 1)
		var fails error
		runs := 0
		go s.repeat(ctx, job{name: "test", every: 15 * time.Minute, wake: wake, run: func(context.Context) error {
			runs++
			return fails
		}})
		after := func(d time.Duration, want int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if runs != want {
				t.Errorf("%d runs, want %d", runs, want)
			}
		}
		after(13*time.Minute, 0)
		after(4*time.Minute, 1)
		wake <- struct{}{}
		after(time.Second, 1)
		wake <- struct{}{}
		after(2*time.Second, 2)
		fails = errors.New("no store")
		after(3*time.Second, 3) // woken a second time while the first was under way
		after(40*time.Second, 4)
		fails = nil
		after(40*time.Second, 5)
		after(10*time.Minute, 5)
		cancel()
		synctest.Wait()
	})
}

// TestArchiveJob: the documents of the archive are renewed, and the metrics say how many
// are kept, how many need somebody, and until when the first is proven.
func TestArchiveJob(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	f := officetest.New(t)
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.Office, err = office.Open(f.Dir, office.Options{Clock: tsa.ClockSettings{Probe: tsa.DeclaredClock(100 * time.Millisecond)}}); err != nil {
		t.Fatal(err)
	}
	page, err := f.Office.PDF(ctx, "test", f.Issue(t, "004"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"licence.pdf": page, "broken.pdf": page[:len(page)/2]} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := f.Office.Archive(dir, office.ArchiveWithin)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := &Server{office: f.Office, log: slog.New(slog.NewJSONHandler(&log, nil)), metrics: NewMetrics(), archive: archive}
	if !slices.ContainsFunc(s.jobs(), func(j job) bool { return j.name == "archive" && j.atOnce }) {
		t.Error("the archive is no job of the service")
	}
	if err := s.renewArchive(ctx); err != nil {
		t.Fatal(err)
	}
	if said := log.String(); !strings.Contains(said, `"renewed":1,"failed":1`) || strings.Contains(said, ".pdf") {
		t.Errorf("the log says %s", said)
	}
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`elicence_archive_documents{state="kept"} 1`, `elicence_archive_documents{state="failed"} 1`, "elicence_archive_proven_until_timestamp_seconds 1.9"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}
