//go:build unix

package mirror

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

// TestMain lets this program be the process that is killed: with its orders in the
// environment it is one run of a mirror.
func TestMain(m *testing.M) {
	if orders := os.Getenv("MIRROR_TEST_CHILD"); orders != "" {
		os.Exit(child(orders))
	}
	os.Exit(m.Run())
}

// order is what a child has to do.
type order struct {
	Cache, State, Pin, From string
	Now                     time.Time
	KillAt                  int    // step at which it is killed; 0: never
	FileLimit               uint64 // bytes that a file may have, as on a full disk; 0: no limit
}

func child(orders string) int {
	var o order
	if err := json.Unmarshal([]byte(orders), &o); err != nil {
		return 99
	}
	if o.FileLimit > 0 {
		// Without a handler the signal ends the process, where a full disk gives an error.
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: o.FileLimit, Max: o.FileLimit}); err != nil {
			return 99
		}
	}
	pin, err := trust.ParsePin(o.Pin)
	if err != nil {
		return 99
	}
	steps := 0
	r := Run(context.Background(), Options{
		Cache: o.Cache, Sources: []Source{Folder(o.From)}, Pin: pin, State: o.State, Second: second.Opinion{},
		Now: func() time.Time { return o.Now },
		step: func(string) {
			if steps++; steps == o.KillAt {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		},
	})
	fmt.Printf("%s %d %+v\n", r.Outcome, steps, r.Problems)
	return 0
}

// start runs a child and returns what it prints, and whether it was killed.
func start(t *testing.T, o order) (string, bool) {
	t.Helper()
	orders, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MIRROR_TEST_CHILD="+string(orders))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return string(out), true
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out), false
}

func (h *hall) order(from Folder) order {
	return order{Cache: h.cache, State: h.state, Pin: hex.EncodeToString(h.pin[:]), From: string(from), Now: h.now}
}

// TestKilled kills a run at every step, while a reader reads the cache all the time. The
// reader sees the cache before or the one after and never anything else, and so does
// whoever looks after the kill; the next run ends the work.
func TestKilled(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	old := p.Files(t)
	next := folder(t, p.publish(t, time.Hour, 3))
	h := newHall(t, p)
	h.run(t, Updated, folder(t, old))

	stop, failed := readAllTheTime(t, h)
	for step := 1; ; step++ {
		// A new start for every step.
		h := &hall{h.province, filepath.Join(filepath.Dir(h.cache), fmt.Sprint("trust", step)), t.TempDir(), h.pin}
		if err := os.CopyFS(h.cache, old); err != nil {
			t.Fatal(err)
		}
		o := h.order(next)
		o.KillAt = step
		out, killed := start(t, o)
		if v := h.version(t); v != 1 && v != 2 {
			t.Errorf("killed at step %d: the cache has version %d", step, v)
		}
		if !killed {
			if step < 10 || !strings.HasPrefix(out, string(Updated)) {
				t.Errorf("after %d kills: %s", step-1, out)
			}
			break
		}
		o.KillAt = 0
		out, _ = start(t, o)
		if v := h.version(t); v != 2 || !strings.HasPrefix(out, string(Updated)) && !strings.HasPrefix(out, string(Current)) {
			t.Errorf("after the kill at step %d: version %d, %s", step, v, out)
		}
		if left := halfMade(t, h.cache); left != "" {
			t.Errorf("after the kill at step %d: %s is left", step, left)
		}
	}
	// The same in the reader's own cache, to and fro between kills and whole runs.
	from := next
	for step := 1; step < 14; step++ {
		o := h.order(from)
		o.KillAt = step
		o.Now = h.now
		start(t, o)
		o.KillAt = 0
		start(t, o)
		from = folder(t, h.publish(t, time.Minute, uint32(10+step)))
	}
	if seen := stop(); seen < 10 {
		t.Errorf("the reader has read %d times only", seen)
	}
	if err := failed(); err != nil {
		t.Errorf("the reader: %v", err)
	}
}

