package office_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/placement"
)

// travel opens the office with its clock some time ahead, and a clock of time stamps
// that is believed.
func travel(tb testing.TB, f *officetest.Fixture, ahead time.Duration) {
	tb.Helper()
	if err := f.Office.Close(); err != nil {
		tb.Fatal(err)
	}
	now := func() time.Time { return time.Now().Add(ahead) }
	start := time.Now()
	read := func() tsa.Reading { return tsa.Reading{Wall: now(), Monotonic: time.Since(start)} }
	var err error
	f.Office, err = office.Open(f.Dir, office.Options{Options: datafolder.Options{Now: now}, Clock: tsa.ClockSettings{Read: read, Probe: tsa.DeclaredClock(100 * time.Millisecond)}})
	if err != nil {
		tb.Fatal(err)
	}
}

// leveled is a document with a seal at a level.
func leveled(tb testing.TB, f *officetest.Fixture, level office.Level) []byte {
	tb.Helper()
	place := placement.Place{Pages: "1", X: 60, Y: 60}
	sealed, err := f.Office.Stamp(ctx, "test", blank(tb, 1), office.StampRequest{SealID: f.Seal.ID, Place: place, TimeStamp: level != office.LevelB})
	if err != nil {
		tb.Fatal(err)
	}
	if level == office.LevelLT || level == office.LevelLTA {
		return preserved(tb, f, content(tb, sealed), level)
	}
	return content(tb, sealed)
}

func preserved(tb testing.TB, f *officetest.Fixture, file []byte, level office.Level) []byte {
	tb.Helper()
	kept, err := f.Office.Preserve(ctx, "test", open(tb, file), level)
	if err != nil {
		tb.Fatal(err)
	}
	return content(tb, kept)
}

// says inspects a file in the office, as of its clock.
func says(tb testing.TB, f *officetest.Fixture, file []byte) inspect.Inspection {
	tb.Helper()
	found, err := inspector(tb, f).File(ctx, file)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// TestLevels: without proof of time a seal can be believed while its certificate lasts;
// with a time stamp longer; and longest where the stamp is renewed before its own
// authority's certificate ends.
func TestLevels(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	travel(t, f, 0)
	files := make(map[office.Level][]byte)
	for _, level := range office.Levels() {
		files[level] = leveled(t, f, level)
		found := says(t, f, files[level])
		if found.Verdict != verify.Valid {
			t.Fatalf("%s: %s, %s", level, found.Verdict, found.Cause)
		}
		if s := found.Document.Signatures[0]; (s.ProvenAt == "") != (level == office.LevelB) {
			t.Errorf("%s: proven at %q", level, s.ProvenAt)
		}
		if n := len(found.Document.Signatures); (n == 2) != (level == office.LevelLTA) {
			t.Errorf("%s: %d signatures", level, n)
		}
		path := filepath.Join(t.TempDir(), "file.pdf")
		if err := os.WriteFile(path, files[level], 0o600); err != nil {
			t.Fatal(err)
		}
		tooltest.Run(t, "qpdf", "--check", path)
	}
	// Whatever is added, a changed byte is found.
	lta := files[office.LevelLTA]
	broken := append([]byte{}, lta...)
	broken[len(broken)/3] ^= 1
	if found, err := inspector(t, f).File(ctx, broken); err == nil && found.Verdict == verify.Valid {
		t.Error("a changed file of the highest level is valid")
	}
	// What is in order already is not preserved without need, but may be; what is not in
	// order never is.
	if _, err := f.Office.Preserve(ctx, "test", blank(t, 1), office.LevelLTA); !errors.Is(err, office.ErrNotInOrder) {
		t.Errorf("a file without signature: %v", err)
	}
	if _, err := f.Office.Preserve(ctx, "test", open(t, files[office.LevelB]), office.LevelT); err == nil {
		t.Error("a level that adds nothing is added")
	}

	day := 24 * time.Hour
	travel(t, f, 500*day)
	// The root's list has ended by then: without a new one nobody knows what it revoked.
	if _, err := f.Office.Preserve(ctx, "test", open(t, lta), office.LevelLTA); !errors.Is(err, office.ErrIncomplete) {
		t.Errorf("renewed without a list of the root: %v", err)
	}
	if _, err := f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0); err != nil {
		t.Fatal(err)
	}
	renewed := preserved(t, f, lta, office.LevelLTA)
	for level, file := range files {
		found := says(t, f, file)
		want := verify.Valid
		if level == office.LevelB {
			want = verify.NoData
		}
		if found.Verdict != want || want == verify.NoData && found.CauseCode != "time_not_proven" {
			t.Errorf("%s after 500 days: %s, %s", level, found.Verdict, found.Cause)
		}
	}
	if found := says(t, f, renewed); found.Verdict != verify.Valid || len(found.Document.Signatures) != 3 {
		t.Errorf("renewed: %s, %s", found.Verdict, found.Cause)
	}
}

// TestTimeStampNeedsAClock: while the clock is not proven nothing is stamped with a time,
// and nothing is half done.
func TestTimeStampNeedsAClock(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	unproven := func() tsa.Probe { return tsa.DeclaredClock(time.Hour) }()
	if f.Office, err = office.Open(f.Dir, office.Options{Clock: tsa.ClockSettings{Probe: unproven}}); err != nil {
		t.Fatal(err)
	}
	_, err = f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}, TimeStamp: true})
	if err == nil || !strings.Contains(err.Error(), "time stamp") {
		t.Errorf("a time stamp without a clock: %v", err)
	}
	r, err := f.Office.Seal(ctx, f.Seal.ID)
	if err != nil || r.Uses != 0 {
		t.Errorf("a use of the seal is recorded: %d, %v", r.Uses, err)
	}
}
