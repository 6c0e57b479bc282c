package office_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/verify"
)

// outcome is a document of an archive in words: its name, and kept, due, renewed or failed.
func outcome(d office.Archived) string {
	switch {
	case d.Err != nil:
		return d.File + " failed"
	case d.Renewed:
		return d.File + " renewed"
	case d.Due:
		return d.File + " due"
	}
	return d.File + " kept"
}

func renewed(tb testing.TB, a *office.Archive) ([]string, error) {
	tb.Helper()
	var all []string
	err := a.Renew(ctx, "test", func(d office.Archived) error {
		all = append(all, outcome(d))
		return nil
	})
	return all, err
}

func wantOutcomes(tb testing.TB, when string, got []string, want ...string) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Errorf("%s: %q, want %q", when, got, want)
	}
}

// TestArchive: what has no proof gets one, what ends is renewed, and what is not in order,
// or no signed document, is named and left alone.
func TestArchive(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	travel(t, f, 0)
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	sealed := leveled(t, f, office.LevelB)
	changed := append(bytes.Clone(sealed), "% more"...)
	write("2026/plain.PDF", sealed)
	write("broken.pdf", changed)
	write("kept.pdf", leveled(t, f, office.LevelLTA))
	write("no.pdf", []byte("no document"))
	write("stamped.pdf", leveled(t, f, office.LevelT))
	empty := typeset.New(typeset.Info{Title: "空白", Time: noon()})
	empty.Page(210, 297)
	unsigned, err := empty.PDF()
	if err != nil {
		t.Fatal(err)
	}
	write("unsigned.pdf", unsigned)
	write("note.txt", []byte("not looked at"))
	write(".tmp-kept.pdf-123", []byte("half-writ"))
	write("2026/.tmp-new.pdf-1", []byte("being written"))
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, ".tmp-kept.pdf-123"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "kept.pdf"), filepath.Join(dir, "link.pdf")); err != nil {
		t.Fatal(err)
	}
	archive := func(within time.Duration) *office.Archive {
		t.Helper()
		a, err := f.Office.Archive(dir, within)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := archive(office.ArchiveWithin)
	var seen []string
	if err := a.Examine(ctx, func(d office.Archived) error { seen = append(seen, outcome(d)); return nil }); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, "examined", seen, "2026/plain.PDF due", "broken.pdf failed", "kept.pdf kept", "no.pdf failed", "stamped.pdf due", "unsigned.pdf failed")
	kept := read("kept.pdf")
	got, err := renewed(t, a)
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, "renewed", got, "2026/plain.PDF renewed", "broken.pdf failed", "kept.pdf kept", "no.pdf failed", "stamped.pdf renewed", "unsigned.pdf failed")
	after := read("2026/plain.PDF")
	if !bytes.HasPrefix(after, sealed) || says(t, f, after).Verdict != verify.Valid || !bytes.Equal(read("broken.pdf"), changed) || !bytes.Equal(read("kept.pdf"), kept) {
		t.Error("a document is not what it was, and more")
	}
	if info, err := os.Stat(filepath.Join(dir, "2026/plain.PDF")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the renewed file: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".tmp-kept.pdf-123")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left half-written stays: %v", err)
	}
	read("2026/.tmp-new.pdf-1")
	wantRenewal(t, f, sealed, after)
	got, err = renewed(t, a)
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, "once more", got, "2026/plain.PDF kept", "broken.pdf failed", "kept.pdf kept", "no.pdf failed", "stamped.pdf kept", "unsigned.pdf failed")
	if !bytes.Equal(read("2026/plain.PDF"), after) {
		t.Error("a document that is not due was written")
	}
	unlock, err := durable.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := renewed(t, a); !errors.Is(err, durable.ErrInUse) {
		t.Errorf("two at once: %v", err)
	}
	unlock()

	// A year on: within two years of its end nothing is due yet; the certificate lasts
	// five. Four years on it is, and the authority's certificate is the same: another
	// stamp of it would be no use. With a new key all are renewed.
	for _, name := range []string{"broken.pdf", "no.pdf", "unsigned.pdf"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	year := 365 * 24 * time.Hour
	travel(t, f, 4*year)
	if _, err := f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0); err != nil {
		t.Fatal(err)
	}
	got, err = renewed(t, archive(year/2))
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, "four years on, half a year ahead", got, "2026/plain.PDF kept", "kept.pdf kept", "stamped.pdf kept")
	a = archive(2 * year)
	if got, err := renewed(t, a); !errors.Is(err, office.ErrShortStamp) || len(got) != 0 {
		t.Errorf("renewed with a certificate that ends: %q, %v", got, err)
	}
	if !bytes.Equal(read("2026/plain.PDF"), after) {
		t.Error("a renewal of no use was written")
	}
	if err := f.Office.RotateKey(ctx, "test", "tsa", 0, nil); err != nil {
		t.Fatal(err)
	}
	got, err = renewed(t, a)
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, "with a new key", got, "2026/plain.PDF renewed", "kept.pdf renewed", "stamped.pdf renewed")
	travel(t, f, 6*year)
	if _, err := f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0); err != nil {
		t.Fatal(err)
	}
	if found := says(t, f, read("2026/plain.PDF")); found.Verdict != verify.Valid {
		t.Errorf("six years on: %s, %s", found.Verdict, found.Cause)
	}
	if found := says(t, f, after); found.Verdict == verify.Valid {
		t.Error("six years on a document that was not renewed is valid still: the control is none")
	}
}

// wantRenewal looks for the entry of a renewal in the audit log.
func wantRenewal(tb testing.TB, f *officetest.Fixture, before, after []byte) {
	tb.Helper()
	was, is, found := sm3.Sum(before), sm3.Sum(after), 0
	err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Act == audit.ActDocumentRenew && e.Subject == hex.EncodeToString(was[:]) && bytes.Equal(e.Digest, is[:]) && e.Actor == "test" {
			found++
		}
		return nil
	})
	if err != nil || found != 1 {
		tb.Errorf("%d entries of the renewal, %v", found, err)
	}
}

// TestArchiveRefuses: what is no archive.
func TestArchiveRefuses(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, within := range map[string]time.Duration{
		file: office.ArchiveWithin, file + "-none": office.ArchiveWithin, filepath.Dir(file): time.Hour, filepath.Dir(file) + "/": 3 * 365 * 24 * time.Hour,
	} {
		if _, err := f.Office.Archive(dir, within); err == nil {
			t.Errorf("%s within %v is an archive", strings.TrimPrefix(dir, filepath.Dir(file)), within)
		}
	}
}
