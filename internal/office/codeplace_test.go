package office_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
	"github.com/elicence/elicence/seal/seen"
)

// inked is a document of one page that is full of text-like bars but for the given holes, in
// millimetres: x, y, width, height.
func inked(tb testing.TB, holes ...[4]float64) *pdf.Document {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "正文"})
	page := doc.Page(210, 297)
	for y := 5.0; y < 292; y += 4 {
		for x := 5.0; x < 205; x += 4 {
			hit := false
			for _, h := range holes {
				hit = hit || x+3 > h[0] && x < h[0]+h[2] && y+2 > h[1] && y < h[1]+h[3]
			}
			if hit {
				continue
			}
			bar := new(typeset.Path)
			bar.Rect(x, y, 3, 2)
			page.Fill(bar, 0)
		}
	}
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := pdf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// codeAt is where a stamp shows its code on a page of A4: the top left corner in millimetres.
func codeAt(tb testing.TB, p *pdf.Prepared) (float64, float64) {
	tb.Helper()
	der, err := p.Seen()
	if err != nil {
		tb.Fatal(err)
	}
	statement, err := seen.Parse(der)
	if err != nil || len(statement.Places) != 2 {
		tb.Fatalf("%d places, %v", len(statement.Places), err)
	}
	const mm = 72 / 25.4 * 10_000
	at := statement.Places[1].Box
	return float64(at.Left) / mm, 297 - float64(at.Top)/mm
}

