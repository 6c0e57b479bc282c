//go:build unix

package mirror

import (
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/qr/trust"
)

// TestHostileFiles: what a source has is refused by the rule that it breaks, and the
// cache in force stays, byte for byte.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	first := p.Files(t)
	second := p.publish(t, time.Hour, 3)
	h.run(t, Updated, folder(t, second))
	third := p.publish(t, time.Hour, 4)
	set := setName(t, third)
	flipped := func(name string) []byte {
		b := []byte(string(third[name].Data))
		b[len(b)/2] ^= 1
		return b
	}
	stranger := newProvince(t)
	stranger.now = p.now
	foreign := stranger.publish(t, time.Hour, 4)
	// Signed with the right key, and wrong.
	unsaid := p.Set.Revoked
	p.Set.Revoked.Clear(3)
	unrevoked := p.publish(t, 0, 5)
	p.Set.Revoked = unsaid
	p.Time.Version -= 3
	p.Domain.Status.Version -= 3
	fork := p.publish(t, time.Minute, 6)

	for _, test := range []struct {
		name  string
		files fstest.MapFS
		rule  Rule
	}{
		{"empty", fstest.MapFS{}, RuleUnreachable},
		{"rolled back", first, RuleRollback},
		{"time rolled back", with(third, map[string][]byte{"time": first["time"].Data}), RuleRollback},
		{"another file of the version", with(fork, nil), RuleFork},
		{"time damaged", with(third, map[string][]byte{"time": flipped("time")}), RuleSignature},
		{"time cut off", with(third, map[string][]byte{"time": third["time"].Data[:100]}), RuleMalformed},
		{"no time at all", with(third, map[string][]byte{"time": {}}), RuleMalformed},
		{"status damaged", with(third, map[string][]byte{"status": flipped("status")}), RuleMismatch},
		{"status rolled back", with(third, map[string][]byte{"status": second["status"].Data}), RuleMismatch},
		{"status missing", with(third, map[string][]byte{"status": nil}), RuleMissing},
		{"half a set", with(third, map[string][]byte{set: third[set].Data[:len(third[set].Data)/2]}), RuleUnreachable},
		{"set damaged", with(third, map[string][]byte{set: flipped(set)}), RuleMismatch},
		{"set too long", with(third, map[string][]byte{set: append([]byte(nil), append(third[set].Data, 0)...)}), RuleSize},
		{"set missing", with(third, map[string][]byte{set: nil}), RuleMissing},
		{"time too large", with(third, map[string][]byte{"time": make([]byte, 16<<10+1)}), RuleSize},
		{"status too large", with(third, map[string][]byte{"status": make([]byte, 4<<20+1)}), RuleSize},
		{"root too large", with(third, map[string][]byte{"2.root": make([]byte, 64<<10+1)}), RuleSize},
		{"root of a stranger", with(third, map[string][]byte{"2.root": foreign["1.root"].Data}), RuleMalformed},
		{"a stranger's files", foreign, RuleSignature},
		{"a revocation is taken back", unrevoked, RuleUnrevoked},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, source := range []Source{folder(t, test.files), serve(t, test.files).source(t)} {
				h.refuses(t, test.rule, source)
			}
		})
	}
	if v := h.version(t); v != 2 {
		t.Errorf("the cache has version %d", v)
	}
	h.run(t, Updated, folder(t, third))
}

// TestStrangersRoot: another domain's files do not fill an empty cache.
func TestStrangersRoot(t *testing.T) {
	t.Parallel()
	h := newHall(t, newProvince(t))
	h.refuses(t, RulePin, folder(t, newProvince(t).Files(t)))
	if _, err := os.Stat(h.cache); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a cache: %v", err)
	}
}

