package office_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal/placement"
)

// entries returns the entries of the log from an index on.
func entries(tb testing.TB, f *officetest.Fixture, from uint64) []auditlog.Entry {
	tb.Helper()
	var all []auditlog.Entry
	err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Index >= from {
			all = append(all, e)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// TestEveryActIsLogged: each act leaves exactly its entries, with who did it.
func TestEveryActIsLogged(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if first := entries(t, f, 0)[0]; first.Act != audit.ActStoreCreate || first.Actor != "test" {
		t.Errorf("the log begins with %+v, want store.create", first)
	}
	category, application := f.Application(t, "004")
	var r licence.Record
	var code office.Code
	id := func() licence.Identifier { return r.Licence.Identifier }
	options := office.IssueOptions{RequestID: "same"}
	phone := enrol(t, f, "张样例", "1234")
	for _, tt := range []struct {
		name string
		do   func(actor string) error
		want []audit.Act
	}{
		{"issue", func(actor string) (err error) {
			r, err = f.Office.Issue(ctx, actor, category.ID, application, options)
			return err
		}, []audit.Act{audit.ActLicenceIssue}},
		{"issue again", func(actor string) error {
			_, err := f.Office.Issue(ctx, actor, category.ID, application, options)
			return err
		}, []audit.Act{audit.ActLicenceLook}},
		{"show", func(actor string) error { _, err := f.Office.Licence(ctx, actor, id()); return err }, []audit.Act{audit.ActLicenceLook}},
		{"list", func(actor string) error { _, err := f.Office.Licences(ctx, actor, 0, 10); return err }, []audit.Act{audit.ActLicenceLook}},
		{"code", func(actor string) (err error) { code, err = f.Office.Code(ctx, actor, r); return err }, []audit.Act{audit.ActLicenceCode}},
		{"pdf", func(actor string) error { _, err := f.Office.PDF(ctx, actor, r); return err }, []audit.Act{audit.ActLicenceCode, audit.ActSealUse}},
		{"suspend", func(actor string) error {
			_, err := f.Office.Step(ctx, actor, id(), licence.Suspend, "理由")
			return err
		}, []audit.Act{audit.ActLicenceSuspend}},
		{"revoke", func(actor string) error {
			_, err := f.Office.Step(ctx, actor, id(), licence.Revoke, "理由")
			return err
		}, []audit.Act{audit.ActLicenceRevoke}},
		{"publish", func(actor string) error { _, err := f.Office.Publish(ctx, actor); return err }, []audit.Act{audit.ActTrustPublish}},
		{"sign", func(string) error {
			_, err := phone.sign(t, f, blank(t, 1), placement.Place{Pages: "1", X: 100, Y: 100}, "1234")
			return err
		}, []audit.Act{audit.ActCloudTry, audit.ActCloudSign}},
		{"erase", func(actor string) error {
			_, err := f.Office.EraseDetailsOf(ctx, actor, "依申请", id().String())
			return err
		}, []audit.Act{audit.ActDetailsErase, audit.ActDetailsErase}},
	} {
		before := uint64(len(entries(t, f, 0)))
		actor := "officer of " + tt.name
		if tt.name == "sign" {
			actor = "test" // as the run was begun
		}
		if err := tt.do(actor); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var got []audit.Act
		for _, e := range entries(t, f, before) {
			got = append(got, e.Act)
			if e.Actor != actor {
				t.Errorf("%s: entry %+v, want actor %q", tt.name, e, actor)
			}
			if digest := sm3.Sum(r.Signed); e.Act == audit.ActLicenceLook && string(e.Digest) != string(digest[:]) {
				t.Errorf("%s: the look does not say at what", tt.name)
			}
			if digest := sm3.Sum([]byte(code.Digits)); tt.name == "code" && string(e.Digest) != string(digest[:]) {
				t.Errorf("%s: the entry does not say which code", tt.name)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s leaves %v, want %v", tt.name, got, tt.want)
		}
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}

// TestNoLookWithoutEntry: what cannot be recorded is not shown.
func TestNoLookWithoutEntry(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "004")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for name, do := range map[string]func(ctx context.Context, actor string) (any, error){
		"show": func(ctx context.Context, actor string) (any, error) {
			r, err := f.Office.Licence(ctx, actor, r.Licence.Identifier)
			return r.Licence, err
		},
		"list": func(ctx context.Context, actor string) (any, error) {
			all, err := f.Office.Licences(ctx, actor, 0, 10)
			return (*licence.Licence)(nil), errors.Join(err, map[bool]error{true: errors.New("shown")}[len(all) > 0])
		},
		"code": func(ctx context.Context, actor string) (any, error) {
			c, err := f.Office.Code(ctx, actor, r)
			return (*licence.Licence)(nil), errors.Join(err, map[bool]error{true: errors.New("shown")}[c.Digits != ""])
		},
	} {
		if shown, err := do(gone, "officer"); !errors.Is(err, context.Canceled) || shown != (*licence.Licence)(nil) || strings.Contains(err.Error(), "shown") {
			t.Errorf("%s when nothing can be recorded: %v, %v", name, shown, err)
		}
		if shown, err := do(ctx, strings.Repeat("长", 100)); !errors.Is(err, audit.ErrEntry) || shown != (*licence.Licence)(nil) || strings.Contains(err.Error(), "shown") {
			t.Errorf("%s by a name that cannot be recorded: %v, %v", name, shown, err)
		}
	}
}

// TestWitnessedByTimeFiles: the files that scanners cache are witnesses of the log,
// and notice that an older copy was put in the store's place.
func TestWitnessedByTimeFiles(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	store := filepath.Join(f.Dir, "elicence.db")
	older, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	f.Issue(t, "004")
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	file, err := f.Office.TrustFile(ctx, "time")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := f.Office.AuditLog().Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w, err := auditlog.OpenWitness("time", file, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx, w); err != nil {
		t.Errorf("the log and its own time file: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := f.Office.AuditLog().Verify(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v, want context.Canceled", err)
	}
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := office.Open(f.Dir, office.Options{}); !errors.Is(err, datafolder.ErrOlderStore) {
		t.Errorf("an older copy: %v, want ErrOlderStore", err)
	}
	// Whoever puts back the whole folder puts this back as well.
	if err := os.Remove(filepath.Join(f.Dir, "high-water")); err != nil {
		t.Fatal(err)
	}
	o, err := office.Open(f.Dir, office.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.AuditLog().Verify(ctx); err != nil {
		t.Errorf("an older copy is whole in itself, but: %v", err)
	}
	var found *audit.ContradictionError
	if size, _, err := o.AuditLog().Verify(ctx, w); !errors.As(err, &found) || found.Witness != "time" {
		t.Errorf("an older copy: %d, %v, want a contradiction with the time file", size, err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
