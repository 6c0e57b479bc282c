package office_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
)

var errSource = errors.New("the source is broken")

// bulkItems are applications of category 038 with numbers from first on; the change may
// spoil one.
func bulkItems(tb testing.TB, f *officetest.Fixture, first, n int, change func(i int, a *licence.Application), end error) iter.Seq2[office.BulkItem, error] {
	tb.Helper()
	c, example := f.Application(tb, "038")
	return func(yield func(office.BulkItem, error) bool) {
		for i := range n {
			read := func() (*licence.Application, error) {
				a := *example
				a.Number = fmt.Sprintf("3401002026%04d", first+i)
				if change != nil {
					change(i, &a)
				}
				return &a, nil
			}
			if !yield(office.BulkItem{Line: i + 2, Category: c.ID, Read: read}, nil) {
				return
			}
		}
		if end != nil {
			yield(office.BulkItem{}, end)
		}
	}
}

// TestIssueAll: licences are stored in the order of their source, those with faults are
// told with theirs, and what the register holds is what single issue would have made.
func TestIssueAll(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	ctx := context.Background()
	taken := f.Issue(t, "038")
	spoil := func(i int, a *licence.Application) {
		switch i {
		case 3:
			a.Holder.IDNumber = "x"
		case 5:
			a.Number = taken.Licence.Number
		case 7:
			a.Number = "3401002026" + "0000" // that of the first
		case 9:
			a.Issuer = "11340100XN0000012K"
		}
	}
	var batches []office.BulkBatch
	err := f.Office.IssueAll(ctx, "test", bulkItems(t, f, 0, 12, spoil, nil), office.BulkOptions{Size: 5, Stored: func(b office.BulkBatch) error {
		batches = append(batches, b)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range batches {
		var numbers []string
		for _, l := range b.Issued {
			numbers = append(numbers, l.Number[10:])
			if err := f.Office.Findable(ctx, l); err != nil {
				t.Error(err)
			}
		}
		got = append(got, fmt.Sprint(b.Last, b.Lines, b.Faulty, len(b.Issued), numbers))
		for _, fault := range append(b.Invalid, b.Refused...) {
			got = append(got, fmt.Sprint(fault.Line, " ", fault.Field))
		}
	}
	want := "6 5 1 4 [0000 0001 0002 0004], 5 holder.id_number, 11 5 3 2 [0006 0008], 11 issuer, 7 number, 9 number, 13 2 0 2 [0010 0011]"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, ", "), want)
	}
	records, err := f.Office.Licences(ctx, "test", 0, 100)
	if err != nil || len(records) != 9 {
		t.Fatalf("%d licences, %v; want 9", len(records), err)
	}
	places := make(map[licence.StatusRef]bool)
	for _, r := range records {
		if places[r.Licence.Status] {
			t.Errorf("two licences have the place %+v", r.Licence.Status)
		}
		places[r.Licence.Status] = true
	}
	if _, _, err := f.Office.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}

// TestIssueAllEnds: what came before a broken source is issued; a refusal by the caller
// ends the work before the batch is stored; a mark that is not what it was stores nothing.
func TestIssueAllEnds(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	ctx := context.Background()
	issue := func(first, n int, end error, o office.BulkOptions) (int, error) {
		issued := 0
		o.Size = 3
		o.Stored = func(b office.BulkBatch) error { issued += len(b.Issued); return nil }
		err := f.Office.IssueAll(ctx, "test", bulkItems(t, f, first, n, nil, end), o)
		return issued, err
	}
	if n, err := issue(0, 7, errSource, office.BulkOptions{}); n != 7 || !errors.Is(err, errSource) {
		t.Errorf("broken source: %d issued, %v; want 7 and its error", n, err)
	}
	seen := 0
	if n, err := issue(100, 9, nil, office.BulkOptions{Before: func(office.BulkBatch) error {
		if seen++; seen == 2 {
			return errSource
		}
		return nil
	}}); n != 3 || !errors.Is(err, errSource) {
		t.Errorf("refused by the caller: %d issued, %v; want 3", n, err)
	}
	mark := func(office.BulkBatch, func(map[int]error) []office.LineFault) *office.Mark {
		return &office.Mark{Name: "test", Before: []byte("other"), After: func(map[int]error) ([]byte, error) { return []byte("mine"), nil }}
	}
	if n, err := issue(200, 3, nil, office.BulkOptions{Mark: mark}); n != 0 || !errors.Is(err, office.ErrSuperseded) {
		t.Errorf("a mark that is not there: %d issued, %v", n, err)
	}
	if n, err := issue(300, 5, nil, office.BulkOptions{DryRun: true}); n != 0 || err != nil {
		t.Errorf("dry run: %d issued, %v", n, err)
	}
	records, err := f.Office.Licences(ctx, "test", 0, 100)
	if err != nil || len(records) != 10 {
		t.Fatalf("%d licences, %v; want 10", len(records), err)
	}
	if n, err := issue(300, 5, nil, office.BulkOptions{}); n != 5 || err != nil {
		t.Errorf("after the dry run: %d issued, %v", n, err)
	}
}

