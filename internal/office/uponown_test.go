package office_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/report"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/placement"
)

// anotherSeal is an approved seal of an owner.
func anotherSeal(tb testing.TB, f *officetest.Fixture, uscc, owner string) seal.Record {
	tb.Helper()
	r, err := f.Office.ApplySeal(ctx, officetest.Clerk, office.NewSeal{OwnerUSCC: uscc, OwnerName: owner, Design: f.Seal.Design})
	if err == nil {
		r, err = f.Office.ApproveSeal(ctx, officetest.Approver, r.ID)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// TestUponOwn: a seal is put upon another of its owner where that is asked for, and the verifier says
// of both what they are; upon anybody else's it is not put.
func TestUponOwn(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	personal := anotherSeal(t, f, f.Authority.USCC, f.Authority.Name)
	company := anotherSeal(t, f, "91340199XN0000012Q", "合肥测试样例科技有限公司")
	place := func(x float64) placement.Place { return placement.Place{Pages: "1", X: x, Y: 60} }
	sealed, err := f.Office.Stamp(ctx, "test", blank(t, 2), office.StampRequest{SealID: f.Seal.ID, Place: place(60)})
	if err != nil {
		t.Fatal(err)
	}
	first := content(t, sealed)
	for name, tc := range map[string]struct {
		request office.StampRequest
		refused string // empty: it is sealed
	}{
		"without a word":      {office.StampRequest{SealID: personal.ID, Place: place(80)}, "会盖住第 1 页上已有的印章"},
		"upon its own":        {office.StampRequest{SealID: personal.ID, Place: place(80), UponOwn: true}, ""},
		"right upon it":       {office.StampRequest{SealID: personal.ID, Place: place(60), UponOwn: true}, ""},
		"the same once more":  {office.StampRequest{SealID: f.Seal.ID, Place: place(80), UponOwn: true}, ""},
		"in CMS":              {office.StampRequest{SealID: personal.ID, Place: place(80), UponOwn: true, Profile: seal.ProfileCAdES}, ""},
		"beside it":           {office.StampRequest{SealID: company.ID, Place: place(130), UponOwn: true}, ""},
		"upon another's":      {office.StampRequest{SealID: company.ID, Place: place(80), UponOwn: true}, "同一单位"},
		"opaque":              {office.StampRequest{SealID: personal.ID, Place: place(80), UponOwn: true, Opaque: true}, "不透明"},
		"as a straddle seal":  {office.StampRequest{SealID: personal.ID, UponOwn: true, Straddle: &placement.Straddle{Edge: "right"}}, "骑缝章"},
		"with a code upon it": {office.StampRequest{SealID: personal.ID, Place: place(140), UponOwn: true, Number: "1", Code: &office.CodePlace{Page: 1, X: 60, Y: 60}}, "会盖住第 1 页上已有的印章"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sealed, err := f.Office.Stamp(ctx, "test", open(t, first), tc.request)
			if tc.refused != "" {
				if err == nil || !strings.Contains(bilingual.Text(err), tc.refused) {
					t.Errorf("%v, want %s", err, tc.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkUpon(t, f, content(t, sealed), name != "beside it")
		})
	}
	t.Run("in a batch", func(t *testing.T) {
		t.Parallel()
		var out []byte
		one := office.BatchDocument{
			Open: func() (*pdf.Document, error) { return open(t, first), nil }, Close: func() {},
			Release: func(_ context.Context, p *pdf.Prepared) error { out = content(t, p); return nil },
		}
		err := f.Office.StampBatch(ctx, "test", office.StampRequest{SealID: personal.ID, Place: place(80), UponOwn: true}, []office.BatchDocument{one}, func(_ int, _ string, err error) {
			if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		checkUpon(t, f, out, true)
	})
}

// checkUpon wants a document in order, of which it is said that its first seal has another upon it.
func checkUpon(t *testing.T, f *officetest.Fixture, file []byte, upon bool) {
	t.Helper()
	found, err := inspector(t, f).File(ctx, file)
	if err != nil || found.Verdict != verify.Valid {
		t.Fatalf("%s (%s), %v", found.Verdict, found.Cause, err)
	}
	lower, upper := found.Document.Signatures[0], found.Document.Signatures[1]
	i := slices.IndexFunc(lower.Changes, func(c inspect.ChangeFinding) bool { return c.Kind == string(revision.SealUponSeal) })
	if (i >= 0) != upon || len(upper.Changes) > 0 || lower.SealInfo.OnPage != "same" || upper.SealInfo.OnPage != "same" {
		t.Fatalf("below %+v, %s; above %+v, %s", lower.Changes, lower.SealInfo.OnPage, upper.Changes, upper.SealInfo.OnPage)
	}
	if !upon {
		return
	}
	if c := lower.Changes[i]; c.Field != upper.Field || !slices.Equal(c.Over, []string{lower.Field}) || c.Page != 1 {
		t.Errorf("%+v", c)
	}
	if text := strings.Join(report.Lines(found.Document), "\n"); !strings.Contains(text, "叠盖在已有的签章“Seal1”之上") {
		t.Errorf("the report does not say so:\n%s", text)
	}
}

// TestUponOwnRevoked: under a seal that counts no more nothing is in order.
func TestUponOwnRevoked(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	personal := anotherSeal(t, f, f.Authority.USCC, f.Authority.Name)
	doc := blank(t, 1)
	for _, r := range []office.StampRequest{{SealID: f.Seal.ID}, {SealID: personal.ID, UponOwn: true}} {
		r.Place = placement.Place{Pages: "1", X: 60, Y: 60}
		sealed, err := f.Office.Stamp(ctx, "test", doc, r)
		if err != nil {
			t.Fatal(err)
		}
		doc = open(t, content(t, sealed))
	}
	if _, err := f.Office.SuspendSeal(ctx, "test", personal.ID, "保管人离职"); err != nil {
		t.Fatal(err)
	}
	found, err := inspector(t, f).ReaderAt(ctx, doc, doc.Size())
	if err != nil || found.Verdict != verify.Suspended {
		t.Fatalf("%s (%s), %v", found.Verdict, found.Cause, err)
	}
	if lower := found.Document.Signatures[0]; lower.Valid {
		t.Errorf("below a suspended seal: %+v", lower)
	}
}

// TestUponOwnOnOtherColours: where a page has colours of its own nobody can say that the seal shows as it
// is, and that is the reason that is told.
func TestUponOwnOnOtherColours(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	doc := open(t, rawPDF([]string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</ColorSpace<</DefaultRGB[/CalRGB<</WhitePoint[0.9505 1 1.089]/Gamma[0.01 0.01 0.01]>>]>>>>>>",
	}))
	r := office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
	sealed, err := f.Office.Stamp(ctx, "test", doc, r)
	if err != nil {
		t.Fatal(err)
	}
	r.UponOwn = true
	_, err = f.Office.Stamp(ctx, "test", open(t, content(t, sealed)), r)
	if err == nil || !strings.Contains(bilingual.Text(err), "无法核对所盖印章的样式") {
		t.Errorf("%v", err)
	}
}
