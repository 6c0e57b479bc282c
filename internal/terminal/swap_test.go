package terminal

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/mirror"
	"github.com/elicence/elicence/pki/second"
)

// TestUpdatedWhileScanning: while another program puts one cache after another in force,
// every scan is answered from a whole one, and nothing is said about it.
func TestUpdatedWhileScanning(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	pin := sm3.Sum(h.domain.Files(t)["1.root"].Data)
	const versions = 20
	var sources []mirror.Source
	for range versions {
		h.next(h.at.Sub(now) + time.Minute)
		source := filepath.Join(t.TempDir(), "source")
		if err := os.CopyFS(source, h.domain.Files(t)); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, mirror.Folder(source))
	}
	at := h.at
	failed := make(chan []mirror.Result, 1)
	go func() {
		var wrong []mirror.Result
		for _, s := range sources {
			r := mirror.Run(t.Context(), mirror.Options{
				Cache: h.dir, Sources: []mirror.Source{s}, Pin: &pin, Second: second.Opinion{}, Now: func() time.Time { return at },
			})
			if r.Outcome != mirror.Updated {
				wrong = append(wrong, r)
			}
		}
		failed <- wrong
	}()
	code := h.code(t)
	for scans := 0; ; scans++ {
		if verdict := h.scan(t, code); verdict != "valid" {
			t.Fatalf("scan %d: %s: %q", scans, verdict, h.warnings)
		}
		select {
		case wrong := <-failed:
			if len(wrong) > 0 {
				t.Errorf("%d updates failed: %+v", len(wrong), wrong[0])
			}
			if verdict := h.scan(t, code); verdict != "valid" || h.cache.Time.Version != versions+1 {
				t.Errorf("at the end: %s from version %d", verdict, h.cache.Time.Version)
			}
			if len(h.warnings) != 1 { // that there is no pin
				t.Errorf("warnings: %q", h.warnings)
			}
			return
		default:
		}
	}
}