// readAllTheTime reads a cache until it is told to stop, as hallscan does: through a
// folder that is held open.
func readAllTheTime(t *testing.T, h *hall) (stop func() int, failed func() error) {
	var done atomic.Bool
	var group sync.WaitGroup
	var first error
	read, last := 0, uint64(0)
	group.Go(func() {
		for !done.Load() {
			version, err := readOnce(h)
			if err == nil && version < last {
				err = fmt.Errorf("version %d after %d", version, last)
			}
			if err != nil && first == nil {
				first = err
			}
			last = version
			read++
		}
	})
	t.Cleanup(func() { done.Store(true); group.Wait() })
	return func() int { done.Store(true); group.Wait(); return read }, func() error { return first }
}

// readOnce reads the cache. Only who reads for longer than two caches last may find that
// something is gone, and then looks again.
func readOnce(h *hall) (uint64, error) {
	for {
		dir, err := os.OpenRoot(h.cache)
		if err != nil {
			return 0, err
		}
		c, err := trust.Load(dir.FS(), trust.Options{Pin: h.pin, Second: second.Opinion{}, Now: func() time.Time { return begin.Add(2 * time.Hour) }})
		opened, errOpened := dir.Stat(".")
		if err := errors.Join(errOpened, dir.Close()); err != nil {
			return 0, err
		}
		if err == nil {
			return c.Time.Version, nil
		}
		now, errNow := os.Stat(h.cache)
		if !errors.Is(err, fs.ErrNotExist) || errNow != nil || os.SameFile(opened, now) {
			return 0, errors.Join(err, errNow)
		}
	}
}

// halfMade names something beside a cache that should not be left.
func halfMade(t *testing.T, cache string) string {
	t.Helper()
	for _, name := range []string{"next", filepath.Join("parts", "own", "*")} {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(cache), ".hallsync-"+filepath.Base(cache), name))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// TestDiskFull: where the disk takes no more, the cache in force stays and the error
// says so; with room again the run succeeds.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	strew(p, 20_000)
	old := p.Files(t)
	h := newHall(t, p)
	h.run(t, Updated, folder(t, old))
	next := folder(t, p.publish(t, time.Hour, 4))
	before := snapshot(t, h.cache)
	for _, limit := range []uint64{100, 500, 2000, 15_000} {
		o := h.order(next)
		o.FileLimit = limit
		if out, _ := start(t, o); !strings.HasPrefix(out, string(Failed)) || !strings.Contains(out, string(RuleLocal)) {
			t.Errorf("files of at most %d bytes: %s", limit, out)
		}
		if after := snapshot(t, h.cache); !maps.Equal(before, after) {
			t.Errorf("files of at most %d bytes: the cache has changed", limit)
		}
	}
	if out, _ := start(t, h.order(next)); !strings.HasPrefix(out, string(Updated)) {
		t.Errorf("with room again: %s", out)
	}
	h.version(t)
}

// TestRenames: where the file system cannot exchange two folders, a kill between the two
// renames is mended by the next run, from its beginning on.
func TestRenames(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	old := folder(t, p.Files(t))
	h := newHall(t, p)
	h.run(t, Updated, old)
	none := func(string) {}
	w, err := openWork(h.cache, none)
	if err != nil {
		t.Fatal(err)
	}
	next := p.publish(t, time.Hour, 3)
	if err := os.CopyFS(w.next(), next); err != nil {
		t.Fatal(err)
	}
	if err := w.replaceByRenames(w.next()); err != nil {
		t.Fatal(err)
	}
	if v := h.version(t); v != 2 {
		t.Errorf("after two renames the cache has version %d", v)
	}
	// Killed between the two: the cache is in last, and the next one is whole.
	if err := errors.Join(os.RemoveAll(w.last()), os.Rename(h.cache, w.last()), os.CopyFS(w.next(), next)); err != nil {
		t.Fatal(err)
	}
	w.unlock()
	h.run(t, Unreachable, Folder(t.TempDir()))
	if v := h.version(t); v != 2 {
		t.Errorf("after a kill between two renames the cache has version %d", v)
	}
	// Who removes the cache does not get it back.
	if err := os.RemoveAll(h.cache); err != nil {
		t.Fatal(err)
	}
	h.run(t, Unreachable, Folder(t.TempDir()))
	if _, err := os.Stat(h.cache); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cache is back: %v", err)
	}
}
