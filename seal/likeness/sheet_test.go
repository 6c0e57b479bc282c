package likeness_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/elicence/elicence/seal/likeness"
)

// TestThrough: paint that lets shine through what is below it takes nothing away, in however small steps, and its
// layers add up, as they do where they are multiplied.
func TestThrough(t *testing.T) {
	t.Parallel()
	for name, inks := range map[string][]float64{
		"ink that is taken away in steps": {1, 0.75, 0.5, 0.25, 0},
		"ink that fades":                  {0.29, 0},
	} {
		sheet, err := likeness.NewSheet(10, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, ink := range inks {
			var p likeness.Path
			p.Rectangle(1, 1, 8, 8)
			if err = sheet.Fill(&p, likeness.Identity(), likeness.Everywhere(), ink, true); err != nil {
				break
			}
		}
		if err == nil && sheet.Empty() {
			t.Errorf("%s: the sheet is empty", name)
		}
	}
}

// TestMorePixelsThanSamples: every pixel of a picture counts, however few of them a sheet of this size would look at.
func TestMorePixelsThanSamples(t *testing.T) {
	t.Parallel()
	const side, dense = 10, 90 // in millimetres; pixels of one, of which 18 are looked up
	picture := image.NewNRGBA(image.Rect(0, 0, side*dense, 1))
	for x := range side * dense {
		if x%5 != 2 {
			picture.Set(x, 0, color.Black)
		}
	}
	for name, ground := range map[string]color.Color{"white": color.White, "transparent": color.Transparent} {
		for x := 2; x < side*dense; x += 5 {
			picture.Set(x, 0, ground)
		}
		sheet, err := likeness.NewSheet(side, side)
		if err != nil {
			t.Fatal(err)
		}
		if err := sheet.Image(picture, likeness.Matrix{side, 0, 0, -side, 0, side}, likeness.Everywhere(), false); err != nil {
			t.Fatal(err)
		}
		if sheet.Empty() {
			t.Errorf("%s where samples are taken: the sheet is empty", name)
		}
	}
}

// TestClippedPaint: light paint inside a narrow clip takes no more ink than is inside of it.
func TestClippedPaint(t *testing.T) {
	t.Parallel()
	const side, cell = 10, 1.0 / 6
	sheet, err := likeness.NewSheet(side, side)
	if err != nil {
		t.Fatal(err)
	}
	var all likeness.Path
	all.Rectangle(0, 0, side, side)
	if err := sheet.Fill(&all, likeness.Identity(), likeness.Everywhere(), 1, false); err != nil {
		t.Fatal(err)
	}
	for i := range 6 * side {
		clip := likeness.Everywhere()
		clip.X0, clip.X1 = (float64(i)+0.45)*cell, (float64(i)+0.55)*cell
		if err := sheet.Fill(&all, likeness.Identity(), clip, 0, false); err != nil {
			t.Fatal(err)
		}
	}
	if sheet.Empty() {
		t.Error("a tenth of the ink was painted over, and none is left")
	}
}

// TestTurnsThatCancel: what is inside an outline by the non-zero winding rule is filled, though within one cell as much
// of it turns one way as the other, or all of it keeps off the middle of where a cell is looked at.
func TestTurnsThatCancel(t *testing.T) {
	t.Parallel()
	const side, cell = 10, 1.0 / 6
	upright, level, between := new(likeness.Path), new(likeness.Path), new(likeness.Path)
	for i := range 6 * side * 8 {
		between.Rectangle(0, (float64(i)+0.6)*cell/8, side, 0.8*cell/8)
	}
	for i := range 6 * side {
		at := float64(i) * cell
		upright.Rectangle(at, 0, cell/2, side)
		upright.Rectangle(at+cell, 0, -cell/2, side)
		level.Rectangle(0, at, side, cell/2)
		level.Rectangle(0, at+cell, side, -cell/2)
	}
	for name, p := range map[string]*likeness.Path{"upright": upright, "level": level, "between": between} {
		sheet, err := likeness.NewSheet(side, side)
		if err != nil {
			t.Fatal(err)
		}
		if err := sheet.Fill(p, likeness.Identity(), likeness.Everywhere(), 1, false); err == nil && sheet.Empty() {
			t.Errorf("%s: the sheet is empty", name)
		}
	}
}
