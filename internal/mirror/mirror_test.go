package mirror

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

var begin = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// province is a domain that publishes, and the terminal's clock.
type province struct {
	*trusttest.Domain
	now  time.Time
	kept map[trust.Role][]byte // trust and catalogue stay as they were signed
}

func newProvince(t *testing.T) *province {
	t.Helper()
	return &province{Domain: trusttest.New(t, begin), now: begin}
}

// Files signs what has changed.
func (p *province) Files(t *testing.T) fstest.MapFS {
	t.Helper()
	files := p.Domain.Files(t)
	if p.kept == nil {
		p.kept = map[trust.Role][]byte{trust.RoleTrust: files["trust"].Data, trust.RoleCatalogue: files["catalogue"].Data}
		return files
	}
	for role, signed := range p.kept {
		files[string(role)] = &fstest.MapFile{Data: signed}
	}
	p.Time.Trust.SM3, p.Time.Catalogue.SM3 = sm3.Sum(p.kept[trust.RoleTrust]), sm3.Sum(p.kept[trust.RoleCatalogue])
	files["time"] = &fstest.MapFile{Data: p.Sign(t, trust.RoleTime, p.Time)}
	return files
}

// publish revokes a licence some time later and signs new files.
func (p *province) publish(t *testing.T, after time.Duration, index uint32) fstest.MapFS {
	t.Helper()
	p.now = p.now.Add(after)
	p.Set.Revoked.Set(index)
	p.Domain.Status.Lists, p.Sets = nil, make(map[string][]byte)
	p.Domain.Status.Version++
	p.Time.Version++
	p.Domain.Status.Issued, p.Time.Issued = p.now.Unix(), p.now.Unix()
	return p.Files(t)
}

// strew revokes many licences at random, so that the set file has some size.
func strew(p *province, n int) {
	p.Set.High = 1 << 20
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		p.Set.Revoked.Set(random.Uint32N(1 << 20))
	}
}

// hall is a terminal's disk.
type hall struct {
	*province
	cache, state string
	pin          *[sm3.Size]byte
}

func newHall(t *testing.T, p *province) *hall {
	t.Helper()
	pin := sm3.Sum(p.Files(t)["1.root"].Data)
	dir := t.TempDir()
	return &hall{p, filepath.Join(dir, "trust"), filepath.Join(dir, "state"), &pin}
}

func (h *hall) options(sources ...Source) Options {
	return Options{Cache: h.cache, Sources: sources, Pin: h.pin, State: h.state, Second: second.Opinion{}, Now: func() time.Time { return h.now }}
}

func (h *hall) run(t *testing.T, want Outcome, sources ...Source) Result {
	t.Helper()
	r := Run(t.Context(), h.options(sources...))
	if r.Outcome != want {
		t.Fatalf("outcome %s, want %s: %+v", r.Outcome, want, r.Problems)
	}
	return r
}

// refuses wants a run to end with a rule, and the cache to be as it was.
func (h *hall) refuses(t *testing.T, rule Rule, s Source) Result {
	t.Helper()
	before := snapshot(t, h.cache)
	r := Run(t.Context(), h.options(s))
	if len(r.Problems) == 0 || r.Problems[0].Rule != rule || r.Outcome != rule.outcome() {
		t.Errorf("outcome %s of %+v, want rule %s", r.Outcome, r.Problems, rule)
	}
	if after := snapshot(t, h.cache); !maps.Equal(before, after) {
		t.Error("the cache in force has changed")
	}
	return r
}

