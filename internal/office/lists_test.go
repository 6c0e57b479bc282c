package office_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/verify"
)

// rewrite changes what an office has stored, behind its back.
func rewrite(t *testing.T, f *officetest.Fixture, c *clock, change func(*bbolt.Tx) error) {
	t.Helper()
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(f.Dir, "elicence.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(change)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if f.Office, err = office.Open(f.Dir, office.Options{Options: datafolder.Options{Now: c.now}}); err != nil {
		t.Fatal(err)
	}
}

// fill takes windows of a status list, as if everything in them had been given out.
func fill(t *testing.T, f *officetest.Fixture, c *clock, list uint32, from, to int) {
	t.Helper()
	rewrite(t, f, c, func(tx *bbolt.Tx) error {
		for w := from; w < to; w++ {
			key := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, list), uint16(w))
			if err := tx.Bucket([]byte("windows")).Put(key, bytes.Repeat([]byte{0xff}, 512)); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestPublishBesideDamage: a proposal that cannot be read is told, and holds no status list up.
func TestPublishBesideDamage(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	rewrite(t, f, c, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("proposals")).Put(bytes.Repeat([]byte{1}, len(licence.ProposalID{})), []byte("damaged"))
	})
	c.at = c.at.Add(time.Hour)
	changed, err := f.Office.Publish(t.Context(), "test")
	if err == nil || len(changed) == 0 {
		t.Errorf("%d files were published, %v", len(changed), err)
	}
}

// TestNextList: an authority whose status list fills up gets the next one while there is
// room, and goes on in it when there is none; a step reaches what is on either.
func TestNextList(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.At(t, c.now)
	lists := func() []uint64 {
		t.Helper()
		var all []uint64
		for _, l := range trustList(t, f, c).Issuers[0].Lists {
			all = append(all, l.List)
		}
		return all
	}
	r := f.Issue(t, "004")
	if got := lists(); len(got) != 1 {
		t.Fatalf("the authority has lists %v, want one", got)
	}
	windows := status.ListSize / 4096
	fill(t, f, c, 1, 1, windows-2)
	for range 2 {
		if got := lists(); len(got) != 2 {
			t.Fatalf("nearly full: the authority has lists %v, want two", got)
		}
	}
	if next := f.Issue(t, "066"); next.Licence.Status.List != 1 {
		t.Errorf("with room in list 1 a licence goes to list %d", next.Licence.Status.List)
	}
	fill(t, f, c, 1, 0, windows)
	next := f.Issue(t, "069")
	masked, err := f.Office.CodeOf(ctx, "test", r, disclose.Masked)
	if err != nil {
		t.Fatal(err)
	}
	code, err := f.Office.Code(ctx, "test", next)
	if err != nil {
		t.Fatal(err)
	}
	if next.Licence.Status.List != 2 {
		t.Errorf("with list 1 full a licence goes to list %d", next.Licence.Status.List)
	}
	hall := terminal(t, f, c)
	wantVerdict(t, hall, "a code of list 2", code.Digits, verify.Valid)
	wantVerdict(t, hall, "a further profile of a licence of list 1", masked.Digits, verify.Valid)
	if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, licence.Suspend, "测试"); err != nil {
		t.Fatal(err)
	}
	hall = terminal(t, f, c)
	wantVerdict(t, hall, "the profile after a suspension", masked.Digits, verify.Suspended)
	wantVerdict(t, hall, "another licence's code", code.Digits, verify.Valid)
}
