package records_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/licence"
)

// powerDir names, to the process whose writes are recorded, the folder with the store and
// its keys.
const powerDir = "ELICENCE_TEST_POWER_DIR"

// issueSome is the process whose writes are recorded: it issues licences one by one and
// several at once, takes steps, and says what was acknowledged.
func issueSome(dir string) error {
	s, key, err := openIssuing(dir)
	if err != nil {
		return err
	}
	say := func(r licence.Record) error {
		_, err := fmt.Fprintf(os.Stdout, "ack %s %s\n", r.Licence.Number, r.Licence.Identifier)
		return err
	}
	next := 0
	for range 8 {
		var all []licence.Submission
		for range 1 + next%4 {
			sub, err := draft(s, key, next)
			if err != nil {
				return err
			}
			next++
			all = append(all, sub)
		}
		issued, errs := s.IssueAll(context.Background(), all)
		for i, r := range issued {
			if err := errors.Join(errs[i], say(r)); err != nil {
				return err
			}
		}
	}
	return s.Close()
}

// diskCall is a call that the process made: a write to the store's file, a sync of it, a
// change of its size, or a line that it said.
type diskCall struct {
	kind string // write, sync, size, said
	data []byte
	at   int64 // of a write; of size: the size
}

var (
	writeLine = regexp.MustCompile(`(?s)^\d+ +pwrite64\(\d+<[^>]*store\.db>, "((?:\\x[0-9a-f]{2})*)", \d+, (\d+)\) = (\d+)`)
	syncLine  = regexp.MustCompile(`^\d+ +f(?:data)?sync\(\d+<[^>]*store\.db>\) += 0`)
	sizeLine  = regexp.MustCompile(`^\d+ +ftruncate\(\d+<[^>]*store\.db>, (\d+)\) += 0`)
	saidLine  = regexp.MustCompile(`^\d+ +write\(1<[^>]*>, "((?:\\x[0-9a-f]{2})*)", \d+\) = \d+`)
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded runs the process under strace and returns its calls in their order.
func recorded(t *testing.T, dir string) []diskCall {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(tooltest.Need(t, "strace"), "-f", "-qq", "-y", "-xx", "-s", "33554432", "-o", trace,
		"-e", "trace=pwrite64,fdatasync,fsync,ftruncate,write", os.Args[0])
	cmd.Env = append(os.Environ(), powerDir+"="+dir, "GOMAXPROCS=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var calls []diskCall
	for line := range strings.Lines(joinResumed(string(b))) {
		line = paths.ReplaceAllStringFunc(line, func(p string) string { return "<" + string(unhexPath(p)) + ">" })
		if m := writeLine.FindStringSubmatch(line); m != nil {
			at, _ := strconv.ParseInt(m[2], 10, 64) // the pattern has digits
			data := unhex(t, m[1])
			if strconv.Itoa(len(data)) != m[3] {
				t.Fatalf("a write of %d bytes wrote %s", len(data), m[3])
			}
			calls = append(calls, diskCall{"write", data, at})
		} else if syncLine.MatchString(line) {
			calls = append(calls, diskCall{kind: "sync"})
		} else if m := sizeLine.FindStringSubmatch(line); m != nil {
			size, _ := strconv.ParseInt(m[1], 10, 64) // likewise
			calls = append(calls, diskCall{kind: "size", at: size})
		} else if m := saidLine.FindStringSubmatch(line); m != nil {
			calls = append(calls, diskCall{kind: "said", data: unhex(t, m[1])})
		}
	}
	return calls
}

// paths are the names that strace shows with -y, in hexadecimal because of -xx.
var paths = regexp.MustCompile(`<(?:\\x[0-9a-f]{2})+>`)

func unhexPath(p string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Trim(p, "<>"), `\x`, ""))
	if err != nil {
		return nil
	}
	return b
}

// joinResumed puts together the lines of calls that others came between.
func joinResumed(trace string) string {
	var out strings.Builder
	begun := make(map[string]string) // by thread
	for line := range strings.Lines(trace) {
		thread, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimLeft(rest, " ")
		if head, unfinished := strings.CutSuffix(strings.TrimSpace(rest), "<unfinished ...>"); unfinished {
			begun[thread] = head
			continue
		}
		if strings.HasPrefix(rest, "<... ") {
			_, tail, _ := strings.Cut(rest, "resumed>")
			rest = strings.TrimRight(begun[thread], " ") + tail
			delete(begun, thread)
		}
		out.WriteString(thread + " " + rest)
	}
	return out.String()
}