// TestIssueAllBroken: what breaks while a batch is signed and the one before is stored ends
// the work. The batches that were told of are stored and no others, no place is used up by
// what is not, and keys may be exchanged again.
func TestIssueAllBroken(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(i int, item *office.BulkItem, stop func()){
		"a category that there is not": func(_ int, item *office.BulkItem, _ func()) { item.Category = 999 },
		"the caller goes away": func(i int, item *office.BulkItem, stop func()) {
			read := item.Read
			item.Read = func() (*licence.Application, error) { stop(); return read() }
		},
	} {
		for _, at := range []int{0, 4, 8, 11} {
			f := officetest.New(t)
			issuer := f.Issue(t, "038").Licence.Identifier.Issuer
			before, err := f.Office.Room(ctx, issuer)
			if err != nil {
				t.Fatal(err)
			}
			stopped, stop := context.WithCancel(ctx)
			source := func(yield func(office.BulkItem, error) bool) {
				i := 0
				for item, err := range bulkItems(t, f, 0, 15, nil, nil) {
					if i == at {
						broken(i, &item, stop)
					}
					if i++; !yield(item, err) {
						return
					}
				}
			}
			told := 0
			err = f.Office.IssueAll(stopped, "test", source, office.BulkOptions{Size: 3, Stored: func(b office.BulkBatch) error {
				told += len(b.Issued)
				return nil
			}})
			stop()
			if err == nil || told > at {
				t.Errorf("%s, application %d: %d are told of, %v", name, at, told, err)
			}
			stored, err := f.Office.Licences(ctx, "test", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			// One batch more may be stored when the caller goes away: its mark would tell.
			if more := len(stored) - 1 - told; more != 0 && (more != 3 || name == "a category that there is not") {
				t.Errorf("%s, application %d: %d are told of, %d are stored", name, at, told, len(stored)-1)
			}
			if after, err := f.Office.Room(ctx, issuer); err != nil || before-after != len(stored)-1 {
				t.Errorf("%s, application %d: %d places are used up by %d licences, %v", name, at, before-after, len(stored)-1, err)
			}
			if err := f.Office.RotateKey(ctx, "test", "checkpoint", 0, nil); err != nil {
				t.Errorf("%s, application %d: %v", name, at, err)
			}
		}
	}
}

// TestIssueAllLicencesLikeOne: bulk and single issue lead to the same licence of the same
// application, but for what is drawn.
func TestIssueAllLicencesLikeOne(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := officetest.At(t, func() time.Time { return now })
	ctx := context.Background()
	c, a := f.Application(t, "066")
	single, err := f.Office.Issue(ctx, "test", c.ID, a, office.IssueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var bulk *licence.Licence
	source := func(yield func(office.BulkItem, error) bool) {
		yield(office.BulkItem{Line: 1, Category: c.ID, Read: func() (*licence.Application, error) {
			b := *a
			var err error
			b.Number, err = idcode.USCC("91340199XN000999")
			b.Holder.IDNumber = b.Number
			return &b, err
		}}, nil)
	}
	err = f.Office.IssueAll(ctx, "test", source, office.BulkOptions{Stored: func(b office.BulkBatch) error {
		if len(b.Issued) != 1 {
			return fmt.Errorf("%+v", b)
		}
		bulk = b.Issued[0]
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	plain := func(l *licence.Licence) string {
		l = &licence.Licence{
			Category: l.Category, Schema: l.Schema, IssuerName: l.IssuerName, IssueDay: l.IssueDay, FirstDay: l.FirstDay, SignedAt: l.SignedAt,
			Identifier: licence.Identifier{Type: l.Identifier.Type, Issuer: l.Identifier.Issuer, Version: l.Identifier.Version},
			Holders:    []licence.Holder{{Name: l.Holders[0].Name, IDType: l.Holders[0].IDType}},
		}
		return fmt.Sprintf("%+v", *l)
	}
	if got, want := plain(bulk), plain(single.Licence); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if civil.Of(bulk.SignedAt) != civil.Of(now) {
		t.Errorf("signed at %s", bulk.SignedAt)
	}
}
