package pdf

import (
	"fmt"
	"math"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Page is what a reader sees of a page: its size after /CropBox, /Rotate and
// /UserUnit, in millimetres.
type Page struct {
	Width, Height float64
}

// Page returns the displayed size of a page; the first page is 1.
func (d *Document) Page(n int) (Page, error) {
	d.file.BeginWork()
	s, err := d.sheet(n)
	if err != nil {
		return Page{}, err
	}
	w, h := s.displayed()
	return Page{Width: w / s.perMM, Height: h / s.perMM}, nil
}

// Shown returns where a box of a page's own coordinates (left, bottom, right, top) is
// seen: the distance of its top-left corner from the page's, its width and its height,
// all in millimetres.
func (d *Document) Shown(n int, box [4]float64) (x, y, width, height float64, err error) {
	d.file.BeginWork()
	s, err := d.sheet(n)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	x, y, width, height = s.toDisplay(rect{box[0], box[1], box[2], box[3]})
	return x, y, width, height, nil
}

// FieldPlaces returns where the form fields of a page are seen, as [Document.Shown] does: left,
// top, width and height. An empty one shows nothing yet, and will.
func (d *Document) FieldPlaces(n int) ([][4]float64, error) {
	d.file.BeginWork()
	s, err := d.sheet(n)
	if err != nil {
		return nil, err
	}
	annots, err := d.now.annotations(s.ref)
	if err != nil {
		return nil, err
	}
	var out [][4]float64
	for _, a := range annots {
		widget, err := d.now.Dict(a)
		if err != nil {
			return nil, err
		}
		if widget.Lookup("Subtype") != syntax.Name("Widget") {
			continue
		}
		box, ok, err := d.now.rect(widget.Lookup("Rect"))
		if err != nil {
			return nil, err
		}
		if ok && box.width() > 0 && box.height() > 0 {
			x, y, width, height := s.toDisplay(box)
			out = append(out, [4]float64{x, y, width, height})
		}
	}
	return out, nil
}

// A sheet maps between a displayed page, in millimetres from its top-left
// corner, and the page's own coordinates.
type sheet struct {
	ref    syntax.Ref
	box    rect    // what is displayed, in the page's own units
	rotate int     // degrees clockwise: 0, 90, 180 or 270
	perMM  float64 // units per millimetre
}

// A rect is a rectangle in a page's own units, x0 <= x1 and y0 <= y1.
type rect struct {
	x0, y0, x1, y1 float64
}

func (r rect) width() float64  { return r.x1 - r.x0 }
func (r rect) height() float64 { return r.y1 - r.y0 }

// overlaps reports that two rectangles share more than a hair's breadth.
func (r rect) overlaps(s rect) bool {
	const hair = 0.05
	return min(r.x1, s.x1)-max(r.x0, s.x0) > hair && min(r.y1, s.y1)-max(r.y0, s.y0) > hair
}

// array is the rectangle with numbers that the file's reading keeps.
func (r rect) array(f *syntax.File) syntax.Array {
	return syntax.Array{f.Decimal(r.x0), f.Decimal(r.y0), f.Decimal(r.x1), f.Decimal(r.y1)}
}

// rect resolves val to a rectangle, putting its corners in order.
func (v view) rect(val syntax.Value) (rect, bool, error) {
	a, err := v.Array(val)
	if err != nil || len(a) != 4 {
		return rect{}, false, err
	}
	var n [4]float64
	for i := range a {
		val, err := v.Resolve(a[i])
		if err != nil {
			return rect{}, false, err
		}
		f, ok := syntax.Number(val)
		if !ok || math.Abs(f) > 1e7 {
			return rect{}, false, nil
		}
		n[i] = f
	}
	return rect{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}, true, nil
}

func (d *Document) sheet(n int) (sheet, error) {
	leaves, err := d.pages()
	if err != nil {
		return sheet{}, err
	}
	if n < 1 || n > len(leaves) {
		return sheet{}, refuseZH(fmt.Sprintf("文件共 %d 页，没有第 %d 页", len(leaves), n), "there is no page %d, the file has %d", n, len(leaves))
	}
	if s, known := d.sheets[n]; known {
		return s, nil
	}
	s, err := d.now.sheet(leaves[n-1].ref)
	if err != nil {
		return sheet{}, fmt.Errorf("page %d: %w", n, err)
	}
	if d.sheets == nil {
		d.sheets = make(map[int]sheet)
	}
	d.sheets[n] = s
	return s, nil
}

func (v view) sheet(r syntax.Ref) (sheet, error) {
	o, err := v.Load(r)
	if err != nil {
		return sheet{}, err
	}
	if o == nil {
		return sheet{}, syntax.DamagedAt(v.XrefOffset(), "object %d of the page tree is missing", r.Num)
	}
	page, ok := o.Val.(*syntax.Dict)
	if !ok {
		return sheet{}, syntax.DamagedAt(o.At, "the page is not a dictionary")
	}
	s := sheet{ref: r}
	if s.box, err = v.cropped(o, page); err != nil {
		return sheet{}, err
	}
	turn, err := v.inherited(page, "Rotate")
	if err != nil {
		return sheet{}, err
	}
	switch degrees := turn.(type) {
	case nil:
	case int64:
		if degrees%90 != 0 {
			return sheet{}, syntax.DamagedAt(o.At, "/Rotate is %d, not a multiple of 90", degrees)
		}
		s.rotate = int((degrees%360 + 360) % 360)
	default:
		return sheet{}, syntax.DamagedAt(o.At, "/Rotate is not a whole number")
	}
	unit := 1.0
	if val, err := v.Get(page, "UserUnit"); err != nil {
		return sheet{}, err
	} else if val != nil {
		f, ok := syntax.Number(val)
		if !ok || f < 0.001 || f > 1e6 {
			return sheet{}, syntax.DamagedAt(o.At, "/UserUnit is out of range")
		}
		unit = f
	}
	s.perMM = 72 / 25.4 / unit
	return s, nil
}

// cropped returns the part of the /MediaBox that is displayed.
func (v view) cropped(o *syntax.Object, page *syntax.Dict) (rect, error) {
	val, err := v.inherited(page, "MediaBox")
	if err != nil {
		return rect{}, err
	}
	box, ok, err := v.rect(val)
	if err != nil {
		return rect{}, err
	}
	if !ok {
		return rect{}, syntax.DamagedAt(o.At, "the page has no valid /MediaBox")
	}
	if val, err = v.inherited(page, "CropBox"); err != nil {
		return rect{}, err
	}
	if val != nil {
		crop, ok, err := v.rect(val)
		if err != nil {
			return rect{}, err
		}
		if !ok {
			return rect{}, syntax.DamagedAt(o.At, "the page's /CropBox is not a rectangle")
		}
		box = rect{max(box.x0, crop.x0), max(box.y0, crop.y0), min(box.x1, crop.x1), min(box.y1, crop.y1)}
	}
	if box.width() <= 0 || box.height() <= 0 {
		return rect{}, syntax.DamagedAt(o.At, "nothing of the page is displayed: its boxes are empty")
	}
	return box, nil
}

// displayed returns width and height as displayed, in the page's units.
func (s sheet) displayed() (float64, float64) {
	if s.rotate%180 != 0 {
		return s.box.height(), s.box.width()
	}
	return s.box.width(), s.box.height()
}

// point maps units from the displayed top-left corner, x to the right and y
// downward, to the page's own coordinates.
func (s sheet) point(x, y float64) (float64, float64) {
	switch s.rotate {
	case 90:
		return s.box.x0 + y, s.box.y0 + x
	case 180:
		return s.box.x1 - x, s.box.y0 + y
	case 270:
		return s.box.x1 - y, s.box.y1 - x
	}
	return s.box.x0 + x, s.box.y1 - y
}

// toPage maps a rectangle in displayed millimetres to the page.
func (s sheet) toPage(x, y, width, height float64) rect {
	ax, ay := s.point(x*s.perMM, y*s.perMM)
	bx, by := s.point((x+width)*s.perMM, (y+height)*s.perMM)
	return rect{min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)}
}

