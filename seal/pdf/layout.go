package pdf

import (
	"fmt"

	"github.com/elicence/elicence/seal/likeness"
)

// Limits of an appearance that is laid out.
const (
	maxAppearance = 8 << 20 // bytes of operators, unfolded
	maxForms      = 8       // forms inside each other
)

// notDrawn says why an appearance is not laid out.
func notDrawn(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), likeness.ErrNotDrawn)
}

// layout puts the ink of a widget's normal appearance on a sheet, upright to the reader
// (ISO 32000-1, 12.5.5): perMM of the page's units are a millimetre of the sheet. The
// page below it plays no part.
func (v view) layout(widget *dict, box rect, rotate int, perMM float64) (*likeness.Sheet, error) {
	sheet, err := likeness.NewSheet(box.width()/perMM, box.height()/perMM)
	if err != nil {
		return nil, err
	}
	p := &painter{view: v, sheet: sheet}
	if err := p.appearance(widget, box, perMM, likeness.Identity()); err != nil {
		return nil, err
	}
	return sheet.Turned(rotate), nil
}

// appearance lays out the normal appearance of an annotation with a box on its page; then
// maps millimetres from the box's top left corner, before the page is turned, to the sheet.
func (p *painter) appearance(annotation *dict, box rect, perMM float64, then likeness.Matrix) error {
	appearances, err := p.view.dict(annotation.lookup("AP"))
	if err != nil {
		return err
	}
	normal, err := p.view.get(appearances, "N")
	if err != nil {
		return err
	}
	form, ok := normal.(*stream)
	if !ok {
		return notDrawn("the field has no single appearance")
	}
	for _, key := range []name{"R", "D"} {
		if other := appearances.lookup(key); other != nil && other != appearances.lookup("N") {
			return notDrawn("a field that shows something else when it is touched")
		}
	}
	matrix, bounds, err := p.view.formFrame(form)
	if err != nil {
		return err
	}
	// The box that the appearance fills, turned and upright, is stretched to the widget.
	around := corners(bounds, matrix)
	if around.width() <= 0 || around.height() <= 0 {
		return notDrawn("the appearance has no area")
	}
	sx, sy := box.width()/around.width(), box.height()/around.height()
	toPage := likeness.Matrix{sx, 0, 0, sy, -around.x0 * sx, -around.y0 * sy}
	toBox := likeness.Matrix{1 / perMM, 0, 0, -1 / perMM, 0, box.height() / perMM}
	if mode := annotation.lookup("BM"); mode != nil && !staysInk(mode) {
		return notDrawn("a field that is blended as %v", mode)
	}
	// The initial colour is black.
	return p.form(form, state{matrix: toPage.Then(toBox).Then(then), clip: likeness.Everywhere(), ink: 1, space: "DeviceGray", opaque: true}, 1)
}

// formFrame returns a form's matrix and its box.
func (v view) formFrame(form *stream) (likeness.Matrix, rect, error) {
	matrix := likeness.Identity()
	val, err := v.array(form.dict.lookup("Matrix"))
	if err != nil {
		return matrix, rect{}, err
	}
	if val != nil {
		n, err := v.numbers(val, 6)
		if err != nil {
			return matrix, rect{}, err
		}
		matrix = likeness.Matrix(n)
	}
	bounds, ok, err := v.rect(form.dict.lookup("BBox"))
	if err == nil && !ok {
		err = notDrawn("a form without /BBox")
	}
	return matrix, bounds, err
}

// numbers resolves an array of exactly n numbers.
func (v view) numbers(list array, n int) ([]float64, error) {
	if len(list) != n {
		return nil, notDrawn("%d numbers where %d should stand", len(list), n)
	}
	out := make([]float64, n)
	for i, val := range list {
		val, err := v.resolve(val)
		if err != nil {
			return nil, err
		}
		var ok bool
		if out[i], ok = number(val); !ok {
			return nil, notDrawn("something else where a number should stand")
		}
	}
	return out, nil
}

// corners is the upright box around a box after a map.
func corners(r rect, m likeness.Matrix) rect {
	ax, ay := m.Apply(r.x0, r.y0)
	out := rect{ax, ay, ax, ay}
	for _, c := range [][2]float64{{r.x1, r.y0}, {r.x0, r.y1}, {r.x1, r.y1}} {
		x, y := m.Apply(c[0], c[1])
		out = rect{min(out.x0, x), min(out.y0, y), max(out.x1, x), max(out.y1, y)}
	}
	return out
}

// A painter lays out one appearance.
type painter struct {
	view  view
	sheet *likeness.Sheet
	spent int // bytes of operators so far
	steps int // pieces of outlines so far
	// covers: something was painted that hides what lies below, however little.
	covers bool
}

// state is what q saves and Q brings back.
type state struct {
	matrix  likeness.Matrix
	clip    likeness.Box
	ink     float64
	space   name // of the fill colour
	opaque  bool
	blended bool
	inside  bool // of a form that is not opaque, or blended
	pressed bool // inside a group that as a whole only darkens what lies below
	grouped bool // inside another group, which is put over what lies below however it is painted
}

