package office_test

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// TestExport: a folder is brought up to date, and has no file that it does not need.
func TestExport(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "066")
	dir := filepath.Join(t.TempDir(), "trust")
	export := func() map[string]string {
		t.Helper()
		if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
			t.Fatal(err)
		}
		files := make(map[string]string)
		err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(filepath.Join(dir, path))
			files[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := trust.Load(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		sets := 0
		for path := range files {
			if strings.HasPrefix(path, "set/") {
				sets++
			}
		}
		if sets != len(c.Status.Files) {
			t.Errorf("%d set files, the status file names %d", sets, len(c.Status.Files))
		}
		return files
	}
	first := export()
	if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, licence.Suspend, "x"); err != nil {
		t.Fatal(err)
	}
	second := export()
	for _, same := range []string{"1.root", "trust", "catalogue"} {
		if first[same] != second[same] {
			t.Errorf("%s changed with a suspension", same)
		}
	}
	third := export()
	if len(third) != len(second) || third["status"] == second["status"] {
		t.Error("without a change the status file is still signed anew, and nothing else is added")
	}
}

// fetching is what a terminal keeps, and how it fetches.
type fetching struct {
	t     *testing.T
	f     *officetest.Fixture
	clock *clock
	files fstest.MapFS
}

// update brings the terminal up to date and returns the files that it fetched.
func (m *fetching) update() ([]string, *trust.Cache) {
	m.t.Helper()
	var fetched []string
	next := maps.Clone(m.files)
	fetch := func(name string) {
		m.t.Helper()
		b, err := m.f.Office.TrustFile(ctx, name)
		if err != nil || b == nil {
			m.t.Fatalf("fetching %s: %v", name, err)
		}
		if old := next[name]; old == nil || string(old.Data) != string(b) {
			next[name] = &fstest.MapFile{Data: b}
			fetched = append(fetched, name)
		}
	}
	for _, name := range []string{"time", "status", "trust", "catalogue", "1.root"} {
		fetch(name)
	}
	o := trust.Options{Second: second.Opinion{}, Now: m.clock.now}
	missing, err := trust.Missing(next, o)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, f := range missing {
		fetch(trust.SetName(f.SM3))
	}
	c, err := trust.Load(next, o)
	if err != nil {
		m.t.Fatal(err)
	}
	base, err := c.Base()
	if err != nil {
		m.t.Fatal(err)
	}
	for name := range next {
		if strings.HasPrefix(name, "set/") {
			delete(next, name)
		}
	}
	next[trust.BaseName] = &fstest.MapFile{Data: base}
	m.files = next
	return fetched, c
}

// TestAway publishes for forty days and lets terminals be away for as long as they
// like: whoever is back within 30 days fetches four files, unless there is a new trust
// list.
func TestAway(t *testing.T) {
	t.Parallel()
	c := &clock{at: noon()}
	f := officetest.At(t, c.now)
	var licences []licence.Record
	for _, category := range []string{"004", "007", "018", "029", "050", "066", "072", "100", "110", "121", "153", "195"} {
		licences = append(licences, f.Issue(t, category))
	}
	r := rand.New(rand.NewPCG(1, 40))
	change := func() {
		t.Helper()
		l := licences[r.IntN(len(licences))].Licence.Identifier
		now, err := f.Office.Licence(ctx, "test", l)
		if err != nil {
			t.Fatal(err)
		}
		step := licence.Suspend
		switch {
		case now.State == licence.Suspended:
			step = licence.Resume
		case now.State == licence.Revoked:
			return
		case r.IntN(20) == 0:
			step = licence.Revoke
		}
		if _, err := f.Office.Step(ctx, "test", l, step, "x"); err != nil {
			t.Fatal(err)
		}
	}
	publish := func() {
		t.Helper()
		if _, err := f.Office.Publish(ctx, "test"); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	away := map[string]*fetching{}
	for _, name := range []string{"always", "hour", "day", "week", "twenty days"} {
		away[name] = &fetching{t, f, c, make(fstest.MapFS)}
		away[name].update()
	}
	last := make(map[string]time.Time)
	for name := range away {
		last[name] = c.now()
	}
	spans := map[string]time.Duration{"always": 0, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "twenty days": 20 * 24 * time.Hour}
	for c.now().Before(noon().Add(40 * 24 * time.Hour)) {
		// Bursts at short distances, quiet hours, and whole days without a service.
		switch r.IntN(20) {
		case 0:
			c.at = c.at.Add(time.Duration(r.IntN(30)) * time.Hour)
		case 1, 2, 3, 4, 5:
			c.at = c.at.Add(time.Duration(1+r.IntN(20)) * time.Second)
		default:
			c.at = c.at.Add(time.Duration(r.IntN(600)) * time.Minute)
		}
		for range r.IntN(3) {
			change()
		}
		publish()
		for name, m := range away {
			if c.now().Sub(last[name]) < spans[name] {
				continue
			}
			last[name] = c.now()
			fetched, cache := m.update()
			if len(fetched) > 4 {
				t.Errorf("away for more than %v: fetches %v", spans[name], fetched)
			}
			for _, l := range licences {
				now, err := f.Office.Licence(ctx, "test", l.Licence.Identifier)
				if err != nil {
					t.Fatal(err)
				}
				set, ok := cache.Set(l.Licence.Status.List)
				index := l.Licence.Status.Index
				if !ok || set.Revoked.Has(index) != (now.State == licence.Revoked) || set.Suspended.Has(index) != (now.State == licence.Suspended) {
					t.Fatalf("licence %s is %s, the terminal that was away for %v says otherwise", l.Licence.Identifier, now.State, spans[name])
				}
			}
		}
	}
	// A new terminal, and one that has only the state of the beginning.
	fresh := &fetching{t, f, c, make(fstest.MapFS)}
	if fetched, _ := fresh.update(); len(fetched) > 8 {
		t.Errorf("a new terminal fetches %v", fetched)
	}
	_, cache := fresh.update()
	if n := len(cache.Status.Files); n > 1+len(status.Spans()) {
		t.Errorf("the status file names %d files", n)
	}
	kept := 0
	err := f.Office.KeptTrust(ctx, func(string) { kept++ })
	if err != nil || kept > 200 {
		t.Errorf("the service keeps %d files, %v", kept, err)
	}
}