// disk is the store's file as a disk may have it.
type disk struct{ content []byte }

func (d *disk) do(c diskCall) {
	switch c.kind {
	case "size":
		d.content = append(d.content, make([]byte, max(0, int(c.at)-len(d.content)))...)[:c.at]
	case "write":
		if end := int(c.at) + len(c.data); end > len(d.content) {
			d.content = append(d.content, make([]byte, end-len(d.content))...)
		}
		copy(d.content[c.at:], c.data)
	}
}

// sector is what a disk writes whole or not at all.
const sector = 512

// torn does a part of a write: each sector or not.
func (d *disk) torn(c diskCall, r *rand.Rand) {
	if c.kind != "write" {
		d.do(c)
		return
	}
	for at := 0; at < len(c.data); at += sector {
		if r.IntN(2) == 0 {
			d.do(diskCall{"write", c.data[at:min(at+sector, len(c.data))], c.at + int64(at)})
		}
	}
}

// TestPowerCut records what the store writes and syncs, and cuts the power after every call:
// what was synced is on the disk; of what was not there is nothing, all, any part of the
// writes, or any sectors of them. Each time the store opens and is whole, and has what was
// acknowledged until then. The control is a disk that says it has synced and has not: on it
// something must be lost or broken, or this proves nothing.
func TestPowerCut(t *testing.T) {
	tooltest.Need(t, "strace")
	dir := newCrashFolder(t)
	before, err := os.ReadFile(filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	calls := recorded(t, dir)
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	broken := func(content []byte, acknowledged map[string]string) string {
		t.Helper()
		// A new file: an engine that has met a broken one may hold that one's lock.
		path := filepath.Join(dir, "store.db")
		if err := errors.Join(os.Remove(path), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := openFolder(dir)
		if err != nil {
			return err.Error()
		}
		what := ""
		stored := make(map[string]string)
		_, err = s.Check(t.Context(), true, func(l *licence.Licence) { stored[l.Number] = l.Identifier.String() }, func(f records.Fault) { what = f.Where + ": " + f.What })
		if err := errors.Join(err, s.Close()); err != nil {
			return err.Error()
		}
		for number, id := range acknowledged {
			if stored[number] != id {
				what = "licence " + number + " was acknowledged and is not there"
			}
		}
		return what
	}
	synced, lying := disk{append([]byte{}, before...)}, disk{append([]byte{}, before...)}
	var pending []diskCall
	acknowledged := make(map[string]string)
	syncs, tried, lost := 0, 0, 0
	for n, c := range calls {
		switch c.kind {
		case "said":
			var number, id string
			if n, _ := fmt.Sscanf(string(c.data), "ack %s %s\n", &number, &id); n == 2 {
				acknowledged[number] = id
			}
		case "sync":
			for _, p := range pending {
				synced.do(p)
				// The last sync of a lying disk never took place.
				if syncs%2 == 0 {
					lying.do(p)
				}
			}
			pending = nil
			syncs++
		default:
			pending = append(pending, c)
		}
		for _, variant := range []string{"nothing", "everything", "some writes", "some sectors"} {
			if len(pending) == 0 && variant != "nothing" {
				continue
			}
			now := disk{append([]byte{}, synced.content...)}
			for _, p := range pending {
				switch {
				case variant == "everything", variant == "some writes" && r.IntN(2) == 0:
					now.do(p)
				case variant == "some sectors":
					now.torn(p, r)
				}
			}
			tried++
			if what := broken(now.content, acknowledged); what != "" {
				t.Fatalf("power cut after call %d (%s), %s of %d unsynced calls on the disk: %s", n, c.kind, variant, len(pending), what)
			}
		}
		if broken(lying.content, acknowledged) != "" {
			lost++
		}
	}
	t.Logf("%d calls, %d syncs, %d cuts; a disk that lies broke or lost something %d times", len(calls), syncs, tried, lost)
	if len(acknowledged) < 8 || syncs < 8 || lost == 0 {
		t.Errorf("%d licences were acknowledged, %d syncs, the control lost something %d times: this proves little", len(acknowledged), syncs, lost)
	}
}