// through reports that what lies below what is painted shines through it.
func (s state) through() bool { return !s.opaque || s.blended || s.inside }

// darkens reports that what is painted only darkens what lies below, as ink does: it covers
// nothing, and takes nothing away.
func (s state) darkens() bool { return s.pressed || s.blended && !s.grouped }

// form lays out a form XObject in a state.
func (p *painter) form(form *stream, now state, depth int) error {
	if depth > maxForms {
		return notDrawn("forms more than %d deep", maxForms)
	}
	if form.dict.lookup("OC") != nil {
		return notDrawn("a form that is shown on conditions")
	}
	if err := p.view.plainForm(form.dict); err != nil {
		return err
	}
	matrix, bounds, err := p.view.formFrame(form)
	if err != nil {
		return err
	}
	m := matrix.Then(now.matrix)
	var frame likeness.Path
	frame.Rectangle(bounds.x0, bounds.y0, bounds.width(), bounds.height())
	box, ok := frame.Upright(m)
	if !ok {
		return notDrawn("a form that stands askew")
	}
	data, _, err := p.view.decode(form, maxAppearance-p.spent)
	if err != nil {
		return notDrawn("%v", err)
	}
	p.spent += len(data)
	resources, err := p.view.dict(form.dict.lookup("Resources"))
	if err != nil {
		return err
	}
	now.matrix, now.clip, now.inside = m, now.clip.Intersect(box), now.through()
	if err := p.group(form, &now); err != nil {
		return err
	}
	o := &operators{painter: p, resources: resources, depth: depth, now: now}
	return o.run(data)
}

// group enters a form that is a transparency group (ISO 32000-1, 11.6.6): it is blended as a
// whole, and what is said inside it has no part in that.
func (p *painter) group(form *stream, now *state) error {
	group, err := p.view.get(form.dict, "Group")
	if err != nil || group == nil {
		return err
	}
	d, _ := group.(*dict)
	kind, err := p.view.get(d, "S")
	if err != nil {
		return err
	}
	if kind != name("Transparency") {
		p.covers = true // to some readers it is a group, and to others none
	}
	if now.darkens() {
		now.pressed = true
	} else {
		now.grouped = true
	}
	return nil
}

// pressed reports whether a widget only darkens what lies below. What cannot be laid out may do
// anything.
func (v view) pressed(widget ref) bool {
	const perMM = 72 / 25.4 // the scale makes no difference to it
	annotation, err := v.dict(widget)
	if err != nil || annotation.lookup("MK") != nil || annotation.lookup("BM") != nil {
		return false
	}
	box, ok, err := v.rect(annotation.lookup("Rect"))
	if err != nil || !ok {
		return false
	}
	sheet, err := likeness.NewSheet(box.width()/perMM, box.height()/perMM)
	if err != nil {
		return false
	}
	p := &painter{view: v, sheet: sheet}
	return p.appearance(annotation, box, perMM, likeness.Identity()) == nil && !p.covers
}

// plainForm refuses forms that some readers show something else for, groups in which what comes
// later takes away what lies below although it is transparent (a knockout group, ISO 32000-1,
// 11.4.6), and groups and resources with colours of their own.
func (v view) plainForm(form *dict) error {
	for _, key := range []name{"Ref", "OPI", "PS"} {
		if form.lookup(key) != nil {
			return notDrawn("a form with /%s", key)
		}
	}
	group, err := v.dict(form.lookup("Group"))
	if err != nil {
		return err
	}
	knockout, err := v.get(group, "K")
	if err != nil {
		return err
	}
	if knockout != nil && knockout != false {
		return notDrawn("a knockout group")
	}
	space, err := v.get(group, "CS")
	if err != nil {
		return err
	}
	if space != nil && space != name("DeviceGray") && space != name("DeviceRGB") && space != name("DeviceCMYK") {
		return notDrawn("a group in another colour space")
	}
	return v.plainColours(form.lookup("Resources"))
}

// plainColours refuses resources that give the device's colours another meaning (ISO 32000-1,
// 8.6.5.6): what is ink here may be white paper to a reader, and the other way round.
func (v view) plainColours(resources value) error {
	d, err := v.dict(resources)
	if err != nil {
		return err
	}
	spaces, err := v.dict(d.lookup("ColorSpace"))
	if err != nil {
		return err
	}
	for _, key := range []name{"DefaultGray", "DefaultRGB", "DefaultCMYK"} {
		if spaces.lookup(key) != nil {
			return notDrawn("colours of the document's own, /%s", key)
		}
	}
	return nil
}

// plainPage is plainColours of a page's resources: readers look there for what a form has not.
func (v view) plainPage(page ref) error {
	d, err := v.dict(page)
	if err != nil {
		return err
	}
	resources, err := v.inherited(d, "Resources")
	if err != nil {
		return err
	}
	return v.plainColours(resources)
}