// toDisplay is the way back: x, y, width and height in displayed millimetres.
func (s sheet) toDisplay(r rect) (float64, float64, float64, float64) {
	var x, y float64
	w, h := r.width(), r.height()
	switch s.rotate {
	case 90:
		x, y, w, h = r.y0-s.box.y0, r.x0-s.box.x0, h, w
	case 180:
		x, y = s.box.x1-r.x1, r.y0-s.box.y0
	case 270:
		x, y, w, h = s.box.y1-r.y1, s.box.x1-r.x1, h, w
	default:
		x, y = r.x0-s.box.x0, s.box.y1-r.y1
	}
	return x / s.perMM, y / s.perMM, w / s.perMM, h / s.perMM
}

// upright is the form matrix that makes a box of width and height, as
// displayed, stand upright on the rotated page: it turns the box
// counter-clockwise by what the page is turned clockwise and moves it back to
// the origin.
func (s sheet) upright(width, height float64) syntax.Array {
	switch s.rotate {
	case 90:
		return syntax.Array{int64(0), int64(1), int64(-1), int64(0), syntax.Decimal(height), int64(0)}
	case 180:
		return syntax.Array{int64(-1), int64(0), int64(0), int64(-1), syntax.Decimal(width), syntax.Decimal(height)}
	case 270:
		return syntax.Array{int64(0), int64(-1), int64(1), int64(0), int64(0), syntax.Decimal(width)}
	}
	return nil
}
