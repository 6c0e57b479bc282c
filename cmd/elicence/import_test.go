package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestImportIsKilled kills an import at random moments until it comes through: then every
// line is one licence or one fault, none is both, and none is two.
func TestImportIsKilled(t *testing.T) {
	t.Parallel()
	importIsKilled(t, nil)
}

// TestImportAtDeskIsKilled is the same at a running service, which is killed as well.
func TestImportAtDeskIsKilled(t *testing.T) {
	t.Parallel()
	importIsKilled(t, func(data string) *service { return serve(t, data) })
}

// saysHowToGoOn reports whether an import that has lost its service says so, that nothing is
// lost and what to do, in both languages and without the words of a socket.
func saysHowToGoOn(stderr string) bool {
	for _, words := range []string{"服务在命令完成之前停止了", "the service has ended before the command did", "没有丢失", "nothing is lost", "再次执行同一命令", "give the same command"} {
		if !strings.Contains(stderr, words) {
			return false
		}
	}
	return !strings.Contains(stderr, "desk.sock") && !strings.Contains(stderr, "unix") && !strings.Contains(stderr, "EOF")
}

// importIsKilled kills an import, and the service that begin begins on the folder, if it
// is not nil.
func importIsKilled(t *testing.T, begin func(data string) *service) {
	t.Helper()
	lines := 4000
	if begin != nil {
		lines *= 2 // nothing is opened first, so it is faster
	}
	if os.Getenv("ELICENCE_LONG") != "" {
		lines = 50_000
	}
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "staff.csv")
	write(t, filepath.Join(dir, "pass"), "x\n")
	yes(t, "elicence", "init", "--data", data, "--root-passphrase-file", filepath.Join(dir, "pass"))
	yes(t, "elicence", "authority", "add", "--data", data, "--uscc", "11340100XN0000012K", "--name", "合肥市样例局", "--region", "340100", "--level", "city")
	write(t, file, staffCSV(lines))

	args := []string{"licence", "import", "--data", data, "--category", "038", "--batch", "100", "--json", file}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kills, wait := 0, 300*time.Millisecond
	var out bytes.Buffer
	var running *service
	if begin != nil {
		running = begin(data)
		wait = time.Second // less is over before the words have arrived
	}
	for {
		out.Reset()
		cmd := exec.Command(filepath.Join(binaries, "elicence"), args...)
		cmd.Stdout = &out
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		victim := cmd
		if running != nil && random.IntN(2) == 0 {
			victim = running.cmd
		}
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(wait))), func() { _ = victim.Process.Kill() })
		err := cmd.Wait()
		stopped := timer.Stop()
		if running != nil && victim == running.cmd && !stopped {
			_ = victim.Wait()
			running = begin(data)
			kills++ // and a command that came too late for it has opened the folder itself
		}
		if code := cmd.ProcessState.ExitCode(); err != nil && code != 1 {
			if code != -1 && (running == nil || code != 2 || !saysHowToGoOn(stderr.String())) {
				t.Fatalf("exit %d: %s", code, stderr.String())
			}
			if code == -1 {
				kills++
			}
			wait += wait / 20 // so that it comes through on a slow machine too
			continue
		}
		break
	}
	if kills == 0 {
		t.Fatal("nothing was killed: the test has shown nothing")
	}
	var v struct {
		Issued, Faulty int
		Finished       bool
		Resumed        int `json:"resumed_after"`
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	t.Logf("%d kills; the last run went on behind line %d", kills, v.Resumed)
	faulty := lines / 10
	if !v.Finished || v.Issued != lines-faulty || v.Faulty != faulty {
		t.Errorf("%+v, want %d issued and %d faulty", v, lines-faulty, faulty)
	}

	exported := filepath.Join(dir, "out.jsonl")
	yes(t, "elicence", "licence", "export", "--data", data, "--category", "038", "-o", exported)
	seen := make(map[string]int)
	for _, line := range strings.Split(strings.TrimSpace(read(t, exported)), "\n") {
		var a struct{ Number string }
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		seen[a.Number]++
	}
	faults := make(map[string]int)
	for i, line := range strings.Split(strings.TrimSpace(read(t, file+".faults.csv")), "\n") {
		if number, _, _ := strings.Cut(line, ","); i > 0 {
			faults[number]++
		}
	}
	for i := range lines {
		number, line := staffNumber(i), fmt.Sprint(i+2)
		licences, wantLicences := seen[number], 1
		if i%10 == 9 {
			wantLicences = 0
		}
		if i%20 == 19 { // the number of the line before
			number = ""
		}
		if number != "" && licences != wantLicences || faults[line] != 1-wantLicences {
			t.Errorf("line %s: %d licences, %d faults; want %d licences", line, licences, faults[line], wantLicences)
		}
	}
	if len(seen) != lines-faulty {
		t.Errorf("%d numbers, want %d", len(seen), lines-faulty)
	}
	if running != nil {
		running.end(t)
	}
	yes(t, "elicence", "audit", "verify", "--data", data)
}

func staffNumber(i int) string { return fmt.Sprintf("3401002026%04d", i%10_000+0) + extra(i) }

// extra makes numbers of more than ten thousand lines different: a number has 14 or 15
// digits.
func extra(i int) string {
	if i < 10_000 {
		return ""
	}
	return fmt.Sprint(i / 10_000)
}

// staffCSV is a file in which every tenth line has a fault: of itself, or because the line
// before has its number.
func staffCSV(lines int) string {
	var b strings.Builder
	b.WriteString("证照编号,持证主体,持证主体代码类型,持证主体代码,颁发日期,法定代表人(负责人),住所,注册资本(元),许可经营事项\n")
	for i := range lines {
		number, capital := staffNumber(i), "1000000"
		switch i % 20 {
		case 9:
			capital = "many"
		case 19:
			number = staffNumber(i - 1)
		}
		fmt.Fprintf(&b, "%s,样例人力有限公司,001,91340199XN0000012Q,2026-01-01,王示例,安徽省合肥市测试区样例路%d号,%s,劳务派遣\n", number, i, capital)
	}
	return b.String()
}
