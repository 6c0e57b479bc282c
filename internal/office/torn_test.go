package office_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/licence"
)

const pageSize = 4096

// TestTornFile: a store's file that was cut, or of which pages were lost, is refused with
// the reason or found by a check; nothing is read as if it were whole, and nothing panics.
func TestTornFile(t *testing.T) {
	t.Parallel()
	base := officetest.New(t)
	base.Issue(t, "004")
	base.Issue(t, "066")
	if _, err := base.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(base.Dir, "elicence.db"))
	if err != nil {
		t.Fatal(err)
	}
	var used []int // the file grows by more than it needs
	for page := range len(file) / pageSize {
		if slices.ContainsFunc(file[page*pageSize:(page+1)*pageSize], func(b byte) bool { return b != 0 }) {
			used = append(used, page)
		}
	}
	end := (used[len(used)-1] + 1) * pageSize
	found, harmless := 0, 0
	try := func(what string, harm func([]byte) []byte) {
		t.Helper()
		dir := officetest.CopyOf(t, base.Dir)
		if err := os.WriteFile(filepath.Join(dir, "elicence.db"), harm(append([]byte{}, file...)), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := office.Open(dir, office.Options{})
		if err != nil {
			found++
			return
		}
		r, err := atrest.Check(ctx, o, true)
		_ = o.Close() // it may fail as well
		if err != nil || len(r.Faults) > 0 {
			found++
			return
		}
		// A page that nothing refers to, or that an earlier moment had.
		harmless++
		if r.Licences != 2 {
			t.Errorf("%s: the storage is said to be whole with %d licences", what, r.Licences)
		}
	}
	for _, size := range []int{0, 1, pageSize, 2 * pageSize, end / 2, end * 3 / 4, end - pageSize} {
		try("cut", func(b []byte) []byte { return b[:size] })
	}
	step := 1
	if os.Getenv("ELICENCE_LONG") != "1" {
		step = max(1, len(used)/15)
	}
	for n := 0; n < len(used); n += step {
		page, other := used[n], used[(n+7)%len(used)]
		try("zeroed page", func(b []byte) []byte {
			clear(b[page*pageSize : (page+1)*pageSize])
			return b
		})
		try("page of another place", func(b []byte) []byte {
			copy(b[page*pageSize:(page+1)*pageSize], file[other*pageSize:])
			return b
		})
	}
	if found < 20 {
		t.Errorf("%d kinds of damage were found, %d were harmless: this proves little", found, harmless)
	}
	t.Logf("%d found, %d harmless", found, harmless)
}

// TestCutFileSays: the reason is a damaged file, not a crash.
func TestCutFileSays(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	dir := officetest.CopyOf(t, f.Dir)
	path := filepath.Join(dir, "elicence.db")
	if err := os.Truncate(path, 20*pageSize); err != nil {
		t.Fatal(err)
	}
	if _, err := office.Open(dir, office.Options{}); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("a cut file: %v, want ErrDamaged", err)
	}
	// Two processes on one file: flock holds between two opens in one process as well.
	if _, err := office.Open(f.Dir, office.Options{}); !errors.Is(err, kv.ErrInUse) {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := office.Open(dir, office.Options{}); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("without the file: %v", err)
	}
}

// TestClockJumps: whatever the clock does between two acts, nothing is lost, doubled or
// out of order in the register and the log, and what is published is never older than
// what was.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	began := c.at
	places := make(map[licence.StatusRef]bool)
	categories := []string{"004", "007", "018", "029", "050", "066", "072", "100", "110"}
	issued := 0
	for i, jump := range []time.Duration{0, time.Hour, -time.Hour, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour, time.Minute} {
		c.at = began.Add(jump)
		cat, a := f.Application(t, categories[i])
		r, err := f.Office.Issue(context.Background(), "test", cat.ID, a, office.IssueOptions{})
		if err != nil {
			continue // keys that are not in force at such a time are refused, and that is right
		}
		issued++
		if places[r.Licence.Status] {
			t.Errorf("place %v is given out twice", r.Licence.Status)
		}
		places[r.Licence.Status] = true
		_, _ = f.Office.Publish(ctx, "test") // may be refused likewise
	}
	if issued < 3 {
		t.Errorf("only %d licences were issued: this proves little", issued)
	}
	c.at = began.Add(2 * time.Hour)
	f.Reopen(t)
	officetest.Whole(t, f.Office)
	exported(t, f, c) // a terminal takes what is published after the jumps
	all, err := f.Office.Licences(ctx, "test", 0, 100)
	if err != nil || len(all) != issued {
		t.Errorf("%d licences, %v, want %d", len(all), err, issued)
	}
}
