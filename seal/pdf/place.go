package pdf

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A placement is where a mark lies.
type placement struct {
	leaf  int // index of the page
	sheet structure.Sheet
	rect  structure.Rect // of the annotation, in the page's units
}

// placeAll finds a place for every mark and keeps it off earlier seals.
func (p *preparation) placeAll() error {
	p.places = make([]placement, 0, len(p.stamp.Marks))
	for i := range p.stamp.Marks {
		m := &p.stamp.Marks[i]
		place, err := p.place(i, m)
		if err != nil {
			return err
		}
		p.places = append(p.places, place)
	}
	if p.existing != nil && len(p.places) == 0 {
		box, _, err := p.doc.now.Rect(p.widget.Lookup("Rect"))
		if err != nil {
			return err
		}
		if box.Width() > 0 && box.Height() > 0 {
			return refuseZH("签名域在页面上有位置，须有印章图案", "the field %q has a place on a page, so the stamp needs a mark for it", p.name)
		}
	}
	return p.keepClear()
}

func (p *preparation) place(i int, m *Mark) (placement, error) {
	if i == 0 && p.existing != nil {
		return p.inField(m)
	}
	s, err := p.doc.sheet(m.Page)
	if err != nil {
		return placement{}, err
	}
	w, h := s.Displayed()
	const slack = 0.05 // millimetres
	if m.X < -slack || m.Y < -slack || m.X+m.Width > w/s.PerMM+slack || m.Y+m.Height > h/s.PerMM+slack {
		return placement{}, refuseZH(fmt.Sprintf("印章有一部分在第 %d 页之外", m.Page), "the mark at %.1f, %.1f mm, %.1f × %.1f mm large, lies partly outside of page %d (%.1f × %.1f mm)",
			m.X, m.Y, m.Width, m.Height, m.Page, w/s.PerMM, h/s.PerMM)
	}
	return placement{leaf: m.Page - 1, sheet: s, rect: s.ToPage(m.X, m.Y, m.Width, m.Height)}, nil
}

// inField places a mark in the middle of an existing field, at its true size.
func (p *preparation) inField(m *Mark) (placement, error) {
	if m.Page != 0 || m.X != 0 || m.Y != 0 {
		return placement{}, refuseZH("签名域自有位置，不能另指定页码与坐标", "the field %q has its own place; leave out page and position", p.name)
	}
	box, _, err := p.doc.now.Rect(p.widget.Lookup("Rect"))
	if err != nil {
		return placement{}, err
	}
	if box.Width() <= 0 || box.Height() <= 0 {
		return placement{}, refuseZH("签名域不可见，放不下印章图案", "the field %q is invisible and cannot show a mark", p.name)
	}
	page, err := p.doc.pageOf(p.existing.Widgets[0], p.widget)
	if err != nil {
		return placement{}, err
	}
	if page == 0 {
		return placement{}, refuseZH("签名域不在任何页面上", "the field %q is on no page", p.name)
	}
	s, err := p.doc.sheet(page)
	if err != nil {
		return placement{}, err
	}
	_, _, w, h := s.ToDisplay(box)
	if m.Width > w+0.05 || m.Height > h+0.05 {
		return placement{}, refuseZH("签名域太小，放不下印章", "the field %q is %.1f × %.1f mm, too small for a mark of %.1f × %.1f mm", p.name, w, h, m.Width, m.Height)
	}
	return placement{leaf: page - 1, sheet: s, rect: box}, nil
}

// pageOf returns the number of the page that lists an annotation, 0 for none.
// The annotation's /P is only a hint.
func (d *Document) pageOf(annotation syntax.Ref, dict *syntax.Dict) (int, error) {
	leaves, err := d.pages()
	if err != nil {
		return 0, err
	}
	hint, _ := dict.Lookup("P").(syntax.Ref)
	if i := slices.IndexFunc(leaves, func(l structure.Leaf) bool { return l.Ref == hint }); i >= 0 {
		if listed, err := d.now.Lists(hint, annotation); listed || err != nil {
			return i + 1, err
		}
	}
	for i, l := range leaves {
		if l.Ref != hint {
			if listed, err := d.now.Lists(l.Ref, annotation); listed || err != nil {
				return i + 1, err
			}
		}
	}
	return 0, nil
}

// keepClear refuses marks that would cover an earlier seal: whoever verifies that
// seal must not find another one in its place. A new field alone may lie upon others,
// where the stamp says so.
func (p *preparation) keepClear() error {
	signed := p.form.SignedWidgets()
	seals := make(map[int][]structure.SealPlace)
	for i, place := range p.places {
		if _, ok := seals[place.leaf]; !ok {
			found, err := p.doc.now.Seals(p.leaves[place.leaf].Ref, signed)
			if err != nil {
				return err
			}
			seals[place.leaf] = found
		}
		for _, seal := range seals[place.leaf] {
			if !seal.Overlaps(place.rect) {
				continue
			}
			upon := p.stamp.UponSeals && i == 0 && p.existing == nil && seal.Signs
			switch {
			case upon && p.stamp.Marks[i].Appearance.Multiply:
			case upon:
				return refuseZH("不透明的印章不能叠盖在已有的印章之上", "the mark is not transparent and would hide an earlier seal on page %d", place.leaf+1)
			default:
				x, y, w, h := place.sheet.ToDisplay(seal.Rect)
				return refuseZH(fmt.Sprintf("会盖住第 %d 页上已有的印章", place.leaf+1), "the mark would cover an earlier seal on page %d, at %.1f, %.1f mm, %.1f × %.1f mm large", place.leaf+1, x, y, w, h)
			}
		}
	}
	return nil
}

// signedWidgets lists the dictionaries of the widgets that show signatures.
func (p *preparation) signedWidgets() []*syntax.Dict {
	var out []*syntax.Dict
	for _, f := range p.form.All {
		if !f.Signed() {
			continue
		}
		for _, w := range f.Widgets {
			if d, err := p.doc.now.Dict(w); err == nil && d != nil {
				out = append(out, d)
			}
		}
	}
	return out
}
