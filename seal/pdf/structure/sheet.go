package structure

import (
	"math"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A Sheet maps between a displayed page, in millimetres from its top-left
// corner, and the page's own coordinates.
type Sheet struct {
	Ref    syntax.Ref
	Box    Rect    // what is displayed, in the page's own units
	Rotate int     // degrees clockwise: 0, 90, 180 or 270
	PerMM  float64 // units per millimetre
}

// A Rect is a rectangle in a page's own units, x0 <= x1 and y0 <= y1.
type Rect struct {
	X0, Y0, X1, Y1 float64
}

// Width is the length from left to right.
func (r Rect) Width() float64 { return r.X1 - r.X0 }

// Height is the length from bottom to top.
func (r Rect) Height() float64 { return r.Y1 - r.Y0 }

// Overlaps reports that two rectangles share more than a hair's breadth.
func (r Rect) Overlaps(s Rect) bool {
	const hair = 0.05
	return min(r.X1, s.X1)-max(r.X0, s.X0) > hair && min(r.Y1, s.Y1)-max(r.Y0, s.Y0) > hair
}

// Array is the rectangle with numbers that the file's reading keeps.
func (r Rect) Array(f *syntax.File) syntax.Array {
	return syntax.Array{f.Decimal(r.X0), f.Decimal(r.Y0), f.Decimal(r.X1), f.Decimal(r.Y1)}
}

// Rect resolves val to a rectangle, putting its corners in order; false where it is none.
func (v View) Rect(val syntax.Value) (Rect, bool, error) {
	a, err := v.Array(val)
	if err != nil || len(a) != 4 {
		return Rect{}, false, err
	}
	var n [4]float64
	for i := range a {
		val, err := v.Resolve(a[i])
		if err != nil {
			return Rect{}, false, err
		}
		f, ok := syntax.Number(val)
		if !ok || math.Abs(f) > 1e7 {
			return Rect{}, false, nil
		}
		n[i] = f
	}
	return Rect{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}, true, nil
}

// Sheet reads the boxes and the rotation of a page.
func (v View) Sheet(r syntax.Ref) (Sheet, error) {
	o, err := v.Load(r)
	if err != nil {
		return Sheet{}, err
	}
	if o == nil {
		return Sheet{}, syntax.DamagedAt(v.XrefOffset(), "object %d of the page tree is missing", r.Num)
	}
	page, ok := o.Val.(*syntax.Dict)
	if !ok {
		return Sheet{}, syntax.DamagedAt(o.At, "the page is not a dictionary")
	}
	s := Sheet{Ref: r}
	if s.Box, err = v.cropped(o, page); err != nil {
		return Sheet{}, err
	}
	turn, err := v.Inherited(page, "Rotate")
	if err != nil {
		return Sheet{}, err
	}
	switch degrees := turn.(type) {
	case nil:
	case int64:
		if degrees%90 != 0 {
			return Sheet{}, syntax.DamagedAt(o.At, "/Rotate is %d, not a multiple of 90", degrees)
		}
		s.Rotate = int((degrees%360 + 360) % 360)
	default:
		return Sheet{}, syntax.DamagedAt(o.At, "/Rotate is not a whole number")
	}
	unit := 1.0
	if val, err := v.Get(page, "UserUnit"); err != nil {
		return Sheet{}, err
	} else if val != nil {
		f, ok := syntax.Number(val)
		if !ok || f < 0.001 || f > 1e6 {
			return Sheet{}, syntax.DamagedAt(o.At, "/UserUnit is out of range")
		}
		unit = f
	}
	s.PerMM = 72 / 25.4 / unit
	return s, nil
}

// cropped returns the part of the /MediaBox that is displayed.
func (v View) cropped(o *syntax.Object, page *syntax.Dict) (Rect, error) {
	val, err := v.Inherited(page, "MediaBox")
	if err != nil {
		return Rect{}, err
	}
	box, ok, err := v.Rect(val)
	if err != nil {
		return Rect{}, err
	}
	if !ok {
		return Rect{}, syntax.DamagedAt(o.At, "the page has no valid /MediaBox")
	}
	if val, err = v.Inherited(page, "CropBox"); err != nil {
		return Rect{}, err
	}
	if val != nil {
		crop, ok, err := v.Rect(val)
		if err != nil {
			return Rect{}, err
		}
		if !ok {
			return Rect{}, syntax.DamagedAt(o.At, "the page's /CropBox is not a rectangle")
		}
		box = Rect{max(box.X0, crop.X0), max(box.Y0, crop.Y0), min(box.X1, crop.X1), min(box.Y1, crop.Y1)}
	}
	if box.Width() <= 0 || box.Height() <= 0 {
		return Rect{}, syntax.DamagedAt(o.At, "nothing of the page is displayed: its boxes are empty")
	}
	return box, nil
}

// Displayed returns width and height as displayed, in the page's units.
func (s Sheet) Displayed() (float64, float64) {
	if s.Rotate%180 != 0 {
		return s.Box.Height(), s.Box.Width()
	}
	return s.Box.Width(), s.Box.Height()
}

// point maps units from the displayed top-left corner, x to the right and y
// downward, to the page's own coordinates.
func (s Sheet) point(x, y float64) (float64, float64) {
	switch s.Rotate {
	case 90:
		return s.Box.X0 + y, s.Box.Y0 + x
	case 180:
		return s.Box.X1 - x, s.Box.Y0 + y
	case 270:
		return s.Box.X1 - y, s.Box.Y1 - x
	}
	return s.Box.X0 + x, s.Box.Y1 - y
}

// ToPage maps a rectangle in displayed millimetres to the page.
func (s Sheet) ToPage(x, y, width, height float64) Rect {
	ax, ay := s.point(x*s.PerMM, y*s.PerMM)
	bx, by := s.point((x+width)*s.PerMM, (y+height)*s.PerMM)
	return Rect{min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)}
}

// ToDisplay is the way back: x, y, width and height in displayed millimetres.
func (s Sheet) ToDisplay(r Rect) (float64, float64, float64, float64) {
	var x, y float64
	w, h := r.Width(), r.Height()
	switch s.Rotate {
	case 90:
		x, y, w, h = r.Y0-s.Box.Y0, r.X0-s.Box.X0, h, w
	case 180:
		x, y = s.Box.X1-r.X1, r.Y0-s.Box.Y0
	case 270:
		x, y, w, h = s.Box.Y1-r.Y1, s.Box.X1-r.X1, h, w
	default:
		x, y = r.X0-s.Box.X0, s.Box.Y1-r.Y1
	}
	return x / s.PerMM, y / s.PerMM, w / s.PerMM, h / s.PerMM
}

// Upright is the form matrix that makes a box of width and height, as
// displayed, stand upright on the rotated page: it turns the box
// counter-clockwise by what the page is turned clockwise and moves it back to
// the origin.
func (s Sheet) Upright(width, height float64) syntax.Array {
	switch s.Rotate {
	case 90:
		return syntax.Array{int64(0), int64(1), int64(-1), int64(0), syntax.Decimal(height), int64(0)}
	case 180:
		return syntax.Array{int64(-1), int64(0), int64(0), int64(-1), syntax.Decimal(width), syntax.Decimal(height)}
	case 270:
		return syntax.Array{int64(0), int64(-1), int64(1), int64(0), int64(0), syntax.Decimal(width)}
	}
	return nil
}
