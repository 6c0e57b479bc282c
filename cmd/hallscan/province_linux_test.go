package main

import (
	"bufio"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/mirror"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
)

// BenchmarkProvince starts the terminal's program with 130 million indices in its cache, a
// percent of them revoked, and brings the cache up to date while it runs. It reports the
// time from the start to the first verdict, what is resident then, and the most that was
// resident until the first verdict with the new cache.
func BenchmarkProvince(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "hallscan")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building hallscan: %v\n%s", err, out)
	}
	now := time.Now().UTC().Truncate(time.Second)
	d := trusttest.New(b, now.Add(-time.Hour))
	state := d.Fill(b, 124)
	source := filepath.Join(dir, "source")
	files := d.Files(b)
	if err := os.CopyFS(source, files); err != nil {
		b.Fatal(err)
	}
	pin := sm3.Sum(files["1.root"].Data)
	options := mirror.Options{
		Cache: filepath.Join(dir, "trust"), Sources: []mirror.Source{mirror.Folder(source)}, Pin: &pin, State: filepath.Join(dir, "state"),
		Second: second.Opinion{}, Now: time.Now,
	}
	update := func() {
		if r := mirror.Run(b.Context(), options); r.Outcome != mirror.Updated {
			b.Fatalf("%+v", r)
		}
	}
	update()
	code := trusttest.Code(b, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	var first, again time.Duration
	var resident, atStart, most, ticks int
	for b.Loop() {
		t := startScanner(b, program, options.Cache, hex.EncodeToString(pin[:]), b.TempDir())
		first += t.scan(b, code)
		ticks += t.ticks(b)
		resident += t.memory(b, "VmRSS")
		atStart += t.memory(b, "VmHWM")
		// A day's changes later.
		state = next(b, d, state, source)
		update()
		before := time.Since(t.started)
		again += t.scan(b, code) - before
		most += t.memory(b, "VmHWM")
		t.end(b)
	}
	b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "ms/first-verdict")
	b.ReportMetric(float64(again.Milliseconds())/float64(b.N), "ms/verdict-after-update")
	b.ReportMetric(10*float64(ticks)/float64(b.N), "ms-processor/first-verdict")
	b.ReportMetric(float64(resident)/1024/float64(b.N), "MiB-resident")
	b.ReportMetric(float64(atStart)/1024/float64(b.N), "MiB-most-at-start")
	b.ReportMetric(float64(most)/1024/float64(b.N), "MiB-most-with-update")
	b.ReportMetric(0, "ns/op")
}

// next publishes another day: 13,000 revocations, and the delta that leads there.
func next(b *testing.B, d *trusttest.Domain, state *status.State, source string) *status.State {
	b.Helper()
	later := state.Share()
	later.Sequence++
	random := rand.New(rand.NewPCG(later.Sequence, 13_000))
	for range 13_000 {
		list, index := 1+random.Uint32N(124), random.Uint32N(status.ListSize)
		if list == 1 && index < 1000 {
			continue // where the licence is that is scanned
		}
		later.Own(list).Revoked.Set(index)
	}
	changes, err := later.Since(state)
	if err != nil {
		b.Fatal(err)
	}
	delta, err := later.Delta(changes, state.Sequence)
	if err != nil {
		b.Fatal(err)
	}
	for i, set := range later.Sets {
		if !later.Shared(set.List) {
			d.Status.Lists[i].SetHash = set.Hash()
		}
	}
	d.Status.Sequence = later.Sequence
	d.Status.Files = append(d.Status.Files, d.AddSet(state.Sequence, later.Sequence, delta))
	d.Status.Version++
	d.Time.Version++
	d.Status.Issued, d.Time.Issued = time.Now().Unix(), time.Now().Unix()
	for name, f := range d.Files(b) {
		if err := os.WriteFile(filepath.Join(source, name), f.Data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return later
}

// scanner is the program at work.
type scanner struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	started time.Time
}

func startScanner(b *testing.B, program, cache, pin, state string) *scanner {
	b.Helper()
	s := &scanner{cmd: exec.Command(program, "--trust", cache, "--root-sm3", pin, "--state", state, "--json")}
	s.cmd.Stderr = os.Stderr
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	s.out, s.started = bufio.NewReader(out), time.Now()
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return s
}

// scan waits for a verdict and returns the time since the start.
func (s *scanner) scan(b *testing.B, code string) time.Duration {
	b.Helper()
	if _, err := io.WriteString(s.in, code+"\n"); err != nil {
		b.Fatal(err)
	}
	line, err := s.out.ReadString('\n')
	if err != nil || !strings.Contains(line, `"verdict":"valid"`) {
		b.Fatalf("%s, %v", line, err)
	}
	return time.Since(s.started)
}

// memory reads a line of the process's status, in KiB.
func (s *scanner) memory(b *testing.B, name string) int {
	b.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name+":")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(kib)
	if err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	return n
}

// ticks is the processor time of the process so far, in hundredths of a second.
func (s *scanner) ticks(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	total := 0
	for _, field := range strings.Fields(rest)[11:13] { // utime and stime, proc(5)
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	return total
}

func (s *scanner) end(b *testing.B) {
	b.Helper()
	if err := s.in.Close(); err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}
