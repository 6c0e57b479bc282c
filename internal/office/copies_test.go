package office_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

func boundCopy(tb testing.TB, f *officetest.Fixture, r licence.Record, until civil.Day) office.BoundCopy {
	tb.Helper()
	c, err := f.Office.Copy(ctx, "test", r, office.CopyRequest{Recipient: "合肥市政务服务中心", Purpose: "办理不动产登记", Until: until})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestCopyEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := officetest.At(t, func() time.Time { return now })
	until := civil.Of(now) + 5
	c := boundCopy(t, f, f.Issue(t, "066"), until)
	for _, want := range []struct {
		at      time.Time
		verdict verify.Verdict
	}{{now, verify.Valid}, {until.End(), verify.Valid}, {until.End().Add(time.Second), verify.Expired}} {
		now = want.at
		found, err := inspector(t, f).File(ctx, c.PDF)
		if err != nil || found.Verdict != want.verdict {
			t.Errorf("at %s: %s (%s), %v, want %s", want.at, found.Verdict, found.Cause, err, want.verdict)
			continue
		}
		if got := found.Document.Copy; got == nil || got.Recipient != "合肥市政务服务中心" || got.Purpose != "办理不动产登记" || got.Number != c.Number {
			t.Errorf("at %s it says %+v", want.at, got)
		}
	}
}

// TestStatementOfAnotherLicence: a statement proves nothing of a licence that it is not
// about, whoever has sealed the two together, and nothing without one.
func TestStatementOfAnotherLicence(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	mine, other := f.Issue(t, "066"), f.Issue(t, "100")
	c := boundCopy(t, f, mine, civil.Of(time.Now())+5)
	doc, err := pdf.Open(bytes.NewReader(c.PDF), int64(len(c.PDF)))
	if err != nil {
		t.Fatal(err)
	}
	files, err := doc.EmbeddedFiles()
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files inside, %v", len(files), err)
	}
	var statement []byte
	for _, file := range files {
		if file.Name == "copy.cose" {
			statement = file.Data
		}
	}
	flipped := bytes.Clone(statement)
	flipped[len(flipped)-1] ^= 1
	for name, test := range map[string]struct {
		licence, statement []byte
		want               verify.Verdict
	}{
		"its own":     {mine.Signed, statement, verify.Valid},
		"another's":   {other.Signed, statement, verify.Tampered},
		"changed":     {mine.Signed, flipped, verify.Tampered},
		"no licence":  {nil, statement, verify.Malformed},
		"no form":     {mine.Signed, []byte("copy"), verify.Malformed},
		"a licence's": {mine.Signed, mine.Signed[:100], verify.Malformed},
	} {
		found, err := inspector(t, f).File(ctx, sealedWith(t, f, test.licence, test.statement))
		if err != nil || found.Verdict != test.want {
			t.Errorf("%s: %s (%s), %v, want %s", name, found.Verdict, found.Cause, err, test.want)
		}
	}
}

// sealedWith is a page with signed forms inside under the authority's seal.
func sealedWith(tb testing.TB, f *officetest.Fixture, signed, statement []byte) []byte {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "拼凑"})
	doc.Page(210, 297)
	for name, data := range map[string][]byte{"licence.cose": signed, "copy.cose": statement} {
		if data == nil {
			continue
		}
		if err := doc.Attach(typeset.Attachment{Name: name, MediaType: "application/cose", Data: data, Relationship: typeset.Data}); err != nil {
			tb.Fatal(err)
		}
	}
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	sealed, err := f.Office.Stamp(ctx, "test", open(tb, b), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}}.Issuing(signed))
	if err != nil {
		tb.Fatal(err)
	}
	return content(tb, sealed)
}
