package mirror_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/mirror"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/second"
)

// service is the files of a real service as they are published.
type service struct{ *officetest.Fixture }

func (service) String() string { return "the service" }

func (s service) Open(ctx context.Context, name string, w mirror.Wanted) (*mirror.Content, error) {
	b, err := s.Office.TrustFile(ctx, name)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, mirror.ErrMissing
	}
	return &mirror.Content{ReadCloser: io.NopCloser(bytes.NewReader(b[w.Offset:])), Offset: w.Offset}, nil
}

// TestAway: a terminal that was away for 20 days, of a service that has published twice a
// day, fetches four files: time, status, and what leads from its state to the
// present one.
func TestAway(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC)
	f := officetest.At(t, func() time.Time { return now })
	issued := f.Issue(t, "007").Licence.Identifier
	publish := func(step licence.Step) {
		t.Helper()
		if _, err := f.Office.Step(t.Context(), "test", issued, step, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Office.Publish(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Office.Publish(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	root, err := f.Office.TrustFile(t.Context(), "1.root")
	if err != nil {
		t.Fatal(err)
	}
	pin := sm3.Sum(root)
	terminals := make(map[int]mirror.Options) // by the days that they are away
	for _, days := range []int{1, 7, 20, 29, 30} {
		dir := t.TempDir()
		o := mirror.Options{
			Cache: filepath.Join(dir, "trust"), Sources: []mirror.Source{service{f}}, Pin: &pin, State: filepath.Join(dir, "state"),
			Second: second.Opinion{}, Now: func() time.Time { return now },
		}
		if r := mirror.Run(t.Context(), o); r.Outcome != mirror.Updated {
			t.Fatalf("the first filling: %+v", r)
		}
		terminals[days] = o
	}
	old := terminals[30] // stays away
	dir := t.TempDir()
	mirrored := terminals[1]
	mirrored.Cache, mirrored.State, mirrored.Whole = filepath.Join(dir, "trust"), filepath.Join(dir, "state"), true
	for day := 1; day <= 29; day++ {
		for _, step := range []licence.Step{licence.Suspend, licence.Resume} {
			now = now.Add(12 * time.Hour)
			publish(step)
		}
		if r := mirror.Run(t.Context(), mirrored); r.Outcome != mirror.Updated {
			t.Fatalf("the mirror: %+v", r)
		}
		o, back := terminals[day]
		if !back {
			continue
		}
		now = now.Add(time.Minute)
		publish(licence.Suspend)
		r := mirror.Run(t.Context(), o)
		if r.Outcome != mirror.Updated || r.Files > 4 || len(r.Problems) > 0 {
			t.Errorf("away for %d days: %+v, want at most 4 files", day, r)
		}
		t.Logf("away for %d days: %d files, %d bytes: %q", day, r.Files, r.Bytes, r.Changed)
		publish(licence.Resume)
		if r := mirror.Run(t.Context(), o); r.Outcome != mirror.Updated || r.Files > 3 {
			t.Errorf("then at once: %+v, want time, status and a delta", r)
		}
	}
	// A new terminal, and one that was never updated, from a mirror.
	for name, o := range map[string]mirror.Options{"new": terminals[1], "old": old} {
		if name == "new" {
			o.Cache, o.State = filepath.Join(t.TempDir(), "trust"), t.TempDir()
		}
		o.Sources = []mirror.Source{mirror.Folder(mirrored.Cache)}
		if r := mirror.Run(t.Context(), o); r.Outcome != mirror.Updated || len(r.Problems) > 0 {
			t.Errorf("the %s terminal from the mirror: %+v", name, r)
		}
	}
}
