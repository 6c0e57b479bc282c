package atrest_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/licence"
)

// cutOffRenewal begins to renew look-up keys, and stops when some entries are moved.
func cutOffRenewal(t *testing.T, f *officetest.Fixture) {
	t.Helper()
	cut, stop := context.WithCancel(ctx)
	defer stop()
	_, err := atrest.RenewLookups(cut, f.Office.Folder(), "test", atrest.RenewalOptions{Progress: func(uint64) { stop() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("it is not cut off: %v", err)
	}
	if _, err := atrest.RenewLookups(ctx, f.Office.Folder(), "test", atrest.RenewalOptions{PrepareOnly: true}); err == nil {
		t.Fatal("no renewal is under way")
	}
}

// TestRenewalElsewhere: a renewal that was cut off half way goes on in a backup that is
// restored and in the database that the records were moved to. Nothing is lost, nothing is
// taken twice, before it goes on and after it.
func TestRenewalElsewhere(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	f := officetest.New(t)
	c, application := f.Application(t, "038")
	r, err := f.Office.Issue(ctx, "test", c.ID, application, office.IssueOptions{RequestID: "before"})
	if err != nil {
		t.Fatal(err)
	}
	gone := f.Issue(t, "004").Licence
	if _, err := f.Office.Step(ctx, "test", gone.Identifier, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.ApplyErasure(ctx, "甲", gone.Identifier, true, "依法"); err != nil {
		t.Fatal(err)
	}
	cutOffRenewal(t, f)
	content := f.Backup(t)
	moved := officetest.CopyOf(t, f.Dir)
	if _, err := f.Office.ApproveErasure(ctx, "乙", gone.Identifier); err != nil {
		t.Fatal(err)
	}
	keys := f.RecordKeys(t) // of after the erasure
	restored := filepath.Join(t.TempDir(), "restored")
	back, err := atrest.Restore(ctx, restored, bytes.NewReader(content), officetest.Restoring(datafolder.Options{}, keys))
	if err != nil || len(back.Erased) != 1 {
		t.Fatalf("erased again: %v, %v", back.Erased, err)
	}
	address := server.Database(t)
	if _, err := atrest.MoveStore(ctx, moved, atrest.MoveOptions{To: address, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	for what, open := range map[string]struct {
		dir     string
		options office.Options
	}{"restored": {restored, office.Options{}}, "moved": {moved, office.Options{Options: datafolder.Options{Store: address}}}} {
		o, err := office.Open(open.dir, open.options)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, when := range []string{"half way", "in the end"} {
			officetest.Whole(t, o)
			if err := o.Findable(ctx, r.Licence); err != nil {
				t.Errorf("%s, %s: %v", what, when, err)
			}
			again, err := o.Issue(ctx, "test", c.ID, application, office.IssueOptions{RequestID: "before"})
			if err != nil || again.Licence.Identifier != r.Licence.Identifier {
				t.Errorf("%s, %s: the same request leads to %s, %v", what, when, again.Licence.Identifier, err)
			}
			if _, err := o.Issue(ctx, "test", c.ID, application, office.IssueOptions{RequestID: "another"}); !errors.Is(err, licence.ErrNumberTaken) {
				t.Errorf("%s, %s: its number again: %v, want ErrNumberTaken", what, when, err)
			}
			held, err := o.HolderLicences(ctx, "test", gone.Holders[0].IDType, gone.Holders[0].IDNumber)
			if want := map[string]int{"restored": 0, "moved": 1}[what]; err != nil || len(held) != want {
				t.Errorf("%s, %s: the holder of what is to be erased has %d licences, want %d, %v", what, when, len(held), want, err)
			}
			if when == "half way" {
				done, err := atrest.RenewLookups(ctx, o.Folder(), "test", atrest.RenewalOptions{})
				if err != nil || done.Generation != 2 {
					t.Errorf("%s: renewed: %+v, %v", what, done, err)
				}
			}
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}
