package trust_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// provinceFolder is a cache of 130 million indices, 1 % revoked, as a folder, and the
// same after a day's 13,000 changes.
func provinceFolder(b *testing.B) (before, after string) {
	b.Helper()
	d := trusttest.New(b, now)
	state := &status.State{Sequence: 1}
	r := rand.New(rand.NewPCG(1, 130))
	for left := 130_000_000; left > 0; left -= status.ListSize {
		s := &status.Set{List: uint32(len(state.Sets) + 1), High: uint32(min(left, status.ListSize))}
		for range s.High / 100 {
			s.Revoked.Set(r.Uint32N(s.High))
		}
		state.Sets = append(state.Sets, s)
	}
	write := func() string {
		dir := b.TempDir()
		for name, f := range d.Files(b) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		return dir
	}
	d.Describe(b, state)
	before = write()
	snapshot := d.Status.Files[0]
	file := d.Sets[trust.SetName(snapshot.SM3)]
	next := state.Share()
	next.Sequence = 2
	for range 13_000 {
		s := next.Own(1 + r.Uint32N(uint32(len(next.Sets))))
		s.Revoked.Set(r.Uint32N(s.High))
	}
	changes, err := next.Since(state)
	if err != nil {
		b.Fatal(err)
	}
	delta, err := next.Delta(changes, 1)
	if err != nil {
		b.Fatal(err)
	}
	d.Describe(b, next)
	d.Sets = map[string][]byte{trust.SetName(snapshot.SM3): file}
	d.Status.Files = []trust.SetFile{snapshot, d.AddSet(1, 2, delta)}
	d.Status.Version, d.Time.Version = 2, 2
	return before, write()
}

// BenchmarkProvinceLoad is a terminal's start and its update while the old cache is in
// force, and the memory that they take at most.
func BenchmarkProvinceLoad(b *testing.B) {
	before, after := provinceFolder(b)
	load := func(dir string, previous *trust.Cache) *trust.Cache {
		c, err := trust.Load(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: func() time.Time { return now }, Previous: previous})
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	held := func(b *testing.B, kept ...*trust.Cache) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-held")
		runtime.KeepAlive(kept)
	}
	b.Run("start", func(b *testing.B) {
		var c *trust.Cache
		for b.Loop() {
			c = load(before, nil)
		}
		held(b, c)
	})
	b.Run("update", func(b *testing.B) {
		old := load(before, nil)
		var c *trust.Cache
		for b.Loop() {
			c = load(after, old)
		}
		held(b, old, c)
	})
}
