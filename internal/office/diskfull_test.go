package office_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/licence"
)

// fullDir tells the process of [TestDiskFull] where its small disk is mounted.
const fullDir = "ELICENCE_TEST_FULL_DIR"

// spare is the file that leaves little room on the disk.
const spare = "spare"

// TestDiskFullProcess is the process that runs on a small disk of its own. It issues
// licences until the disk is full, erases one on the full disk, makes room, and looks.
func TestDiskFullProcess(t *testing.T) {
	disk := os.Getenv(fullDir)
	if disk == "" {
		t.Skip("a part of TestDiskFull")
	}
	dir := filepath.Join(disk, "data")
	o, err := office.Open(dir, office.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := officetest.Around(t, dir, o)
	var acknowledged []licence.Identifier
	full := error(nil)
	for range 5000 {
		c, a := f.Company(t)
		r, err := f.Office.Issue(ctx, "test", c.ID, a, office.IssueOptions{})
		if err != nil {
			full = err
			break
		}
		acknowledged = append(acknowledged, r.Licence.Identifier)
	}
	if full == nil {
		t.Fatal("the disk is never full: this proves nothing")
	}
	t.Logf("after %d licences: %v", len(acknowledged), full)
	erasures, err := o.Erasures(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id := erasures[0].Identifier
	if _, err := o.ApproveErasure(ctx, "乙", id); err == nil {
		t.Error("an erasure is acknowledged on a full disk")
	}
	_ = o.Close() // it may fail as well
	if err := os.Remove(filepath.Join(disk, spare)); err != nil {
		t.Fatal(err)
	}
	if o, err = office.Open(dir, office.Options{}); err != nil {
		t.Fatalf("after room was made: %v", err)
	}
	f = officetest.Around(t, dir, o)
	for _, id := range acknowledged {
		if _, err := o.Licence(ctx, "test", id); err != nil {
			t.Errorf("licence %s was acknowledged: %v", id, err)
		}
	}
	f.Issue(t, "110")
	if _, err := o.ApproveErasure(ctx, "乙", id); err != nil {
		t.Errorf("the erasure, after room was made: %v", err)
	}
	r, err := atrest.Check(ctx, o, true)
	for _, fault := range r.Faults {
		if fault.Where != "disk" { // it is small
			t.Errorf("%+v", fault)
		}
	}
	if err != nil {
		t.Error(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// TestDiskFull fills a real disk, a tmpfs in name spaces of the process's own: nothing that
// was acknowledged is lost, nothing is half-written, and with room again it goes on. (An
// error that is injected, as in TestFaults, comes at one call; a full disk at all of them.)
func TestDiskFull(t *testing.T) {
	t.Parallel()
	unshare := tooltest.Need(t, "unshare")
	if out, err := exec.Command(unshare, "-rm", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine gives nobody a name space of their own: %v: %s", err, out)
	}
	base := officetest.New(t)
	gone := base.Issue(t, "038").Licence.Identifier
	if _, err := base.Office.Step(ctx, "test", gone, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Office.ApplyErasure(ctx, "甲", gone, false, "依法"); err != nil {
		t.Fatal(err)
	}
	from, disk := officetest.CopyOf(t, base.Dir), t.TempDir()
	used, err := exec.Command("du", "-sk", from).Output()
	if err != nil {
		t.Fatal(err)
	}
	kib, err := strconv.Atoi(strings.Fields(string(used))[0])
	if err != nil {
		t.Fatal(err)
	}
	const room, left = 8 << 10, 512 // KiB: that can be made, and that is there
	script := `mount -t tmpfs -o size="$1"k tmpfs "$2" && cp -a "$3" "$2/data" &&
		free=$(df -k --output=avail "$2" | tail -1) && head -c "$(( (free - $4) * 1024 ))" /dev/zero > "$2/` + spare + `" &&
		exec "$5" -test.run '^TestDiskFullProcess$' -test.v`
	cmd := exec.Command(unshare, "-rm", "/bin/sh", "-c", script, "sh", strconv.Itoa(kib+room), disk, from, strconv.Itoa(left), os.Args[0])
	cmd.Env = append(os.Environ(), fullDir+"="+disk)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "--- PASS: TestDiskFullProcess") {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
}