// TestHostileServer: an answer that does not end, does not begin, lies about its length,
// leads elsewhere or is compressed costs little and changes nothing.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	first := p.Files(t)
	next := p.publish(t, time.Hour, 3)
	elsewhere := serve(t, next)
	forever := func(w http.ResponseWriter, r *http.Request, each time.Duration, b []byte) {
		for r.Context().Err() == nil {
			_, _ = w.Write(b)
			w.(http.Flusher).Flush()
			time.Sleep(each)
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		rule   Rule // unreachable: within little time
	}{
		{"slow", func(w http.ResponseWriter, r *http.Request) { forever(w, r, 100*time.Millisecond, []byte{0}) }, RuleUnreachable},
		{"silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, RuleUnreachable},
		{"silent after its head", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, RuleUnreachable},
		{"endless", func(w http.ResponseWriter, r *http.Request) { forever(w, r, 0, make([]byte, 32<<10)) }, RuleSize},
		{"a length of a terabyte", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1099511627776") }, RuleSize},
		{"more than it sends", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("short"))
		}, RuleUnreachable},
		{"a head without end", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, RuleUnreachable},
		{"compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		}, RuleAnswer},
		{"redirected elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
		}, RuleAnswer},
		{"redirected to another scheme", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, RuleAnswer},
		{"redirected in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, RuleAnswer},
		{"broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, RuleUnreachable},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, RuleUnreachable},
		{"an unasked part", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 7-9/10")
			w.WriteHeader(http.StatusPartialContent)
		}, RuleUnreachable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{"time", "status"} {
				h := newHall(t, p)
				h.run(t, Updated, folder(t, first))
				s := serve(t, next)
				s.spoil = func(name string, w http.ResponseWriter, r *http.Request) bool {
					if name == file {
						test.answer(w, r)
					}
					return name == file
				}
				limits := Limits{}
				if test.rule == RuleUnreachable {
					limits = Limits{Silence: 300 * time.Millisecond, File: time.Second}
				}
				source, err := NewHTTP(s.URL, nil, limits)
				if err != nil {
					t.Fatal(err)
				}
				h.refuses(t, test.rule, source)
			}
		})
	}
	if asked := elsewhere.take(); len(asked) > 0 {
		t.Errorf("the other server was asked for %q", asked)
	}
}

// TestRedirectOnServer: a server may have moved its files.
func TestRedirectOnServer(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	s := serve(t, p.Files(t))
	s.spoil = func(name string, w http.ResponseWriter, r *http.Request) bool {
		old, moved := strings.CutPrefix(r.URL.Path, "/old/")
		if moved {
			http.Redirect(w, r, "/trust/"+old, http.StatusMovedPermanently)
		}
		return moved
	}
	source, err := NewHTTP(s.URL+"/old", nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	h.run(t, Updated, source)
}

// TestPartsOfAnother: a server that continues where it was not asked to, or says that
// there is nothing left, is asked for the whole file.
func TestPartsOfAnother(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	files := p.Files(t)
	name := setName(t, files)
	for i, answer := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/10")
			w.WriteHeader(http.StatusPartialContent)
		},
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestedRangeNotSatisfiable) },
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) },
	} {
		h := newHall(t, p)
		parts := filepath.Join(filepath.Dir(h.cache), ".hallsync-trust", "parts", "own")
		if err := errors.Join(os.MkdirAll(parts, 0o700), os.WriteFile(filepath.Join(parts, filepath.Base(name)+".part"), files[name].Data[:3], 0o600)); err != nil {
			t.Fatal(err)
		}
		s := serve(t, files)
		s.spoil = func(asked string, w http.ResponseWriter, r *http.Request) bool {
			if asked != name || r.Header.Get("Range") == "" {
				return false
			}
			answer(w, r)
			return true
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) { h.run(t, Updated, s.source(t)) })
	}
}

