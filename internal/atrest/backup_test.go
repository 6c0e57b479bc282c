package atrest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

var ctx = context.Background()

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// hall is a terminal that remembers, as hallscan does.
type hall struct {
	t        *testing.T
	c        *clock
	state    *trust.State
	previous *trust.Cache
}

func newHall(t *testing.T, c *clock) *hall {
	t.Helper()
	state, err := trust.NewState(nil, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return &hall{t: t, c: c, state: state}
}

// take exports an office's trust files to a folder and takes them, or says why not.
func (h *hall) take(f *officetest.Fixture) (string, error) {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "trust")
	if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
		h.t.Fatal(err)
	}
	cache, err := trust.Load(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: h.c.now, State: h.state, Previous: h.previous})
	if err == nil {
		h.previous = cache
	}
	return dir, err
}

func (h *hall) says(digits string) verify.Verdict {
	h.t.Helper()
	return verify.New(h.previous, verify.Options{Second: second.Opinion{}, Now: h.c.now, Replays: verify.NewMemory(10)}).Text(digits).Verdict
}

// TestRestoreDrill is the loss of a data folder: what was issued before the backup is
// there, what came later is lost and known to be lost, no place is given out twice, and
// terminals that knew the lost service take the next trust files of the restored one.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	terminal := newHall(t, c)
	kept, lateRevoked, lateSuspended := f.Issue(t, "004"), f.Issue(t, "066"), f.Issue(t, "100")
	code := func(f *officetest.Fixture, r licence.Record) string {
		t.Helper()
		code, err := f.Office.Code(ctx, "test", r)
		if err != nil {
			t.Fatal(err)
		}
		return code.Digits
	}
	keptCode, revokedCode, suspendedCode := code(f, kept), code(f, lateRevoked), code(f, lateSuspended)
	if _, err := terminal.take(f); err != nil {
		t.Fatal(err)
	}
	content := f.Backup(t)

	// Life goes on, and is lost.
	given := map[licence.StatusRef]bool{kept.Licence.Status: true, lateRevoked.Licence.Status: true, lateSuspended.Licence.Status: true}
	c.at = c.at.Add(time.Hour)
	lost := f.Issue(t, "110")
	lostCode := code(f, lost)
	given[lost.Licence.Status] = true
	for step, r := range map[licence.Step]licence.Record{licence.Revoke: lateRevoked, licence.Suspend: lateSuspended} {
		if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, step, "测试事由"); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		c.at = c.at.Add(15 * time.Minute)
		if _, err := f.Office.Publish(ctx, "test"); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := terminal.take(f)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}

	c.at = c.at.Add(time.Hour)
	dir := filepath.Join(t.TempDir(), "restored")
	options := officetest.Restoring(datafolder.Options{Now: c.now}, f.RecordKeys(t))
	options.Published = os.DirFS(seen)
	done, err := atrest.Restore(ctx, dir, bytes.NewReader(content), options)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(done.Revoked, []string{lateRevoked.Licence.Identifier.String()}) || !slices.Equal(done.Suspended, []string{lateSuspended.Licence.Identifier.String()}) {
		t.Errorf("restored with the published files: %+v", done)
	}
	if done.LogSeen == nil || *done.LogSeen <= done.LogSize || done.Checked.Licences != 3 {
		t.Errorf("the loss is not told: %+v", done)
	}
	restored := officetest.Open(t, dir, c.now)
	if _, err := restored.Office.Licence(ctx, "test", lost.Licence.Identifier); !errors.Is(err, licence.ErrNotFound) {
		t.Errorf("a licence of after the backup: %v", err)
	}

	// No place twice, whatever is issued now.
	var again licence.Record
	for _, category := range []string{"110", "121", "153", "195"} {
		again = restored.Issue(t, category)
		if given[again.Licence.Status] {
			t.Errorf("place %v is given out twice", again.Licence.Status)
		}
		given[again.Licence.Status] = true
	}

	// The terminal of before takes what is published now, and keeps what it knew.
	if _, err := terminal.take(restored); err != nil {
		t.Fatalf("the terminal refuses the restored service: %v", err)
	}
	for what, want := range map[string]struct {
		code string
		verify.Verdict
	}{
		"kept": {keptCode, verify.Valid}, "revoked after the backup": {revokedCode, verify.Revoked}, "suspended after the backup": {suspendedCode, verify.Suspended},
		"issued after the backup and lost": {lostCode, verify.Valid}, "issued after the restore": {code(restored, again), verify.Valid},
	} {
		if got := terminal.says(want.code); got != want.Verdict {
			t.Errorf("%s: %s, want %s", what, got, want.Verdict)
		}
	}

	// The log says what happened, and an outside witness notices what is lost.
	found := false
	err = restored.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		found = found || e.Act == audit.ActStoreRestore
		return nil
	})
	if err != nil || !found {
		t.Errorf("the restore is not in the log: %v", err)
	}
	keys, err := restored.Office.AuditLog().Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	witnessed, err := auditlog.OpenWitness("witness", checkpoint.Signed, keys...)
	if err != nil {
		t.Fatal(err)
	}
	var contradiction *audit.ContradictionError
	if _, _, err := restored.Office.AuditLog().Verify(ctx, witnessed); !errors.As(err, &contradiction) {
		t.Errorf("the witness of what is lost: %v, want an *audit.ContradictionError", err)
	}
	if _, _, err := restored.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}