// TestDocumentCodeCoversNothing: a document's code is printed where the page shows nothing:
// to the left of the seal, to its right, or elsewhere near it, and nowhere where there is no
// room, but where it is said.
func TestDocumentCodeCoversNothing(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	const size, gap = 40, 6
	middle := [2]float64{100, 150} // of the seal, 42 mm wide
	seal := [4]float64{79, 129, 42, 42}
	for name, tt := range map[string]struct {
		doc  *pdf.Document
		want [2]float64 // top left corner; NaN: anywhere in the hole
		hole [4]float64
	}{
		"to the left":    {inked(t, [4]float64{20, 100, 180, 100}), [2]float64{79 - gap - size, 150 - size/2}, [4]float64{}},
		"to the right":   {inked(t, seal, [4]float64{122, 120, 80, 60}), [2]float64{79 + 42 + gap, 150 - size/2}, [4]float64{}},
		"above":          {inked(t, seal, [4]float64{60, 60, 60, 55}), [2]float64{math.NaN()}, [4]float64{60, 60, 60, 55}},
		"far below":      {inked(t, seal, [4]float64{10, 230, 50, 50}), [2]float64{math.NaN()}, [4]float64{10, 230, 50, 50}},
		"a tight corner": {inked(t, seal, [4]float64{4, 4, 46, 46}), [2]float64{math.NaN()}, [4]float64{4, 4, 46, 46}},
	} {
		prepared, err := f.Office.Stamp(context.Background(), "test", tt.doc, office.StampRequest{SealID: f.Seal.ID, Number: "1号", Place: placement.Place{Pages: "1", X: middle[0], Y: middle[1]}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x, y := codeAt(t, prepared)
		if !math.IsNaN(tt.want[0]) && math.Hypot(x-tt.want[0], y-tt.want[1]) > 0.1 {
			t.Errorf("%s: the code is at %.1f, %.1f, want %v", name, x, y, tt.want)
		}
		const bar = 4 // the bars do not end where the hole begins
		if h := tt.hole; math.IsNaN(tt.want[0]) && (x < h[0]-bar || y < h[1]-bar || x+size > h[0]+h[2]+bar || y+size > h[1]+h[3]+bar) {
			t.Errorf("%s: the code is at %.1f, %.1f, not within %v", name, x, y, h)
		}
	}
	full := func() *pdf.Document { return inked(t, seal, [4]float64{20, 20, 30, 30}) }
	request := office.StampRequest{SealID: f.Seal.ID, Number: "1号", Place: placement.Place{Pages: "1", X: middle[0], Y: middle[1]}}
	if _, err := f.Office.Stamp(context.Background(), "test", full(), request); !errors.Is(err, placement.ErrPlace) || !strings.Contains(err.Error(), "no empty room") {
		t.Errorf("on a page without room: %v", err)
	}
	request.Code = &office.CodePlace{X: 5, Y: 7}
	prepared, err := f.Office.Stamp(context.Background(), "test", full(), request)
	if err != nil {
		t.Fatal(err)
	}
	if x, y := codeAt(t, prepared); math.Hypot(x-5, y-7) > 0.1 {
		t.Errorf("the code is at %.1f, %.1f where 5, 7 was said", x, y)
	}
	for _, over := range []office.CodePlace{{X: 90, Y: 140}, {X: 120, Y: 170}, {Page: 1, X: 40, Y: 90}} {
		request.Code = &over
		if _, err := f.Office.Stamp(context.Background(), "test", full(), request); !errors.Is(err, placement.ErrPlace) || !strings.Contains(err.Error(), "cover the seal") {
			t.Errorf("a code at %.0f, %.0f over the seal: %v", over.X, over.Y, err)
		}
	}
}

// TestSecondCodeBesideTheFirst: an earlier seal and its code are not covered either.
func TestSecondCodeBesideTheFirst(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	doc := inked(t, [4]float64{5, 5, 200, 287})
	var before [][2]float64
	for i := range 3 {
		prepared, err := f.Office.Stamp(context.Background(), "test", doc, office.StampRequest{SealID: f.Seal.ID, Number: fmt.Sprint(i), Place: placement.Place{Pages: "1", X: 100, Y: 60 + 60*float64(i)}})
		if err != nil {
			t.Fatal(err)
		}
		x, y := codeAt(t, prepared)
		for _, b := range before {
			if math.Abs(b[0]-x) < 40 && math.Abs(b[1]-y) < 40 {
				t.Errorf("code %d at %.1f, %.1f lies over another at %v", i, x, y, b)
			}
		}
		before = append(before, [2]float64{x, y})
		if doc, err = prepared.Document(); err != nil {
			t.Fatal(err)
		}
	}
}

// codeSeen is where a stamp of one page shows its code to the page's reader, in millimetres.
func codeSeen(tb testing.TB, doc *pdf.Document, p *pdf.Prepared) (float64, float64) {
	tb.Helper()
	der, err := p.Seen()
	if err != nil {
		tb.Fatal(err)
	}
	statement, err := seen.Parse(der)
	if err != nil || len(statement.Places) != 2 {
		tb.Fatalf("%d places, %v", len(statement.Places), err)
	}
	points := func(n int64) float64 { return float64(n) / 10_000 }
	at := statement.Places[1].Box
	x, y, _, _, err := doc.Shown(1, [4]float64{points(at.Left), points(at.Bottom), points(at.Right), points(at.Top)})
	if err != nil {
		tb.Fatal(err)
	}
	return x, y
}

// TestDocumentCodeLeavesFields: an empty field shows nothing yet, and is for somebody else.
func TestDocumentCodeLeavesFields(t *testing.T) {
	t.Parallel()
	f, doc := officetest.New(t), open(t, withField())
	// The field ends 9 mm to the left of the seal.
	prepared, err := f.Office.Stamp(context.Background(), "test", doc, office.StampRequest{SealID: f.Seal.ID, Number: "1号", Place: placement.Place{Pages: "1", X: 100, Y: 45}})
	if err != nil {
		t.Fatal(err)
	}
	if x, y := codeSeen(t, doc, prepared); math.Hypot(x-127, y-25) > 0.1 {
		t.Errorf("the code is at %.1f, %.1f, want it to the right of the seal", x, y)
	}
}

// TestDocumentCodeOnATurnedPage: the empty room is that of the page as it is seen, turned and
// cropped, in larger units.
func TestDocumentCodeOnATurnedPage(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	const mm, left, top, side = 72 / 25.4 / 2, 150, 200, 50 // the hole as it is seen
	// Turned by 90 degrees, what is seen at (x, y) is at (y, x) from the box's lower left corner.
	ink := fmt.Sprintf("0 0 500 500 re %.2f %.2f %.2f %.2f re W* n", 50+top*mm, 50+left*mm, side*mm, side*mm)
	for x := 0; x < 500; x += 7 {
		ink += fmt.Sprintf(" %d 0 3 500 re", x)
	}
	ink += " f"
	doc := open(t, rawPDF([]string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/CropBox[50 50 450 400]/Rotate 90/UserUnit 2/Contents 4 0 R>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(ink), ink),
	}))
	prepared, err := f.Office.Stamp(context.Background(), "test", doc, office.StampRequest{SealID: f.Seal.ID, Number: "1号", Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	const code = 40
	if x, y := codeSeen(t, doc, prepared); x < left || y < top || x+code > left+side || y+code > top+side {
		t.Errorf("the code is at %.1f, %.1f, not in the hole at %d, %d", x, y, left, top)
	}
}
