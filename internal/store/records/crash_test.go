package records_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/pki/audit"
)

// crashDir names, to the process that is killed, the folder with the store and its
// keys.
const crashDir = "ELICENCE_TEST_CRASH_DIR"

const crashCallers = 64

// fingerprint is what the killed process says of a receipt, and what the parent
// makes again from the log that it finds.
func fingerprint(leafHash []byte, r audit.Receipt) string {
	h := sm3.New()
	h.Write(leafHash)
	h.Write(r.Root)
	for _, hash := range r.Path {
		h.Write(hash)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForEver(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(rekeyDir); dir != "" {
		fmt.Fprintln(os.Stderr, rekeyForEver(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(powerDir); dir != "" {
		if err := issueSome(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(issueDir); dir != "" {
		fmt.Fprintln(os.Stderr, issueForEver(dir, nil))
		os.Exit(1)
	}
	if dir := os.Getenv(renewDir); dir != "" {
		fmt.Fprintln(os.Stderr, renewWhileIssuing(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(stepDir); dir != "" {
		fmt.Fprintln(os.Stderr, stepForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForEver is the process that [TestCrash] kills: many callers append and say
// what was acknowledged.
func appendForEver(dir string) error {
	s, err := openFolder(dir)
	if err != nil {
		return err
	}
	var mu sync.Mutex // one line at a time
	var group errgroup.Group
	for c := range crashCallers {
		group.Go(func() error {
			for i := 0; ; i++ {
				var details []byte
				if c%2 == 0 {
					details = []byte("理由")
				}
				e := audit.Entry{Time: 1700000000, Actor: "officer", Act: audit.ActLicenceLook, Subject: fmt.Sprintf("%d-%d", c, i)}
				r, err := audit.NewRecord(e, details)
				if err != nil {
					return err
				}
				receipts, err := s.Append(context.Background(), r)
				if err != nil {
					return err
				}
				line := fmt.Sprintf("ack %d %d %s\n", receipts[0].Index, receipts[0].Size, fingerprint(audit.Hasher{}.HashLeaf(r.Leaf), receipts[0]))
				mu.Lock()
				_, err = os.Stdout.WriteString(line)
				mu.Unlock()
				if err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// TestCrash kills a process that appends from many callers at random moments. What
// it acknowledged is there when the log is opened again, in its place, with the same
// proof, and the log is whole. (What the kernel had not written when the power goes
// is another matter: this shows that nothing is acknowledged before the commit.)
func TestCrash(t *testing.T) {
	t.Parallel()
	dir := newCrashFolder(t)
	acknowledged := make(map[uint64]string) // index → the line that said so
	for range 5 {
		killAppending(t, dir, acknowledged)
		s, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		err = s.ReadLog(context.Background(), func(log audit.Storage) error {
			if _, err := audit.Verify(log); err != nil {
				return err
			}
			return checkAcknowledged(log, acknowledged)
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < 5*crashCallers {
		t.Errorf("only %d entries were acknowledged: this proves little", len(acknowledged))
	}
}

// killAppending runs the appending process, kills it after its first
// acknowledgements and some more milliseconds, and adds what it said.
func killAppending(t *testing.T, dir string, acknowledged map[uint64]string) {
	t.Helper()
	killChild(t, crashDir, dir, crashCallers, time.Duration(rand.IntN(120))*time.Millisecond, func(line string) {
		var index, size uint64
		var print string
		if n, _ := fmt.Sscanf(line, "ack %d %d %s\n", &index, &size, &print); n != 3 {
			t.Fatalf("the process says %q", line)
		}
		if earlier, twice := acknowledged[index]; twice {
			t.Errorf("entry %d was acknowledged twice: %s, %s", index, earlier, line)
		}
		acknowledged[index] = line
	})
}

// killChild runs this program with a variable that names a folder, kills it some time
// after it has said so many lines, and passes on all that it said.
func killChild(t *testing.T, variable, dir string, lines int, after time.Duration, said func(line string)) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), variable+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(out)
	var timer *time.Timer
	n := 0
	for {
		// A line that was cut off by the end was not said.
		line, err := reader.ReadString('\n')
		if err != nil {
			break
		}
		said(line)
		if n++; n == lines {
			timer = time.AfterFunc(after, func() { _ = child.Process.Signal(syscall.SIGKILL) })
		}
	}
	if timer == nil {
		t.Errorf("the process ended by itself after %d lines: %v", n, child.Wait())
		return
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || !strings.Contains(exit.Error(), "killed") {
		t.Errorf("the process ended with %v, want that it was killed", err)
	}
}

// checkAcknowledged makes every receipt again from the log and compares.
func checkAcknowledged(log audit.Storage, acknowledged map[uint64]string) error {
	present, err := log.Size()
	if err != nil {
		return err
	}
	roots := make(map[uint64][]byte)
	for index, line := range acknowledged {
		r := audit.Receipt{Index: index}
		var want string
		if _, err := fmt.Sscanf(line, "ack %d %d %s\n", &index, &r.Size, &want); err != nil {
			return err
		}
		if r.Size > present {
			return fmt.Errorf("entry %d was acknowledged in a log of %d entries, %d are left", index, r.Size, present)
		}
		if r.Root = roots[r.Size]; r.Root == nil {
			if r.Root, err = audit.Root(log, r.Size); err != nil {
				return err
			}
			roots[r.Size] = r.Root
		}
		if r.Path, err = audit.Inclusion(log, index, r.Size); err != nil {
			return err
		}
		leafHash, err := log.Node(0, index)
		if err != nil {
			return err
		}
		if got := fingerprint(leafHash, r); got != want {
			return fmt.Errorf("entry %d of %d: another entry or another proof than was acknowledged", index, r.Size)
		}
	}
	return nil
}
