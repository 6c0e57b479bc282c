package office_test

import (
	"errors"
	"fmt"
	"image"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// page is one page with the words SIGN HERE, turned by the matrix, and further content.
func page(box, turned, more string) []byte {
	content := "BT /F 14 Tf " + turned + " 300 430 Tm (SIGN) Tj 40 0 Td (HERE) Tj ET"
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R" + box + "/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content)+len(more), content+more),
	}
	return rawPDF(objects)
}

// inkBox is the box around what is dark.
func inkBox(img *image.RGBA) image.Rectangle {
	var box image.Rectangle
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			if img.RGBAAt(x, y).R < 0x80 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

// TestKeywordIsWhereItIsSeen puts seals over words and compares where poppler shows
// both, on pages as real files have them.
func TestKeywordIsWhereItIsSeen(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	for box, turned := range map[string]string{
		"/MediaBox[0 0 595 842]":                                  "1 0 0 1",
		"/MediaBox[0 0 595 842]/Rotate 90":                        "0 1 -1 0",
		"/MediaBox[0 0 595 842]/Rotate 180":                       "-1 0 0 -1",
		"/MediaBox[0 0 595 842]/Rotate 270":                       "0 -1 1 0",
		"/MediaBox[-50 -70 595 842]/CropBox[10 20 500 800]":       "1 0 0 1",
		"/MediaBox[0 0 700 900]/CropBox[40 60 600 880]/Rotate 90": "0 1 -1 0",
	} {
		plain := page(box, turned, "")
		words := inkBox(rendered(t, plain, 1))
		sealed, err := f.Office.Stamp(ctx, "test", open(t, plain), office.StampRequest{SealID: f.Seal.ID, Keyword: &placement.Keyword{Words: "SIGN HERE"}})
		if err != nil {
			t.Errorf("%s: %v", box, err)
			continue
		}
		_, seal := redness(rendered(t, content(t, sealed), 1))
		off := seal.Min.Add(seal.Max).Sub(words.Min.Add(words.Max)).Div(2)
		if off.X < -3 || off.X > 3 || off.Y < -3 || off.Y > 3 {
			t.Errorf("%s: the seal's middle is %v dots off the words'", box, off)
		}
	}
}

func TestKeywordChooses(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	twice := page("/MediaBox[0 0 595 842]", "1 0 0 1", " BT /F 14 Tf 1 0 0 1 300 130 Tm (SIGN HERE) Tj ET")
	stamp := func(k placement.Keyword, p placement.Place) (*pdf.Prepared, error) {
		return f.Office.Stamp(ctx, "test", open(t, twice), office.StampRequest{SealID: f.Seal.ID, Keyword: &k, Place: p})
	}
	for name, tt := range map[string]struct {
		keyword placement.Keyword
		place   placement.Place
		want    error
	}{
		"more than once":   {placement.Keyword{Words: "SIGN HERE"}, placement.Place{}, placement.ErrManyPlaces},
		"not there":        {placement.Keyword{Words: "NOWHERE"}, placement.Place{}, placement.ErrPlace},
		"the third of two": {placement.Keyword{Words: "SIGN", Hit: "3"}, placement.Place{}, placement.ErrPlace},
		"the zeroth":       {placement.Keyword{Words: "SIGN", Hit: "0"}, placement.Place{}, placement.ErrPlace},
		"some":             {placement.Keyword{Words: "SIGN", Hit: "some"}, placement.Place{}, placement.ErrPlace},
		"no such page":     {placement.Keyword{Words: "SIGN", Hit: "1"}, placement.Place{Pages: "2"}, placement.ErrPlace},
		"on no side of it": {placement.Keyword{Words: "SIGN", Hit: "1", Side: "below"}, placement.Place{}, placement.ErrPlace},
	} {
		if _, err := stamp(tt.keyword, tt.place); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	const mm = 25.4 / 72
	for name, tt := range map[string]struct {
		keyword placement.Keyword
		x, y    float64 // the first seal's middle, in points from the left and the top
		seals   int     // seen, by the height of the red
	}{
		"first":  {placement.Keyword{Words: "SIGN HERE", Hit: "1"}, 340, 407, 1},
		"last":   {placement.Keyword{Words: "SIGN HERE", Hit: "last"}, 340, 707, 1},
		"all":    {placement.Keyword{Words: "SIGN HERE", Hit: "all"}, 340, 557, 2},
		"before": {placement.Keyword{Words: "SIGN HERE", Hit: "1", Side: placement.Before}, 300 - 21/mm - 2/mm, 407, 1},
		"after":  {placement.Keyword{Words: "SIGN HERE", Hit: "1", Side: placement.After}, 383 + 21/mm + 2/mm, 407, 1},
	} {
		sealed, err := stamp(tt.keyword, placement.Place{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, box := redness(rendered(t, content(t, sealed), 1))
		x, y := float64(box.Min.X+box.Max.X)/2/dotsPerMM/mm, float64(box.Min.Y+box.Max.Y)/2/dotsPerMM/mm
		if x < tt.x-6 || x > tt.x+6 || y < tt.y-6 || y > tt.y+6 || (box.Dy() > 60*dotsPerMM) != (tt.seals == 2) {
			t.Errorf("%s: the seal is seen around %.0f, %.0f points in %v, want %.0f, %.0f", name, x, y, box, tt.x, tt.y)
		}
	}
	if _, err := f.Office.Stamp(ctx, "test", open(t, twice), office.StampRequest{
		SealID: f.Seal.ID, Keyword: &placement.Keyword{Words: "SIGN"}, Straddle: &placement.Straddle{Edge: placement.LeftEdge},
	}); !errors.Is(err, placement.ErrPlace) {
		t.Errorf("words and a straddle: %v", err)
	}
}
