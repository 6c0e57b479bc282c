package pdf

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/structure"
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
	w, h := s.Displayed()
	return Page{Width: w / s.PerMM, Height: h / s.PerMM}, nil
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
	x, y, width, height = s.ToDisplay(structure.Rect{X0: box[0], Y0: box[1], X1: box[2], Y1: box[3]})
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
	annots, err := d.now.Annotations(s.Ref)
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
		box, ok, err := d.now.Rect(widget.Lookup("Rect"))
		if err != nil {
			return nil, err
		}
		if ok && box.Width() > 0 && box.Height() > 0 {
			x, y, width, height := s.ToDisplay(box)
			out = append(out, [4]float64{x, y, width, height})
		}
	}
	return out, nil
}

func (d *Document) sheet(n int) (structure.Sheet, error) {
	leaves, err := d.pages()
	if err != nil {
		return structure.Sheet{}, err
	}
	if n < 1 || n > len(leaves) {
		return structure.Sheet{}, refuseZH(fmt.Sprintf("文件共 %d 页，没有第 %d 页", len(leaves), n), "there is no page %d, the file has %d", n, len(leaves))
	}
	if s, known := d.sheets[n]; known {
		return s, nil
	}
	s, err := d.now.Sheet(leaves[n-1].Ref)
	if err != nil {
		return structure.Sheet{}, fmt.Errorf("page %d: %w", n, err)
	}
	if d.sheets == nil {
		d.sheets = make(map[int]structure.Sheet)
	}
	d.sheets[n] = s
	return s, nil
}