// version loads the cache as a terminal does and returns the version of its time file.
func (h *hall) version(t *testing.T) uint64 {
	t.Helper()
	c, err := trust.Load(os.DirFS(h.cache), trust.Options{Pin: h.pin, Second: second.Opinion{}, Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatalf("the cache in force: %v", err)
	}
	return c.Time.Version
}

// snapshot is the content of a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// with returns files with some of them replaced; nil takes one away.
func with(files fstest.MapFS, others map[string][]byte) fstest.MapFS {
	files = maps.Clone(files)
	for name, b := range others {
		files[name] = &fstest.MapFile{Data: b}
		if b == nil {
			delete(files, name)
		}
	}
	return files
}

func setName(t *testing.T, files fstest.MapFS) string {
	t.Helper()
	for name := range files {
		if strings.HasPrefix(name, "set/") {
			return name
		}
	}
	t.Fatal("there is no set file")
	return ""
}

// folder writes files into a folder, as an export does.
func folder(t *testing.T, files fstest.MapFS) Folder {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return Folder(dir)
}

// server serves files with validators, and records what is asked.
type server struct {
	mu    sync.Mutex
	files fstest.MapFS
	asked []string // "name status bytes"
	spoil func(name string, w http.ResponseWriter, r *http.Request) bool
	*httptest.Server
}

func serve(t *testing.T, files fstest.MapFS) *server {
	t.Helper()
	s := &server{files: files}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/trust/")
	if s.spoil != nil && s.spoil(name, w, r) {
		return
	}
	counted := &counter{ResponseWriter: w, status: http.StatusOK}
	defer func() { s.asked = append(s.asked, fmt.Sprintf("%s %d %d", name, counted.status, counted.bytes)) }()
	file := s.files[name]
	if file == nil {
		http.NotFound(counted, r)
		return
	}
	sum := sm3.Sum(file.Data)
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sum[:8]))
	http.ServeContent(counted, r, "", time.Time{}, bytes.NewReader(file.Data))
}

type counter struct {
	http.ResponseWriter
	status, bytes int
}

func (c *counter) WriteHeader(status int) { c.status = status; c.ResponseWriter.WriteHeader(status) }

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes += n
	return n, err
}

// source is the server as a source.
func (s *server) source(t *testing.T) *HTTP {
	t.Helper()
	h, err := NewHTTP(s.URL, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// take forgets what was asked and returns it.
func (s *server) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *server) serves(files fstest.MapFS) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = files
}

func TestFill(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	files := p.Files(t)
	for name, source := range map[string]Source{"folder": folder(t, files), "server": serve(t, files).source(t)} {
		h := newHall(t, p)
		r := h.run(t, Updated, source)
		if v := h.version(t); v != 1 || r.TimeVersion != 1 || !r.Pinned || r.Files != 6 || len(r.Changed) != 6 {
			t.Errorf("%s: version %d in the cache, result %+v", name, v, r)
		}
		for _, e := range []string{"time", "set"} {
			info, err := os.Stat(filepath.Join(h.cache, e))
			if err != nil || info.Mode().Perm()&0o044 != 0o044 {
				t.Errorf("%s: %s has mode %v, %v: terminals run as somebody else", name, e, info.Mode(), err)
			}
		}
		if r := h.run(t, Current, source); r.Bytes > 4096 || len(r.Changed) != 0 {
			t.Errorf("%s: nothing new, but %+v", name, r)
		}
	}
}

// TestEmptyNeedsPin: nothing says whose an empty folder is to be.
func TestEmptyNeedsPin(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	h.pin = nil
	source := folder(t, p.Files(t))
	h.refuses(t, RuleUnpinned, source)
	if err := os.CopyFS(h.cache, os.DirFS(string(source))); err != nil {
		t.Fatal(err)
	}
	// The cache that is there is the pin.
	if r := h.run(t, Updated, folder(t, p.publish(t, time.Hour, 5))); r.Pinned {
		t.Error("a cache without a pin says that it is pinned")
	}
	stranger := newProvince(t)
	stranger.Root.Version = 1
	stranger.now = p.now
	h.refuses(t, RuleSignature, folder(t, stranger.publish(t, time.Hour, 5)))
}

// TestLeast: what is there already is not fetched again, and the server is told what is
// known.
func TestLeast(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	s := serve(t, p.Files(t))
	h.run(t, Updated, s.source(t))
	s.take()
	h.run(t, Current, s.source(t))
	if asked := s.take(); len(asked) != 1 || asked[0] != "time 304 0" {
		t.Errorf("nothing is new, and asked was %q", asked)
	}
	s.serves(p.publish(t, time.Hour, 7))
	r := h.run(t, Updated, s.source(t))
	var fetched []string
	for _, a := range s.take() {
		if name, status, _ := strings.Cut(a, " "); strings.HasPrefix(status, "200") {
			fetched = append(fetched, name)
		}
	}
	if len(fetched) != 3 || fetched[0] != "time" || fetched[1] != "status" || !strings.HasPrefix(fetched[2], "set/") {
		t.Errorf("fetched %q, want time, status and a set file", fetched)
	}
	if !slices.Equal(slices.Sorted(slices.Values(fetched)), slices.Sorted(slices.Values(r.Changed))) || r.Files != 3 {
		t.Errorf("changed %q, %d files; fetched %q", r.Changed, r.Files, fetched)
	}
	// The set file of before is not kept.
	entries, err := os.ReadDir(filepath.Join(h.cache, "set"))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d set files in the cache, %v", len(entries), err)
	}
}