// TestStick: a folder's links, pipes and folders in the place of files are refused, what
// else lies there does not matter, and nothing is written.
func TestStick(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	files := p.Files(t)
	set := filepath.FromSlash(setName(t, files))
	secret := filepath.Join(t.TempDir(), "secret")
	for _, test := range []struct {
		name  string
		spoil func(dir string) error
		rule  Rule
	}{
		{"a link to a file elsewhere", func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "time"), secret), os.Symlink(secret, filepath.Join(dir, "time")))
		}, RuleAnswer},
		{"a link to a file beside it", func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "status"), filepath.Join(dir, "s")), os.Symlink("s", filepath.Join(dir, "status")))
		}, RuleAnswer},
		{"a link to a folder", func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "set"), filepath.Join(dir, "sets")), os.Symlink("sets", filepath.Join(dir, "set")))
		}, RuleAnswer},
		{"a pipe", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "trust")), syscall.Mkfifo(filepath.Join(dir, "trust"), 0o600))
		}, RuleAnswer},
		{"a folder", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, set)), os.Mkdir(filepath.Join(dir, set), 0o700))
		}, RuleAnswer},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHall(t, p)
			source := folder(t, files)
			if err := test.spoil(string(source)); err != nil {
				t.Fatal(err)
			}
			h.refuses(t, test.rule, source)
		})
	}
	source := folder(t, files)
	if err := errors.Join(os.Mkdir(filepath.Join(string(source), "System Volume Information"), 0o700),
		os.WriteFile(filepath.Join(string(source), "set", "..%2f..%2fx"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	h, before := newHall(t, p), snapshot(t, string(source))
	h.run(t, Updated, source)
	if !maps.Equal(before, snapshot(t, string(source))) {
		t.Error("something was written to the stick")
	}
	if entries, err := os.ReadDir(filepath.Join(h.cache, "set")); err != nil || len(entries) != 1 {
		t.Errorf("%d set files, %v", len(entries), err)
	}
}

// TestClock: a clock behind the signed time takes nothing, and neither does one that is
// past the expiry; with the right one it goes on.
func TestClock(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	h.run(t, Updated, folder(t, p.Files(t)))
	next := p.publish(t, time.Hour, 2)
	right := p.now
	p.now = right.Add(-20 * time.Minute)
	h.refuses(t, RuleClock, folder(t, next))
	p.now = right.AddDate(1, 0, 0)
	h.refuses(t, RuleExpired, folder(t, next))
	p.now = right
	h.run(t, Updated, folder(t, next))
	// Set back behind what was seen: not even what is in force is confirmed.
	p.now = begin
	h.refuses(t, RuleClock, folder(t, next))
}

// TestStateOutlivesCache: who removes the cache, or puts an old one there, does not get
// an old one taken.
func TestStateOutlivesCache(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	h := newHall(t, p)
	old := p.Files(t)
	next := p.publish(t, time.Hour, 2)
	h.run(t, Updated, folder(t, next))
	if err := os.RemoveAll(h.cache); err != nil {
		t.Fatal(err)
	}
	h.refuses(t, RuleRollback, folder(t, old))
	if err := os.CopyFS(h.cache, old); err != nil {
		t.Fatal(err)
	}
	h.refuses(t, RuleRollback, folder(t, old))
	h.run(t, Updated, folder(t, next))
	// Without a state folder what was seen is remembered beside the cache.
	h.state = ""
	h.run(t, Current, folder(t, next))
	if err := os.RemoveAll(h.cache); err != nil {
		t.Fatal(err)
	}
	h.refuses(t, RuleRollback, folder(t, old))
}

// TestAddresses: what is taken as an address.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://licence.example.gov.cn":    "https://licence.example.gov.cn/trust",
		"http://10.0.0.1:8080/":             "http://10.0.0.1:8080/trust",
		"http://mirror.example/elicence/a/": "http://mirror.example/elicence/a",
		"ftp://mirror.example/":             "",
		"http://":                           "",
		"http://user:secret@mirror.example": "",
		"http://mirror.example/?token=1":    "",
		"http://mirror.example/#x":          "",
		"mirror.example":                    "",
	} {
		h, err := NewHTTP(address, nil, Limits{})
		switch {
		case want == "" && err == nil:
			t.Errorf("%s is taken as %s", address, h)
		case want != "" && (err != nil || h.String() != want):
			t.Errorf("%s is taken as %v, %v; want %s", address, h, err, want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error has the password: %v", address, err)
		}
	}
}

// TestMaxSizes: the limits are those of the format.
func TestMaxSizes(t *testing.T) {
	t.Parallel()
	for role, want := range map[trust.Role]int64{trust.RoleRoot: 64 << 10, trust.RoleTrust: 4 << 20, trust.RoleTime: 16 << 10} {
		if got := trust.MaxSize(role); got != want {
			t.Errorf("%s: %d, want %d", role, got, want)
		}
	}
}
