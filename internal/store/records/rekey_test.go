package records_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// rekeyDir names, to the process that is killed while it rekeys, the folder with the store
// and its keys.
const rekeyDir = "ELICENCE_TEST_REKEY_DIR"

// begin begins a rekeying of a store unless one is under way.
func begin(ctx context.Context, s *records.Store, box *sealed.Box) error {
	current, _, underWay, err := s.Generations(ctx)
	if err != nil || underWay {
		return err
	}
	if err := box.Begin(current + 1); err != nil {
		return err
	}
	entry, err := entryOf(audit.ActStoreRekey, "test")
	if err != nil {
		return err
	}
	return s.BeginRekey(ctx, current+1, 1700000000, entry)
}

func rekeyed(records.RekeyCounts) (audit.Record, error) {
	return entryOf(audit.ActStoreRekeyed, "test")
}

// rekeyForEver is the process that [TestRekey] kills.
func rekeyForEver(dir string) error {
	box, err := boxOf(dir)
	if err != nil {
		return err
	}
	s, err := openStore(filepath.Join(dir, "store.db"), box)
	if err != nil {
		return err
	}
	for {
		if err := begin(context.Background(), s, box); err != nil {
			return err
		}
		_, err := s.Rekey(context.Background(), func(c records.RekeyCounts) { _, _ = fmt.Printf("done %d\n", c.Total()) }, rekeyed)
		if err != nil {
			return err
		}
	}
}

// textsUnder counts the ciphertexts of a bbolt file by generation, as they lie there.
func textsUnder(t *testing.T, path string) map[sealed.Generation]int {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	under := make(map[sealed.Generation]int)
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("audit.beside")).ForEach(func(_, text []byte) error {
			under[sealed.GenerationOf(text)]++
			return nil
		})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return under
}

// TestRekey: a store of before licences had keys of their own is rekeyed by a process that
// is killed again and again. At every moment the register says what it said, what is
// written meanwhile is there, and at the end nothing is under a key of before: those can
// be destroyed.
func TestRekey(t *testing.T) {
	t.Parallel()
	dir, key := newSharedFolder(t), pkitest.NewKey(t)
	path := filepath.Join(dir, "store.db")
	open := func() (*records.Store, *sealed.Box) {
		t.Helper()
		box, err := boxOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := openStore(path, box)
		if err != nil {
			t.Fatal(err)
		}
		return s, box
	}
	s, _ := open()
	before := lived(t, s, key)
	for range 600 { // details enough for several pages
		r, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "officer", Act: audit.ActLicenceLook, Subject: "x"}, []byte("理由"))
		if err == nil {
			_, err = s.Append(t.Context(), r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := issueCredentials(s, key, 50); err != nil {
		t.Fatal(err)
	}
	before = everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		killChild(t, rekeyDir, dir, 1, time.Millisecond, func(string) {})
		s, _ := open()
		if after := everything(t, s); !reflect.DeepEqual(after, before) {
			t.Error("the register says something else while it is rekeyed")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, box := open()
	// An act in between, on a licence that may not have had its turn.
	id := before[0].Licence.Identifier
	entry, err := entryOf(audit.ActLicenceLook, id.String())
	if err == nil {
		_, err = s.Transition(t.Context(), licence.Transition{Identifier: id, Step: licence.Suspend, Reason: "其间", At: time.Unix(1700000200, 0), Audit: entry})
	}
	if err != nil {
		t.Fatal(err)
	}
	before = everything(t, s)
	if err := begin(t.Context(), s, box); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rekey(t.Context(), nil, rekeyed); err != nil {
		t.Fatal(err)
	}
	current, oldest, underWay, err := s.Generations(t.Context())
	if err != nil || underWay || current != oldest || current < sealed.First {
		t.Errorf("generations %d and %d, under way %t, %v", current, oldest, underWay, err)
	}
	if entry, err = entryOf(audit.ActStoreKeysEnd, "test"); err != nil {
		t.Fatal(err)
	}
	ended, err := s.EndKeys(t.Context(), entry)
	if err != nil || len(ended) == 0 {
		t.Errorf("ended %v, %v", ended, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys", "register", "record-1.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key of before is still there: %v", err)
	}
	if under := textsUnder(t, path); len(under) != 1 || under[current] < 600 {
		t.Errorf("texts beside the log are under generations %v", under)
	}
	s, _ = open()
	if after := everything(t, s); !reflect.DeepEqual(after, before) {
		t.Error("the register says something else after it was rekeyed")
	}
	_, err = s.Check(t.Context(), true, nil, func(f records.Fault) { t.Errorf("%+v", f) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestErasedWhileRekeyed: what is erased while a rekeying is under way is destroyed in both
// generations, and is not written back.
func TestErasedWhileRekeyed(t *testing.T) {
	t.Parallel()
	dir, key := newCrashFolder(t), pkitest.NewKey(t)
	box, err := boxOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openStore(filepath.Join(dir, "store.db"), box)
	if err != nil {
		t.Fatal(err)
	}
	all := lived(t, s, key)
	var gone licence.Record
	for _, r := range all {
		if r.State == licence.Revoked {
			gone = r
		}
	}
	if err := begin(t.Context(), s, box); err != nil {
		t.Fatal(err)
	}
	id, at := gone.Licence.Identifier, time.Unix(1700000300, 0).UTC()
	entry := func(act audit.Act) audit.Record {
		e, err := entryOf(act, id.String())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if err := s.ApplyErasure(t.Context(), licence.Erasure{Identifier: id, AppliedBy: "甲", AppliedAt: at}, entry(audit.ActLicenceEraseApply)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApproveErasure(t.Context(), id, "乙", at, entry(audit.ActLicenceErase)); err != nil {
		t.Fatal(err)
	}
	for g := sealed.First; g <= sealed.First+1; g++ {
		if _, err := box.Seal(g, sealed.KeyOf(id), gone.Licence.Status, "licence", []byte("x")); !errors.Is(err, sealed.ErrDestroyed) {
			t.Errorf("generation %d: %v, want ErrDestroyed", g, err)
		}
	}
	if _, err := s.Rekey(t.Context(), nil, rekeyed); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ByIdentifier(t.Context(), id); !errors.Is(err, licence.ErrErased) {
		t.Errorf("%v, want ErrErased", err)
	}
	_, err = s.Check(t.Context(), true, nil, func(f records.Fault) { t.Errorf("%+v", f) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}
