package journal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/qr/verify"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// scan is a result as a terminal has it, with everything that a journal must not keep.
func scan(status uint64) verify.Result {
	kind, version := 1, uint64(7)
	category, holder, number, masked, name := "004", "张样例", "340199190001010012", "34************0012", "机动车驾驶证"
	return verify.Result{
		Verdict: verify.Valid, CauseCode: verify.CauseInOrder, Kind: &kind, TrustVersion: &version, Category: &category, CategoryName: &name,
		Holder: &holder, Number: &number, IDMasked: &masked, Status: &status,
	}
}

func open(tb testing.TB, dir string) *Journal {
	tb.Helper()
	j, err := Open(dir, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

// write appends n scans, a second apart, and closes the journal.
func write(tb testing.TB, dir string, n int) {
	tb.Helper()
	j := open(tb, dir)
	for i := range n {
		if err := j.Append(now.Add(time.Duration(i)*time.Second), scan(uint64(i))); err != nil {
			tb.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
}

func export(tb testing.TB, dir string) ([]byte, *Collected) {
	tb.Helper()
	b, err := Export(dir, now)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := Verify(b)
	if err != nil {
		tb.Fatal(err)
	}
	return b, c
}

func TestJournal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	write(t, dir, 3)
	write(t, dir, 2) // switched off and on again
	if files, err := list(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v: a start begins a file of its own", files, err)
	}
	b, c := export(t, dir)
	if c.First != 1 || c.Next != 6 || !c.At.Equal(now) {
		t.Errorf("entries %d to before %d of %s", c.First, c.Next, c.At)
	}
	entries := slices.Collect(c.Entries())
	if len(entries) != 5 {
		t.Fatalf("%d entries", len(entries))
	}
	key, err := openKey(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := entries[1]; e.Sequence != 2 || !e.Time().Equal(now.Add(time.Second)) || e.Verdict != "valid" || e.Cause != "in_order" || e.Kind != 1 ||
		e.Category != "004" || e.TrustVersion != 7 || !bytes.Equal(e.Seen, key.Mark(1)) {
		t.Errorf("%+v", e)
	}
	if key.Public().Point() != c.Point {
		t.Error("the export is another key's")
	}
	for _, personal := range []string{"张", "1990", "34*", "0012"} {
		if bytes.Contains(b, []byte(personal)) {
			t.Errorf("the export has %q in it", personal)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode: %v, %v", info.Mode(), err)
	}
}

func TestOneWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	if _, err := Open(dir, rand.Reader); !errors.Is(err, durable.ErrInUse) {
		t.Errorf("a second writer: %v", err)
	}
	if err := j.Append(now, scan(1)); err != nil {
		t.Fatal(err)
	}
	if _, c := export(t, dir); c.Next != 2 {
		t.Errorf("an export meanwhile ends before %d", c.Next)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPowerLoss cuts the last file off at every seventh byte, or with ELICENCE_LONG at
// every one: whatever is left, the journal
// opens, keeps all whole entries, goes on after them, and its export is whole.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, 3)
	whole, err := os.ReadFile(path(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	record := (len(whole) - headSize) / 3
	step := 7
	if os.Getenv("ELICENCE_LONG") != "" {
		step = 1
	}
	for _, garbage := range []string{"", "\x00\x00\x00\x00", strings.Repeat("\xff", 200)} {
		for cut := 0; cut < len(whole); cut += step {
			torn := filepath.Join(t.TempDir(), "journal")
			if err := errors.Join(os.Mkdir(torn, 0o700), os.WriteFile(path(torn, 1), append(bytes.Clone(whole[:cut]), garbage...), 0o600)); err != nil {
				t.Fatal(err)
			}
			if cut+len(garbage) > headSize && cut < len("elicence/journal/1") {
				continue // not torn but overwritten: see TestDamage
			}
			kept := max(0, cut-headSize) / record
			if cut+len(garbage) >= headSize && cut < headSize {
				continue // a head with garbage in it leads to another chain, as it should
			}
			write(t, torn, 2)
			_, c := export(t, torn)
			if c.First != 1 || int(c.Next) != kept+3 {
				t.Fatalf("cut at %d with %d bytes of garbage: entries %d to before %d, want before %d", cut, len(garbage), c.First, c.Next, kept+3)
			}
		}
	}
}

// TestDamage: what was changed, taken out or put in is noticed.
func TestDamage(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	j := open(t, source)
	for i := range uint64(9) {
		if i%3 == 0 {
			j.whole = false // a file for every three
		}
		if err := j.Append(now, scan(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(dir string) error{
		"a file is taken out": func(dir string) error { return os.Remove(path(dir, 2)) },
		"files change places": func(dir string) error {
			return errors.Join(os.Rename(path(dir, 2), path(dir, 9)), os.Rename(path(dir, 3), path(dir, 2)))
		},
		"an entry is cut off":   func(dir string) error { return os.Truncate(path(dir, 2), int64(headSize)+100) },
		"a bit of an entry":     func(dir string) error { return flip(path(dir, 2), headSize+20) },
		"a bit of a chain hash": func(dir string) error { return flip(path(dir, 1), headSize+60) },
		"a bit of a head":       func(dir string) error { return flip(path(dir, 2), headSize-1) },
		"no journal at all":     func(dir string) error { return flip(path(dir, 1), 0) },
	} {
		dir := filepath.Join(t.TempDir(), "journal")
		if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Export(dir, now); err == nil {
			t.Errorf("%s: exported all the same", name)
		}
	}
}

func flip(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// TestRotation: the journal is bounded; the oldest go first, and the export says where
// it begins.
func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	written := uint64(0)
	for ; j.number < maxFiles+3; written++ {
		if err := j.Append(now, scan(written)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := list(dir)
	if err != nil || len(files) != maxFiles {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var size int64
	for _, n := range files {
		info, err := os.Stat(path(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		size = max(size, info.Size())
	}
	if size > maxFile {
		t.Errorf("a file of %d bytes", size)
	}
	if _, c := export(t, dir); c.First == 1 || c.Next != written+1 {
		t.Errorf("entries %d to before %d", c.First, c.Next)
	}
}

// TestEveryByte: no byte of an export can be changed.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, 2)
	b, _ := export(t, dir)
	for i := range b {
		b[i] ^= 1
		if _, err := Verify(b); err == nil {
			t.Errorf("byte %d of %d", i, len(b))
		}
		b[i] ^= 1
	}
	for i := range b {
		if _, err := Verify(b[:i]); err == nil {
			t.Errorf("cut off at %d", i)
		}
	}
}

func TestContinues(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	write(t, dir, 3)
	_, earlier := export(t, dir)
	if err := earlier.Continues(earlier); err != nil {
		t.Error(err)
	}
	write(t, dir, 2)
	_, later := export(t, dir)
	if err := later.Continues(earlier); err != nil {
		t.Error(err)
	}
	if err := earlier.Continues(later); !errors.Is(err, ErrOther) {
		t.Errorf("the earlier after the later: %v", err)
	}
	// Another terminal's, and a journal that was begun anew under the same key.
	write(t, other, 9)
	if _, c := export(t, other); !errors.Is(c.Continues(earlier), ErrOther) {
		t.Error("another terminal's journal continues this one")
	}
	if err := os.Remove(path(dir, 1)); err != nil {
		t.Fatal(err)
	}
	files, err := list(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range files {
		if err := os.Remove(path(dir, n)); err != nil {
			t.Fatal(err)
		}
	}
	j := open(t, dir)
	for range 9 {
		if err := j.Append(now.Add(time.Hour), scan(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, c := export(t, dir); !errors.Is(c.Continues(earlier), ErrOther) {
		t.Error("a journal that was begun anew continues the old one")
	}
}

// TestMarks: the same licence has the same mark on one terminal, and another on the
// next.
func TestMarks(t *testing.T) {
	t.Parallel()
	a, b := open(t, t.TempDir()), open(t, t.TempDir())
	if !bytes.Equal(a.Key().Mark(5), a.Key().Mark(5)) || bytes.Equal(a.Key().Mark(5), a.Key().Mark(6)) || bytes.Equal(a.Key().Mark(5), b.Key().Mark(5)) {
		t.Error("marks do not tell licences of one terminal apart, or tell those of two")
	}
	for i := range 3 {
		if err := a.Append(now.Add(time.Duration(i)*time.Minute), scan(uint64(i%2))); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Seen(a.dir, 0)
	if err != nil || len(found) != 2 || found[0].Sequence != 1 || found[1].Sequence != 3 {
		t.Errorf("%v, %v", found, err)
	}
}

func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	write(f, dir, 2)
	b, _ := export(f, dir)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Verify(b)
		if err != nil {
			return
		}
		if n := len(slices.Collect(c.Entries())); uint64(n) != c.Next-c.First {
			t.Errorf("%d entries, the head says %d", n, c.Next-c.First)
		}
	})
}