// TestResume: what has come of a set file is not fetched again, from another source
// either, and bytes of somebody else do no harm.
func TestResume(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	strew(p, 10_000)
	files := p.Files(t)
	var name string
	for n := range files {
		if strings.HasPrefix(n, "set/") {
			name = n
		}
	}
	whole := files[name].Data
	half := len(whole) / 2
	broken := serve(t, files)
	broken.spoil = func(asked string, w http.ResponseWriter, _ *http.Request) bool {
		if asked != name {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		_, _ = w.Write(whole[:half])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for _, test := range []struct {
		name  string
		begun []byte // what lies in parts instead; nil: what has come
		want  []string
	}{
		{"half", nil, []string{fmt.Sprintf("%s 206 %d", name, len(whole)-half)}},
		{"somebody else's bytes", bytes.Repeat([]byte{1}, half), []string{fmt.Sprintf("%s 206 %d", name, len(whole)-half), fmt.Sprintf("%s 200 %d", name, len(whole))}},
		{"too long", bytes.Repeat([]byte{1}, 2*len(whole)), []string{fmt.Sprintf("%s 200 %d", name, len(whole))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHall(t, p)
			h.refuses(t, RuleUnreachable, broken.source(t))
			part := filepath.Join(filepath.Dir(h.cache), ".hallsync-trust", "parts", "own", filepath.Base(name)+".part")
			if b, err := os.ReadFile(part); err != nil || !bytes.Equal(b, whole[:half]) {
				t.Fatalf("%d bytes are kept of what has come, %v; want %d", len(b), err, half)
			}
			if test.begun != nil {
				if err := os.WriteFile(part, test.begun, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			good := serve(t, files)
			h.run(t, Updated, good.source(t))
			asked := slices.DeleteFunc(good.take(), func(a string) bool { return !strings.HasPrefix(a, "set/") })
			if !slices.Equal(asked, test.want) {
				t.Errorf("asked %q, want %q", asked, test.want)
			}
			if left, err := os.ReadDir(filepath.Dir(part)); err != nil || len(left) != 0 {
				t.Errorf("%d files are left of fetching, %v", len(left), err)
			}
		})
	}
}

// TestSeveral: the first source with something newer wins; one that is away, hostile or
// frozen does not hinder the next.
func TestSeveral(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	old := p.Files(t)
	h.run(t, Updated, folder(t, old))
	newer := p.publish(t, 10*time.Minute, 3)
	newest := p.publish(t, 10*time.Minute, 4)
	frozen, away := folder(t, old), Folder(filepath.Join(t.TempDir(), "no stick"))
	hostile := maps.Clone(newest)
	hostile["status"] = &fstest.MapFile{Data: []byte("x")}
	p.now = begin.Add(20 * time.Minute)
	if r := h.run(t, Current, frozen, folder(t, newer)); r.From != frozen.String() {
		t.Errorf("with data of %d s the result is of %s", r.AgeSeconds, r.From)
	}
	p.now = begin.Add(fresh)
	r := h.run(t, Updated, away, folder(t, hostile), frozen, folder(t, newer), folder(t, newest))
	if v := h.version(t); v != 2 || !slices.Equal(rules(r), []Rule{RuleUnreachable, RuleMismatch, RuleFrozen}) {
		t.Errorf("version %d, problems %+v", v, r.Problems)
	}
	// One that is away and one that is refused: the refusal is told.
	h.run(t, Refused, away, folder(t, hostile))
	h.run(t, Unreachable, away)
	// A source that is sound and current counts for more than one that is not.
	h.run(t, Current, folder(t, hostile), folder(t, newer))
}

// rules are those of a run's problems.
func rules(r Result) []Rule {
	var all []Rule
	for _, p := range r.Problems {
		all = append(all, p.Rule)
	}
	return all
}

// TestPlainServer: a web server that knows no more than files and their dates will do.
func TestPlainServer(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	dir := string(folder(t, p.Files(t)))
	plain := httptest.NewServer(http.StripPrefix("/licences/", http.FileServer(http.Dir(dir))))
	t.Cleanup(plain.Close)
	source, err := NewHTTP(plain.URL+"/licences/", nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	h.run(t, Updated, source)
	if r := h.run(t, Current, source); r.Bytes != 0 {
		t.Errorf("nothing new, and %d bytes fetched", r.Bytes)
	}
	for name, f := range p.publish(t, time.Hour, 3) {
		path := filepath.Join(dir, name)
		at := time.Now().Add(time.Minute) // another second, as an hour later
		if err := errors.Join(os.WriteFile(path, f.Data, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	h.run(t, Updated, source)
	if v := h.version(t); v != 2 {
		t.Errorf("version %d", v)
	}
}

// TestRotation: the chain of roots is followed.
func TestRotation(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	first := p.Files(t)
	h.run(t, Updated, folder(t, first))
	rotated := rotate(t, p, first)
	if r := h.run(t, Updated, folder(t, rotated)); !slices.Contains(r.Changed, "2.root") || slices.Contains(r.Changed, "1.root") {
		t.Errorf("changed %q", r.Changed)
	}
	h.version(t)
	// A new terminal with the pin of long ago comes as far.
	h2 := &hall{p, filepath.Join(t.TempDir(), "trust"), t.TempDir(), h.pin}
	h2.run(t, Updated, folder(t, rotated))
	h2.version(t)
	// A root that nobody before has signed leads nowhere.
	stranger := newProvince(t)
	stranger.Root.Version = 3
	stranger.now = p.now
	forged := stranger.publish(t, time.Hour, 1)
	for _, name := range []string{"1.root", "2.root"} {
		forged[name] = rotated[name]
	}
	h.refuses(t, RuleSignature, folder(t, forged))
}

// rotate gives a province new keys for everything but its first root, some time later.
func rotate(t *testing.T, p *province, before fstest.MapFS) fstest.MapFS {
	t.Helper()
	other := newProvince(t)
	old := p.Keys[trust.RoleRoot]
	p.kept = nil
	p.Root.Version++
	p.Root.Issued = p.now.Unix()
	for i, role := range trust.Roles() {
		p.Keys[role] = other.Keys[role]
		p.Root.Roles[i].Points = other.Root.Roles[i].Points
	}
	files := p.publish(t, time.Hour, 9)
	signed, err := trust.Sign(trust.RoleRoot, p.Root, second.Opinion{}, old, p.Keys[trust.RoleRoot])
	if err != nil {
		t.Fatal(err)
	}
	files["2.root"] = &fstest.MapFile{Data: signed}
	files["1.root"] = before["1.root"]
	return files
}

// TestOneAtATime: of two at once one works, the other says so, and nothing is lost.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	source := folder(t, p.Files(t))
	o := h.options(source)
	var within Result
	o.step = func(step string) {
		if step == "verified" {
			within = Run(t.Context(), h.options(source))
		}
	}
	if r := Run(t.Context(), o); r.Outcome != Updated {
		t.Errorf("the first: %+v", r)
	}
	if within.Outcome != Failed || len(within.Problems) != 1 || !strings.Contains(within.Problems[0].Error, "in use") {
		t.Errorf("the second: %+v", within)
	}
	h.version(t)
}

// TestForeignFolder: a folder that holds something else is not moved away.
func TestForeignFolder(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	if err := errors.Join(os.Mkdir(h.cache, 0o755), os.WriteFile(filepath.Join(h.cache, "thesis.doc"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	h.refuses(t, RuleLocal, folder(t, p.Files(t)))
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Run(ctx, h.options(serve(t, p.Files(t)).source(t)))
	if r.Outcome != Failed || r.Problems[0].Rule != RuleInterrupted {
		t.Errorf("%+v", r)
	}
}

// TestTLS: the server is verified, by the system's roots or by those that are given.
func TestTLS(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	s := serve(t, p.Files(t))
	over := httptest.NewUnstartedServer(s)
	over.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	over.StartTLS()
	t.Cleanup(over.Close)
	ours := x509.NewCertPool()
	ours.AddCert(over.Certificate())
	for name, test := range map[string]struct {
		roots *x509.CertPool
		want  Outcome
	}{"ours": {ours, Updated}, "the system's": {nil, Unreachable}, "another's": {x509.NewCertPool(), Unreachable}} {
		source, err := NewHTTP(over.URL, test.roots, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if r := Run(t.Context(), newHall(t, p).options(source)); r.Outcome != test.want {
			t.Errorf("with the roots of %s: %+v", name, r)
		}
	}
}
