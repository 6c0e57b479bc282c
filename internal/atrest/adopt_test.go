package atrest_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
)

// TestAdoptOlder: a store that was put back is taken over with a reason and not without. What was erased since is erased
// again, no place is given out twice, and the folder opens as before.
func TestAdoptOlder(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	kept, gone := f.Issue(t, "004"), f.Issue(t, "066")
	if _, err := f.Office.Step(ctx, "test", gone.Licence.Identifier, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	f.Reopen(t) // everything is on the disk
	store := filepath.Join(f.Dir, "elicence.db")
	older, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	lost := f.Issue(t, "110")
	if _, err := f.Office.ApplyErasure(ctx, "甲", gone.Licence.Identifier, true, "依法"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.ApproveErasure(ctx, "乙", gone.Licence.Identifier); err != nil {
		t.Fatal(err)
	}
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, older, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		if o, err := office.Open(f.Dir, office.Options{Options: datafolder.Options{Now: c.now}}); !errors.Is(err, datafolder.ErrOlderStore) {
			t.Fatalf("opened: %v, %v, want ErrOlderStore", o, err)
		}
	}
	adopt := func(reason string) error {
		t.Helper()
		o, err := office.Open(f.Dir, office.Options{Options: datafolder.Options{Now: c.now, Older: true}})
		if err != nil {
			t.Fatal(err)
		}
		return errors.Join(atrest.AdoptOlder(ctx, o, "test", reason), o.Close())
	}
	refused()
	if err := adopt(""); err == nil {
		t.Error("adopted without a reason")
	}
	refused()
	if err := adopt("演练"); err != nil {
		t.Fatal(err)
	}
	if err := adopt("演练"); err == nil {
		t.Error("adopted twice")
	}
	f.Reopen(t)
	officetest.Whole(t, f.Office)
	if _, err := f.Office.Licence(ctx, "test", kept.Licence.Identifier); err != nil {
		t.Error(err)
	}
	if _, err := f.Office.Licence(ctx, "test", gone.Licence.Identifier); !errors.Is(err, licence.ErrErased) {
		t.Errorf("what was erased since: %v, want ErrErased", err)
	}
	if again := f.Issue(t, "110"); slices.Contains([]licence.StatusRef{lost.Licence.Status, gone.Licence.Status, kept.Licence.Status}, again.Licence.Status) {
		t.Errorf("place %v is given out twice", again.Licence.Status)
	}
}
