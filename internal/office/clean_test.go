package office_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// twoFields is one page with an empty signature field and a field of text.
func twoFields() []byte {
	return rawPDF([]string{
		"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R 5 0 R]>>>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[4 0 R 5 0 R]>>",
		"<</Type/Annot/Subtype/Widget/FT/Sig/T<FEFF753265B9>/F 4/P 3 0 R/Rect[300 300 420 420]>>",
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/F 4/P 3 0 R/DA(/Helv 12 Tf)/Rect[50 50 200 70]>>",
	})
}

// TestFieldThatIsNotThere: a slip in a field's name does not put the seal anywhere else, but a
// field of its own may have any name.
func TestFieldThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	signed, err := f.Office.Stamp(ctx, "test", open(t, twoFields()), office.StampRequest{SealID: f.Seal.ID, Field: "甲方"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		doc  *pdf.Document
		r    office.StampRequest
		says string // empty: sealed
	}{
		{"a slip", open(t, twoFields()), office.StampRequest{Field: "甲 方"}, `wait for a signature: ["甲方"]`},
		{"with a page", open(t, twoFields()), office.StampRequest{Field: "乙方", Place: placement.Place{Pages: "1"}}, ""},
		{"where none wait", blank(t, 1), office.StampRequest{Field: "乙方"}, ""},
		{"where it is signed", open(t, content(t, signed)), office.StampRequest{Field: "乙方"}, ""},
	} {
		tt.r.SealID = f.Seal.ID
		_, err := f.Office.Stamp(ctx, "test", tt.doc, tt.r)
		if tt.says == "" && err != nil || tt.says != "" && (!errors.Is(err, placement.ErrPlace) || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
}

// TestEveryFileIsClean: other programs have nothing to say against any kind of file that the
// house writes.
func TestEveryFileIsClean(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	travel(t, f, 0)
	stamp := func(doc *pdf.Document, r office.StampRequest) []byte {
		t.Helper()
		r.SealID = f.Seal.ID
		sealed, err := f.Office.Stamp(ctx, "test", doc, r)
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		return content(t, sealed)
	}
	once := stamp(blank(t, 2), office.StampRequest{})
	words := page("/MediaBox[0 0 595 842]", "1 0 0 1", "")
	r := f.Issue(t, "004")
	licence, err := f.Office.PDF(ctx, "test", r)
	if err != nil {
		t.Fatal(err)
	}
	bound := boundCopy(t, f, f.Issue(t, "066"), civil.Of(time.Now())+5)
	type file struct {
		content    []byte
		signatures int
	}
	files := map[string]file{
		"a seal":                 {once, 1},
		"two":                    {stamp(open(t, once), office.StampRequest{Place: placement.Place{Pages: "1", X: 60, Y: 60}}), 2},
		"every page":             {stamp(blank(t, 3), office.StampRequest{Place: placement.Place{Pages: "all", X: 60, Y: 60}}), 1},
		"from a corner":          {stamp(blank(t, 4), office.StampRequest{Place: placement.Place{Pages: "2-", Corner: placement.BottomLeft, X: 40, Y: 40}}), 1},
		"at words":               {stamp(open(t, words), office.StampRequest{Keyword: &placement.Keyword{Words: "SIGN HERE"}}), 1},
		"in a field":             {stamp(open(t, twoFields()), office.StampRequest{Field: "甲方"}), 1},
		"a field of its own":     {stamp(open(t, twoFields()), office.StampRequest{Field: "乙方", Place: placement.Place{Pages: "1", X: 60, Y: 60}}), 1},
		"certified":              {stamp(blank(t, 1), office.StampRequest{Certify: 1}), 1},
		"certified, and another": {stamp(open(t, stamp(blank(t, 1), office.StampRequest{Certify: 2})), office.StampRequest{Place: placement.Place{Pages: "1", X: 60, Y: 60}}), 2},
		"locked":                 {stamp(open(t, twoFields()), office.StampRequest{Lock: &pdf.Lock{Action: pdf.LockInclude, Fields: []string{"name"}}}), 1},
		"a code":                 {stamp(blank(t, 1), office.StampRequest{Number: "皖政〔2026〕1号", Place: placement.Place{Pages: "1", X: 100, Y: 100}}), 1},
		"a licence":              {licence, 1},
		"a copy":                 {bound.PDF, 1},
	}
	for _, edge := range placement.Edges() {
		files["over the "+string(edge)] = file{stamp(blank(t, 4), office.StampRequest{Straddle: &placement.Straddle{Edge: edge}}), 1}
	}
	for _, level := range office.Levels() {
		count := 1
		if level == office.LevelLTA {
			count = 2
		}
		files["level "+string(level)] = file{leveled(t, f, level), count}
	}
	renewed := preserved(t, f, files["level b-lta"].content, office.LevelLTA)
	files["renewed"] = file{renewed, 3}
	for name, c := range files {
		tooltest.CleanPDF(t, name, c.content, c.signatures)
	}
}
