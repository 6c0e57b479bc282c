package pdf

import (
	"fmt"

	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
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
func (v view) layout(widget *syntax.Dict, box structure.Rect, rotate int, perMM float64) (*likeness.Sheet, error) {
	sheet, err := likeness.NewSheet(box.Width()/perMM, box.Height()/perMM)
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
func (p *painter) appearance(annotation *syntax.Dict, box structure.Rect, perMM float64, then likeness.Matrix) error {
	appearances, err := p.view.Dict(annotation.Lookup("AP"))
	if err != nil {
		return err
	}
	normal, err := p.view.Get(appearances, "N")
	if err != nil {
		return err
	}
	form, ok := normal.(*syntax.Stream)
	if !ok {
		return notDrawn("the field has no single appearance")
	}
	for _, key := range []syntax.Name{"R", "D"} {
		if other := appearances.Lookup(key); other != nil && other != appearances.Lookup("N") {
			return notDrawn("a field that shows something else when it is touched")
		}
	}
	matrix, bounds, err := p.view.formFrame(form)
	if err != nil {
		return err
	}
	// The box that the appearance fills, turned and upright, is stretched to the widget.
	around := corners(bounds, matrix)
	if around.Width() <= 0 || around.Height() <= 0 {
		return notDrawn("the appearance has no area")
	}
	sx, sy := box.Width()/around.Width(), box.Height()/around.Height()
	toPage := likeness.Matrix{sx, 0, 0, sy, -around.X0 * sx, -around.Y0 * sy}
	toBox := likeness.Matrix{1 / perMM, 0, 0, -1 / perMM, 0, box.Height() / perMM}
	if mode := annotation.Lookup("BM"); mode != nil && !staysInk(mode) {
		return notDrawn("a field that is blended as %v", mode)
	}
	// The initial colour is black.
	return p.form(form, state{matrix: toPage.Then(toBox).Then(then), clip: likeness.Everywhere(), ink: 1, space: "DeviceGray", opaque: true}, 1)
}

// formFrame returns a form's matrix and its box.
func (v view) formFrame(form *syntax.Stream) (likeness.Matrix, structure.Rect, error) {
	matrix := likeness.Identity()
	val, err := v.Array(form.Dict.Lookup("Matrix"))
	if err != nil {
		return matrix, structure.Rect{}, err
	}
	if val != nil {
		n, err := v.numbers(val, 6)
		if err != nil {
			return matrix, structure.Rect{}, err
		}
		matrix = likeness.Matrix(n)
	}
	bounds, ok, err := v.Rect(form.Dict.Lookup("BBox"))
	if err == nil && !ok {
		err = notDrawn("a form without /BBox")
	}
	return matrix, bounds, err
}

// numbers resolves an array of exactly n numbers.
func (v view) numbers(list syntax.Array, n int) ([]float64, error) {
	if len(list) != n {
		return nil, notDrawn("%d numbers where %d should stand", len(list), n)
	}
	out := make([]float64, n)
	for i, val := range list {
		val, err := v.Resolve(val)
		if err != nil {
			return nil, err
		}
		var ok bool
		if out[i], ok = syntax.Number(val); !ok {
			return nil, notDrawn("something else where a number should stand")
		}
	}
	return out, nil
}

// corners is the upright box around a box after a map.
func corners(r structure.Rect, m likeness.Matrix) structure.Rect {
	ax, ay := m.Apply(r.X0, r.Y0)
	out := structure.Rect{X0: ax, Y0: ay, X1: ax, Y1: ay}
	for _, c := range [][2]float64{{r.X1, r.Y0}, {r.X0, r.Y1}, {r.X1, r.Y1}} {
		x, y := m.Apply(c[0], c[1])
		out = structure.Rect{X0: min(out.X0, x), Y0: min(out.Y0, y), X1: max(out.X1, x), Y1: max(out.Y1, y)}
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
	space   syntax.Name // of the fill colour
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
func (p *painter) form(form *syntax.Stream, now state, depth int) error {
	if depth > maxForms {
		return notDrawn("forms more than %d deep", maxForms)
	}
	if form.Dict.Lookup("OC") != nil {
		return notDrawn("a form that is shown on conditions")
	}
	if err := p.view.plainForm(form.Dict); err != nil {
		return err
	}
	matrix, bounds, err := p.view.formFrame(form)
	if err != nil {
		return err
	}
	m := matrix.Then(now.matrix)
	var frame likeness.Path
	frame.Rectangle(bounds.X0, bounds.Y0, bounds.Width(), bounds.Height())
	box, ok := frame.Upright(m)
	if !ok {
		return notDrawn("a form that stands askew")
	}
	data, _, err := p.view.Decode(form, maxAppearance-p.spent)
	if err != nil {
		return notDrawn("%v", err)
	}
	p.spent += len(data)
	resources, err := p.view.Dict(form.Dict.Lookup("Resources"))
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
func (p *painter) group(form *syntax.Stream, now *state) error {
	group, err := p.view.Get(form.Dict, "Group")
	if err != nil || group == nil {
		return err
	}
	d, _ := group.(*syntax.Dict)
	kind, err := p.view.Get(d, "S")
	if err != nil {
		return err
	}
	if kind != syntax.Name("Transparency") {
		p.covers = true // to some readers it is a group, and to others none
	}
	if now.darkens() {
		now.pressed = true
	} else {
		now.grouped = true
	}
	return nil
}

// pressed reports whether a widget on a page with so many units in a millimetre only darkens what lies below. What cannot
// be laid out may do anything.
func (v view) pressed(widget syntax.Ref, perMM float64) bool {
	annotation, err := v.Dict(widget)
	if err != nil || annotation.Lookup("MK") != nil || annotation.Lookup("BM") != nil {
		return false
	}
	box, ok, err := v.Rect(annotation.Lookup("Rect"))
	if err != nil || !ok {
		return false
	}
	sheet, err := likeness.NewSheet(box.Width()/perMM, box.Height()/perMM)
	if err != nil {
		return false
	}
	p := &painter{view: v, sheet: sheet}
	return p.appearance(annotation, box, perMM, likeness.Identity()) == nil && !p.covers
}

// plainForm refuses forms that some readers show something else for, groups in which what comes
// later takes away what lies below although it is transparent (a knockout group, ISO 32000-1,
// 11.4.6), and groups and resources with colours of their own.
func (v view) plainForm(form *syntax.Dict) error {
	for _, key := range []syntax.Name{"Ref", "OPI", "PS"} {
		if form.Lookup(key) != nil {
			return notDrawn("a form with /%s", key)
		}
	}
	group, err := v.Dict(form.Lookup("Group"))
	if err != nil {
		return err
	}
	knockout, err := v.Get(group, "K")
	if err != nil {
		return err
	}
	if knockout != nil && knockout != false {
		return notDrawn("a knockout group")
	}
	space, err := v.Get(group, "CS")
	if err != nil {
		return err
	}
	if space != nil && space != syntax.Name("DeviceGray") && space != syntax.Name("DeviceRGB") && space != syntax.Name("DeviceCMYK") {
		return notDrawn("a group in another colour space")
	}
	return v.plainColours(form.Lookup("Resources"))
}

// plainColours refuses resources that give the device's colours another meaning (ISO 32000-1,
// 8.6.5.6): what is ink here may be white paper to a reader, and the other way round.
func (v view) plainColours(resources syntax.Value) error {
	d, err := v.Dict(resources)
	if err != nil {
		return err
	}
	spaces, err := v.Dict(d.Lookup("ColorSpace"))
	if err != nil {
		return err
	}
	for _, key := range []syntax.Name{"DefaultGray", "DefaultRGB", "DefaultCMYK"} {
		if spaces.Lookup(key) != nil {
			return notDrawn("colours of the document's own, /%s", key)
		}
	}
	return nil
}

// plainPage is plainColours of a page's resources: readers look there for what a form has not.
func (v view) plainPage(page syntax.Ref) error {
	d, err := v.Dict(page)
	if err != nil {
		return err
	}
	resources, err := v.Inherited(d, "Resources")
	if err != nil {
		return err
	}
	return v.plainColours(resources)
}