// TestRestoreAlone: without the published files no place is given out twice either, and a
// terminal that knows no later revocation takes what comes.
func TestRestoreAlone(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	terminal := newHall(t, c)
	f.Issue(t, "004")
	content := f.Backup(t)
	lost := f.Issue(t, "110")
	c.at = c.at.Add(time.Hour)
	if _, err := terminal.take(f); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := atrest.Restore(ctx, dir, bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, f.RecordKeys(t))); err != nil {
		t.Fatal(err)
	}
	restored := officetest.Open(t, dir, c.now)
	if again := restored.Issue(t, "110"); again.Licence.Status == lost.Licence.Status || again.Licence.Status.List == lost.Licence.Status.List {
		t.Errorf("the new licence is at %v, the lost one at %v", again.Licence.Status, lost.Licence.Status)
	}
	if _, err := terminal.take(restored); err != nil {
		t.Errorf("the terminal refuses the restored service: %v", err)
	}
	// Once more, over data and from a restored one.
	if _, err := atrest.Restore(ctx, dir, bytes.NewReader(content), officetest.Restoring(datafolder.Options{}, nil)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over data: %v, want fs.ErrExist", err)
	}
	next := filepath.Join(t.TempDir(), "next")
	if _, err := atrest.Restore(ctx, next, bytes.NewReader(restored.Backup(t)), officetest.Restoring(datafolder.Options{Now: c.now}, restored.RecordKeys(t))); err != nil {
		t.Errorf("a backup of a restored folder: %v", err)
	}
}

