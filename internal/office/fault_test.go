package office_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal/placement"
)

// faultDir and faultAct tell a process of [TestFaults] what to do, faultID on what.
const (
	faultDir = "ELICENCE_TEST_FAULT_DIR"
	faultAct = "ELICENCE_TEST_FAULT_ACT"
	faultID  = "ELICENCE_TEST_FAULT_ID"
)

// act is something that is acknowledged when it is durable.
type act struct {
	name string
	// do does it as a request that can be repeated.
	do func(t *testing.T, f *officetest.Fixture, id string) error
	// done reports whether it has taken place in a data folder.
	done func(t *testing.T, f *officetest.Fixture, id string) bool
}

func acts() []act {
	state := func(t *testing.T, f *officetest.Fixture, text string) licence.State {
		t.Helper()
		id, err := licence.ParseIdentifier(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Office.Licence(ctx, "test", id)
		if err != nil {
			t.Fatal(err)
		}
		return r.State
	}
	count := func(t *testing.T, f *officetest.Fixture) int {
		t.Helper()
		all, err := f.Office.Licences(ctx, "test", 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	return []act{
		{
			"issue",
			func(t *testing.T, f *officetest.Fixture, _ string) error {
				c, a := f.Application(t, "004")
				_, err := f.Office.Issue(ctx, "test", c.ID, a, office.IssueOptions{RequestID: "fault"})
				return err
			},
			func(t *testing.T, f *officetest.Fixture, _ string) bool { return count(t, f) == 3 },
		},
		{
			"revoke",
			func(_ *testing.T, f *officetest.Fixture, text string) error {
				id, err := licence.ParseIdentifier(text)
				if err == nil {
					_, err = f.Office.Step(ctx, "test", id, licence.Revoke, "测试事由")
				}
				if errors.Is(err, licence.ErrStep) {
					return nil // it is revoked already
				}
				return err
			},
			func(t *testing.T, f *officetest.Fixture, id string) bool { return state(t, f, id) == licence.Revoked },
		},
		{
			"seal",
			func(t *testing.T, f *officetest.Fixture, _ string) error {
				seals, err := f.Office.Seals(ctx)
				if err == nil {
					_, err = f.Office.Stamp(ctx, officetest.Clerk, blank(t, 1), office.StampRequest{SealID: seals[0].ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
				}
				return err
			},
			func(t *testing.T, f *officetest.Fixture, _ string) bool {
				seals, err := f.Office.Seals(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return seals[0].Uses > 0
			},
		},
		batchAct(),
		{
			"publish",
			func(_ *testing.T, f *officetest.Fixture, _ string) error {
				_, err := f.Office.Publish(ctx, "test")
				return err
			},
			func(*testing.T, *officetest.Fixture, string) bool { return true }, // a later one is as good
		},
		{
			"import", // of seven licences in three transactions: each line once and only once
			func(t *testing.T, f *officetest.Fixture, _ string) error {
				c, _ := f.Application(t, "038")
				r, err := f.Office.Import(ctx, "test", office.Import{
					Category: c.ID, Path: "/licences.csv", Digest: [32]byte{1}, Size: 3,
					Rows:      func() iter.Seq2[office.BulkItem, error] { return bulkItems(t, f, 0, 7, spoilThird, nil) },
					Unchanged: func() error { return nil },
					Faults:    func(size int64) (office.FaultLog, error) { return openFaults(filepath.Join(f.Dir, "faults"), size) },
				})
				if err == nil && (!r.Finished || r.Issued != 6 || r.Faulty != 1) {
					err = fmt.Errorf("imported: %+v", r)
				}
				return err
			},
			func(t *testing.T, f *officetest.Fixture, _ string) bool {
				b, err := os.ReadFile(filepath.Join(f.Dir, "faults"))
				return count(t, f) == 8 && err == nil && string(b) == "line 4\n"
			},
		},
		{
			"erase", // and destroy the key of what two officers have decided on
			func(t *testing.T, f *officetest.Fixture, _ string) error {
				all, err := f.Office.Erasures(ctx)
				if err == nil {
					_, err = f.Office.ApproveErasure(ctx, "乙", all[0].Identifier)
				}
				if errors.Is(err, licence.ErrErased) {
					return nil
				}
				return err
			},
			func(t *testing.T, f *officetest.Fixture, _ string) bool {
				all, err := f.Office.Erasures(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return all[0].ApprovedBy != ""
			},
		},
		{
			"renew", // the keys that everything is looked up by
			func(_ *testing.T, f *officetest.Fixture, _ string) error {
				_, err := atrest.RenewLookups(ctx, f.Office.Folder(), "test", atrest.RenewalOptions{})
				return err
			},
			func(t *testing.T, f *officetest.Fixture, _ string) bool {
				began, ended := 0, 0
				err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
					switch e.Act {
					case audit.ActStoreRenew:
						began++
					case audit.ActStoreRenewed:
						ended++
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				all, err := f.Office.Licences(ctx, "test", 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range all {
					if err := f.Office.Findable(ctx, r.Licence); err != nil {
						t.Errorf("%d renewals began, %d ended: %v", began, ended, err)
					}
				}
				return ended > 0 && began == ended
			},
		},
		{
			"rename", // a holder, as two officers have decided: each licence has one new version
			func(t *testing.T, f *officetest.Fixture, _ string) error {
				all, err := f.Office.MassProposals(ctx)
				if err == nil {
					_, err = f.Office.RunMass(ctx, "丙", all[0].ID, office.MassRun{})
				}
				return err
			},
			func(t *testing.T, f *officetest.Fixture, id string) bool {
				all, err := f.Office.MassProposals(ctx)
				if err != nil {
					t.Fatal(err)
				}
				of, err := licence.ParseIdentifier(id)
				if err != nil {
					t.Fatal(err)
				}
				versions, err := f.Office.Versions(ctx, "test", of)
				if err != nil {
					t.Fatal(err)
				}
				p := all[0]
				return p.Done == p.Count && p.Refused == 0 && p.Holder.Name == "" && len(versions) == 2 && versions[1].Licence.Holders[0].Name == "新样例"
			},
		},
	}
}

// spoilThird makes the third application one with a fault.
func spoilThird(i int, a *licence.Application) {
	if i == 2 {
		a.Holder.IDNumber = "x"
	}
}

// faults is a fault log of the numbers of lines.
type faults struct{ *os.File }

func openFaults(path string, size int64) (office.FaultLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	_, err = f.Seek(size, io.SeekStart)
	return faults{f}, err
}

// Append implements [office.FaultLog].
func (f faults) Append(line int, _ ...licence.Fault) error {
	_, err := fmt.Fprintf(f, "line %d\n", line)
	return err
}

// Sync implements [office.FaultLog].
func (f faults) Sync() (int64, error) {
	if err := f.File.Sync(); err != nil {
		return 0, err
	}
	return f.Seek(0, io.SeekCurrent)
}

// TestFaultProcess is the process that is killed or gets errors. What it acknowledges it
// says on standard output; after an error it tries again, as a service would.
func TestFaultProcess(t *testing.T) {
	dir, name := os.Getenv(faultDir), os.Getenv(faultAct)
	if dir == "" {
		t.Skip("a part of TestFaults")
	}
	if name == upgradeAct {
		say("begin")
	}
	o, err := office.Open(dir, office.Options{})
	if err != nil {
		say("refused " + err.Error())
		return
	}
	if name == upgradeAct {
		say("acknowledged")
		_ = o.Close() // an error here comes after the answer
		return
	}
	f := officetest.Around(t, dir, o)
	a := acts()[slices.IndexFunc(acts(), func(a act) bool { return a.name == name })]
	say("begin")
	for range 3 {
		if err := a.do(t, f, os.Getenv(faultID)); err != nil {
			say("error " + err.Error())
			continue
		}
		say("acknowledged")
		break
	}
	_ = o.Close() // an error here comes after the answer
}

// say writes a line at once, so that a killed process has said it.
func say(line string) {
	_, _ = os.Stdout.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n") // whoever listens misses it
}

// faultCalls are the system calls that change what is on the disk, and the one that says
// what was acknowledged.
const faultCalls = "write,pwrite64,fsync,fdatasync,ftruncate,openat,rename,renameat,renameat2,linkat,unlinkat,mkdirat"

// point is one system call of an act: the how-manieth of its name in its thread.
type point struct {
	call string
	n    int
}

var traced = regexp.MustCompile(`^\d+ +([a-z0-9_]+)\(`)

// points lists the calls between the beginning of an act and its end.
func points(t *testing.T, trace string) []point {
	t.Helper()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	seen, began := make(map[string]int), false
	var all []point
	for line := range strings.Lines(string(b)) {
		m := traced.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		thread, _, _ := strings.Cut(line, " ")
		seen[thread+m[1]]++
		began = began || strings.Contains(line, `"begin\n"`)
		if p := (point{m[1], seen[thread+m[1]]}); began && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// runFault runs an act in a data folder, with a fault where one is given, and returns what
// it said.
func runFault(t *testing.T, dir, name, id, trace, fault string) string {
	t.Helper()
	args := []string{"-f", "--seccomp-bpf", "-qq", "-o", trace, "-e", "trace=" + faultCalls}
	if fault != "" {
		args = append(args, "-e", "inject="+fault)
	}
	cmd := exec.Command(tooltest.Need(t, "strace"), append(args, os.Args[0], "-test.run", "^TestFaultProcess$")...)
	cmd.Env = append(os.Environ(), faultDir+"="+dir, faultAct+"="+name, faultID+"="+id, "GOMAXPROCS=1")
	var out bytes.Buffer
	cmd.Stdout = &out
	_ = cmd.Run() // it is killed, or says on standard output what happened
	return out.String()
}

// TestFaults kills a process at every system call of an act, or lets the call fail as a
// broken or full disk does. Afterwards the data folder opens and is whole, what was
// acknowledged has taken place, and the same request again has it take place once.
//
// Without ELICENCE_LONG a part of the calls is tried, other ones in each run.
func TestFaults(t *testing.T) {
	tooltest.Need(t, "strace")
	base := officetest.New(t)
	gone := base.Issue(t, "038").Licence.Identifier
	if _, err := base.Office.Step(ctx, "test", gone, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Office.ApplyErasure(ctx, "甲", gone, false, "依法"); err != nil {
		t.Fatal(err)
	}
	issued := base.Issue(t, "110")
	renamed := actOn(licence.EventRenamed, issued.Licence.Holders[0])
	renamed.Name = "新样例"
	proposed, err := base.Office.ProposeHolder(ctx, "甲", renamed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base.Office.ApproveMass(ctx, "乙", proposed.Proposal.ID, proposed.Proposal.Digest); err != nil {
		t.Fatal(err)
	}
	id := issued.Licence.Identifier.String()
	long := os.Getenv("ELICENCE_LONG") == "1"
	faults := []string{"signal=KILL", "error=EIO", "error=ENOSPC"}
	offset := int(time.Now().UnixNano() % 1000)
	tried := 0
	for _, a := range acts() {
		trace := filepath.Join(t.TempDir(), "trace")
		dir := officetest.CopyOf(t, base.Dir)
		if out := runFault(t, dir, a.name, id, trace, ""); !strings.Contains(out, "acknowledged") {
			t.Fatalf("%s without a fault: %s", a.name, out)
		}
		all := points(t, trace)
		if len(all) < 3 {
			t.Fatalf("%s has only %d system calls", a.name, len(all))
		}
		for n, p := range all {
			for k, fault := range faults {
				if !long && (n*len(faults)+k+offset)%7 != 0 || p.call == "openat" && k > 0 {
					continue
				}
				tried++
				what := fmt.Sprintf("%s, %s at %s number %d", a.name, fault, p.call, p.n)
				dir := officetest.CopyOf(t, base.Dir)
				out := runFault(t, dir, a.name, id, trace, p.call+":"+fault+":when="+strconv.Itoa(p.n))
				checkFault(t, what, dir, a, id, out)
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d faults were tried: this proves little", tried)
	}
	t.Logf("%d faults", tried)
}

// upgradeAct opens a data folder of an earlier release.
const upgradeAct = "upgrade"

// TestUpgradeIsCutOff kills a process, or fails it, at every system call while it takes over a data folder of an
// earlier release: afterwards it is one of before or one of now, opens, and has everything.
func TestUpgradeIsCutOff(t *testing.T) {
	tooltest.Need(t, "strace")
	h, base := unpacked(t, "v0.1-format2")
	trace := filepath.Join(t.TempDir(), "trace")
	if out := runFault(t, officetest.CopyOf(t, base), upgradeAct, "", trace, ""); !strings.Contains(out, "acknowledged") {
		t.Fatalf("without a fault: %s", out)
	}
	all := points(t, trace)
	if len(all) < 3 {
		t.Fatalf("an upgrade has only %d system calls", len(all))
	}
	long, offset, tried := os.Getenv("ELICENCE_LONG") == "1", int(time.Now().UnixNano()%1000), 0
	faults := []string{"signal=KILL", "error=EIO", "error=ENOSPC"}
	for n, p := range all {
		for k, fault := range faults {
			if !long && (n*len(faults)+k+offset)%5 != 0 || p.call == "openat" && k > 0 {
				continue
			}
			tried++
			dir := officetest.CopyOf(t, base)
			out := runFault(t, dir, upgradeAct, "", trace, p.call+":"+fault+":when="+strconv.Itoa(p.n))
			what := fmt.Sprintf("%s at %s number %d", fault, p.call, p.n)
			o, err := office.Open(dir, office.Options{})
			if err != nil {
				t.Errorf("%s: it does not open any more: %v\n%s", what, err, out)
				continue
			}
			for _, l := range h.Licences {
				id, err := licence.ParseIdentifier(l.ID)
				if err != nil {
					t.Fatal(err)
				}
				if r, err := o.Licence(ctx, "test", id); err != nil || r.State != l.State || r.Licence.Number != l.Number {
					t.Errorf("%s: licence %s: %v", what, l.ID, err)
				}
			}
			r, err := atrest.Check(ctx, o, true)
			if err := errors.Join(err, o.Close()); err != nil || len(r.Faults) > 0 {
				t.Errorf("%s: the storage is not whole: %v, %v", what, r.Faults, err)
			}
		}
	}
	if tried < 5 {
		t.Errorf("only %d faults were tried: this proves little", tried)
	}
	t.Logf("%d faults", tried)
}

func checkFault(t *testing.T, what, dir string, a act, id, out string) {
	t.Helper()
	o, err := office.Open(dir, office.Options{})
	if err != nil {
		t.Errorf("%s: it does not open any more: %v\n%s", what, err, out)
		return
	}
	f := officetest.Around(t, dir, o)
	acknowledged := strings.Contains(out, "acknowledged")
	if acknowledged && !a.done(t, f, id) {
		t.Errorf("%s: it was acknowledged and has not taken place\n%s", what, out)
	}
	if acknowledged && strings.Contains(out, "the store has stopped") {
		t.Errorf("%s: something is acknowledged after a write to the disk has failed\n%s", what, out)
	}
	wasDone := a.done(t, f, id)
	if err := a.do(t, f, id); err != nil {
		t.Errorf("%s: the same again (done before: %t): %v\n%s", what, wasDone, err, out)
	}
	if !a.done(t, f, id) {
		t.Errorf("%s: the same again has not taken place once\n%s", what, out)
	}
	r, err := atrest.Check(ctx, o, true)
	if err != nil || len(r.Faults) > 0 {
		t.Errorf("%s: the storage is not whole: %v, %v\n%s", what, r.Faults, err, out)
	}
	if err := o.Close(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}
