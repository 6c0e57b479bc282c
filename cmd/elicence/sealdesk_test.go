package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestBatchAtDeskIsKilled kills a batch, or the service that seals it, at random moments
// until it comes through: no document has its name before it is whole, each is sealed, and
// the seal was used as often as there are documents, and as were lost with whom they were for,
// which may be lots for each kill.
func TestBatchAtDeskIsKilled(t *testing.T) {
	t.Parallel()
	documents := 300
	if os.Getenv("ELICENCE_LONG") != "" {
		documents = 2000
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	data, id := sealKept(t, dir)
	args := []string{"seal", "batch", "--data", data, "--actor", "officer", "--seal", id, "--out", in("out"), "--json"}
	page := onePage(t)
	if err := os.Mkdir(in("out"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range documents {
		name := in(fmt.Sprintf("%04d.pdf", i))
		write(t, name, string(page))
		args = append(args, name)
	}

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	running := serve(t, data)
	terminals, services, wait := 0, 0, 500*time.Millisecond
	var batch []struct{ ID, State, Cause string }
	for {
		var out, stderr strings.Builder
		cmd := exec.Command(filepath.Join(binaries, "elicence"), args...)
		cmd.Stdout, cmd.Stderr = &out, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		victim := cmd
		if terminals > services { // of each some
			victim = running.cmd
		}
		timer := time.AfterFunc(wait/2+time.Duration(random.Int64N(int64(wait))), func() { _ = victim.Process.Kill() })
		err := cmd.Wait()
		if !timer.Stop() && victim == running.cmd {
			_ = victim.Wait()
			running = serve(t, data)
			services++
		}
		wholeOnly(t, in("out"))
		if err == nil {
			if err := json.Unmarshal([]byte(out.String()), &batch); err != nil {
				t.Fatalf("%v: %s", err, out.String())
			}
			break
		}
		switch code := cmd.ProcessState.ExitCode(); {
		case code == -1:
			terminals++
		case strings.Contains(stderr.String(), "the service has ended before the command did"):
			if !saysUsesMayRepeat(stderr.String()) {
				t.Errorf("what becomes of uses is not said: %s", stderr.String())
			}
		case !strings.Contains(stderr.String(), "asking the running service"):
			t.Fatalf("exit %d: %s", code, stderr.String())
		}
		wait += wait / 10 // so that it comes through on a slow machine too
	}
	t.Logf("killed: %d terminals, %d services", terminals, services)
	if terminals == 0 || services == 0 {
		t.Fatal("not both were killed: the test has shown nothing")
	}
	if len(batch) != documents {
		t.Errorf("%d documents, want %d", len(batch), documents)
	}
	var shown struct{ Uses int }
	if err := json.Unmarshal([]byte(yes(t, "elicence", "seal", "show", id, "--data", data, "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	lost := (terminals + services) * 64 * (runtime.GOMAXPROCS(0) + 1) // what is recorded together, in all the lots under way
	if shown.Uses < documents || shown.Uses > documents+lost {
		t.Errorf("%d uses of the seal for %d documents and %d kills", shown.Uses, documents, terminals+services)
	}
	for i := 0; i < documents; i += documents / 15 {
		yes(t, "elicence", "verify", "--data", data, in(fmt.Sprintf("out/%04d.pdf", i)))
	}
	running.end(t)
	yes(t, "elicence", "audit", "verify", "--data", data)
}

// saysUsesMayRepeat reports whether a batch that has lost its service says, in both languages,
// that it goes on and that a use of the seal may be counted twice.
func saysUsesMayRepeat(stderr string) bool {
	for _, words := range []string{"再次执行同一命令", "再计一次用印", "give the same command", "counts as another use"} {
		if !strings.Contains(stderr, words) {
			return false
		}
	}
	return !strings.Contains(stderr, "不会重复") && !strings.Contains(stderr, "nothing twice")
}

// wholeOnly wants every document of a folder that has its name to be whole.
func wholeOnly(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".tmp-") && !strings.HasSuffix(read(t, filepath.Join(dir, e.Name())), "%%EOF\n") {
			t.Errorf("%s is half-written", e.Name())
		}
	}
}

// sealKept makes a data folder with an approved seal and returns both.
func sealKept(t *testing.T, dir string) (string, string) {
	t.Helper()
	data, pass := filepath.Join(dir, "data"), filepath.Join(dir, "pass")
	write(t, pass, "passphrase\n")
	yes(t, "elicence", "init", "--data", data, "--root-passphrase-file", pass)
	yes(t, "elicence", "authority", "add", "--data", data, "--uscc", "11340100XN0000012K", "--name", "合肥市样例局", "--region", "340100", "--level", "city")
	yes(t, "elicence", "seal", "make", "--data", data, "--actor", "officer", "--owner", "11340100XN0000012K", "--region", "340100", "--text", "合肥市样例局")
	const id = "34010000000001"
	yes(t, "elicence", "seal", "approve", id, "--data", data, "--actor", "another")
	return data, id
}