// TestRestoreRefuses: what is cut off or does not agree leaves nothing behind.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	f.Issue(t, "004")
	content := f.Backup(t)
	parent := t.TempDir()
	for _, size := range []int{0, 1, 100, len(content) / 2, len(content) - 1} {
		if _, err := atrest.Restore(ctx, filepath.Join(parent, "restored"), bytes.NewReader(content[:size]), officetest.Restoring(datafolder.Options{}, f.RecordKeys(t))); err == nil {
			t.Errorf("%d of %d bytes are restored", size, len(content))
		}
	}
	// Without the record keys, with half of them, or with those of another service.
	place := filepath.Join(parent, "restored")
	if _, err := atrest.Restore(ctx, place, bytes.NewReader(content), officetest.Restoring(datafolder.Options{}, nil)); !errors.Is(err, atrest.ErrNoRecordKeys) {
		t.Errorf("without the record keys: %v, want ErrNoRecordKeys", err)
	}
	half := io.LimitReader(f.RecordKeys(t), 100)
	for what, keys := range map[string]io.Reader{"half of the record keys": half, "those of another service": officetest.New(t).RecordKeys(t), "something else": bytes.NewReader(content)} {
		if _, err := atrest.Restore(ctx, place, bytes.NewReader(content), officetest.Restoring(datafolder.Options{}, keys)); err == nil {
			t.Errorf("restored with %s", what)
		}
	}
	// Where its office cannot be opened.
	options, failed := officetest.Restoring(datafolder.Options{}, f.RecordKeys(t)), errors.New("failed")
	options.Office = func(string) (atrest.OpenOffice, error) { return nil, failed }
	if _, err := atrest.Restore(ctx, place, bytes.NewReader(content), options); !errors.Is(err, failed) {
		t.Errorf("without an office: %v, want its error", err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestErasedStaysErased is the restore of a backup that is older than an erasure: with the record keys of now what was
// erased stays erased, in the register, beside the log and to terminals, and everything else is there.
func TestErasedStaysErased(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	gone, kept := f.Issue(t, "004"), f.Issue(t, "066")
	for _, r := range []licence.Record{gone, kept} {
		if _, err := f.Office.Code(ctx, "test", r); err != nil {
			t.Fatal(err)
		}
	}
	id := gone.Licence.Identifier
	if _, err := f.Office.Step(ctx, "test", id, licence.Revoke, "秘密的理由"); err != nil {
		t.Fatal(err)
	}
	content, oldKeys := f.Backup(t), f.RecordKeys(t)
	kinds := func(want bool) {
		t.Helper()
		r, err := atrest.Check(ctx, f.Office, false)
		if err != nil || r.RecordKeysKept == nil || *r.RecordKeysKept != want {
			t.Errorf("the record keys are kept: %+v, %v, want %t", r.RecordKeysKept, err, want)
		}
	}
	kinds(true)
	if _, err := f.Office.ApplyErasure(ctx, "甲", id, false, "本人申请"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.ApproveErasure(ctx, "乙", id); err != nil {
		t.Fatal(err)
	}
	kinds(false)
	c.at = c.at.Add(time.Hour)
	restored := func(keys io.Reader) (*officetest.Fixture, atrest.Restored) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "restored")
		done, err := atrest.Restore(ctx, dir, bytes.NewReader(content), officetest.Restoring(datafolder.Options{Now: c.now}, keys))
		if err != nil {
			t.Fatal(err)
		}
		return officetest.Open(t, dir, c.now), done
	}
	// The control: with record keys of before the erasure everything is there again.
	r, done := restored(oldKeys)
	if _, err := r.Office.Licence(ctx, "test", id); err != nil || len(done.Erased) != 0 {
		t.Errorf("with the record keys of before: %v, erased %v", err, done.Erased)
	}

	r, done = restored(f.RecordKeys(t))
	if !slices.Equal(done.Erased, []string{id.String()}) {
		t.Errorf("erased again: %v, want %s", done.Erased, id)
	}
	if _, err := r.Office.Licence(ctx, "test", id); !errors.Is(err, licence.ErrErased) {
		t.Errorf("the erased licence: %v, want ErrErased", err)
	}
	if got, err := r.Office.Licence(ctx, "test", kept.Licence.Identifier); err != nil || got.Licence.Number != kept.Licence.Number {
		t.Errorf("the other licence: %v", err)
	}
	h := gone.Licence.Holders[0]
	if all, err := r.Office.HolderLicences(ctx, "test", h.IDType, h.IDNumber); err != nil || len(all) > 0 {
		t.Errorf("the erased licence's holder has %d licences, %v", len(all), err)
	}
	if all, err := r.Office.Erasures(ctx); err != nil || len(all) != 1 || all[0].ApprovedBy == "" {
		t.Errorf("erasures %+v, %v", all, err)
	}
	erased := 0
	err := r.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Subject == id.String() && e.ErasedBy > 0 {
			erased++
		}
		return nil
	})
	if err != nil || erased == 0 {
		t.Errorf("%d entries are erased, %v", erased, err)
	}
	if _, _, err := r.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
	officetest.Whole(t, r.Office)
	// Entries under numbers of before have details again.
	again := r.Issue(t, "100")
	for _, step := range []licence.Step{licence.Suspend, licence.Resume, licence.Suspend, licence.Resume} {
		if _, err := r.Office.Step(ctx, "test", again.Licence.Identifier, step, "又一个理由"); err != nil {
			t.Fatal(err)
		}
	}
	officetest.Whole(t, r.Office)
	r.Reopen(t)
	officetest.Whole(t, r.Office)
}

// TestWholeFolderPutBack: who puts the whole data folder back to an earlier moment, with what
// it remembers of itself, is noticed by an outside witness of the audit log, and by a
// terminal that has seen later trust files.
func TestWholeFolderPutBack(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "004")
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	f.Reopen(t) // everything is on the disk
	older := officetest.CopyOf(t, f.Dir)
	c.at = c.at.Add(time.Hour)
	if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, licence.Revoke, "测试事由"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	terminal := newHall(t, c)
	if _, err := terminal.take(f); err != nil {
		t.Fatal(err)
	}
	checkpoint, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := f.Office.AuditLog().Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	back := officetest.Open(t, older, c.now) // nothing in the folder itself can tell
	witnessed, err := auditlog.OpenWitness("witness", checkpoint.Signed, keys...)
	if err != nil {
		t.Fatal(err)
	}
	var contradiction *audit.ContradictionError
	if _, _, err := back.Office.AuditLog().Verify(ctx, witnessed); !errors.As(err, &contradiction) {
		t.Errorf("the witness: %v, want an *audit.ContradictionError", err)
	}
	if _, err := terminal.take(back); err == nil {
		t.Error("the terminal takes older trust files")
	}
}
