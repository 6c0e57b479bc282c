package pdf

import (
	"math"
	"slices"
	"strconv"

	"github.com/elicence/elicence/seal/likeness"
)

// drawings writes the appearances of one increment: each drawing once, and a
// small frame around it for every place it is shown at.
type drawings struct {
	inc     *increment
	doc     *Document
	reused  []ref          // drawings that earlier signatures show
	framed  []ref          // and the frames around them
	frames  map[string]ref // written in this increment, by what they say
	said    []byte         // room to write that in
	known   []*Appearance
	refs    []ref
	objects map[*Object]ref
	made    map[ref]value // what was written
	looks   *looks
	marks   int                    // how many the stamp has
	shared  map[frameResources]ref // what the frames of many marks refer to
}

// frameResources is what decides the resources of a frame.
type frameResources struct {
	drawing  ref
	multiply bool
	opacity  float64
}

// newDrawings begins the appearances of an increment. They look as they will when the
// increment is read.
func newDrawings(inc *increment, doc *Document, marks int, memory *likeness.Memory) *drawings {
	w := &drawings{
		inc: inc, doc: doc, objects: make(map[*Object]ref), made: make(map[ref]value), marks: marks, shared: make(map[frameResources]ref), frames: make(map[string]ref),
	}
	w.looks = doc.now.looks()
	w.looks.memory = memory
	inFile := w.looks.object
	w.looks.object = func(r ref) (value, error) {
		if val, ok := w.made[r]; ok {
			return val, nil
		}
		return inFile(r)
	}
	return w
}

// put and putStream write objects and remember them.

func (w *drawings) put(r ref, d *dict) {
	w.made[r] = d
	w.inc.put(r, d)
}

func (w *drawings) putStream(r ref, d *dict, data []byte) {
	w.made[r] = &drawn{d, data}
	w.inc.putStream(r, d, data)
}

// drawing writes an appearance as a form XObject, or finds it written.
func (w *drawings) drawing(a *Appearance) (ref, error) {
	if i := slices.IndexFunc(w.known, a.same); i >= 0 {
		return w.refs[i], nil
	}
	if err := a.check(); err != nil {
		return ref{}, err
	}
	data, err := a.deflated.of(a.Content)
	if err != nil {
		return ref{}, err
	}
	head, err := w.head(a)
	if err != nil {
		return ref{}, err
	}
	var r ref
	if len(a.Objects) == 0 {
		if r, err = w.earlier(w.reused, head, data); err != nil {
			return ref{}, err
		}
	}
	if r == (ref{}) {
		r = w.inc.fresh()
		w.putStream(r, head, data)
	}
	if len(a.Objects) == 0 { // it leads nowhere, so it looks the same in every file
		if w.looks.known[r], err = a.look.of(w.looks, head, data); err != nil {
			return ref{}, err
		}
	}
	w.known, w.refs = append(w.known, a), append(w.refs, r)
	return r, nil
}

// head is the form XObject's dictionary.
func (w *drawings) head(a *Appearance) (*dict, error) {
	resources := &dict{}
	if a.Resources != "" {
		uses, err := w.write(a.Objects)
		if err != nil {
			return nil, err
		}
		if resources, err = template(a.Resources, uses); err != nil {
			return nil, refuse("the appearance's resources: %v", err)
		}
	}
	var box array
	for _, n := range a.BBox {
		box = append(box, decimalReal(n))
	}
	head := dictOf("Type", name("XObject"), "Subtype", name("Form"), "BBox", box, "Resources", resources)
	if a.blends() {
		head = head.with("Group", dictOf("S", name("Transparency")))
	}
	return head.with("Filter", name("FlateDecode")), nil
}

// write writes objects and what they use, and returns their references. The
// numbers are given out first, so objects may use each other in circles.
func (w *drawings) write(objects []*Object) ([]ref, error) {
	var pending []*Object
	number := func(list []*Object) []ref {
		refs := make([]ref, len(list))
		for i, o := range list {
			if _, ok := w.objects[o]; !ok {
				w.objects[o] = w.inc.fresh()
				pending = append(pending, o)
			}
			refs[i] = w.objects[o]
		}
		return refs
	}
	refs := number(objects)
	for len(pending) > 0 {
		o := pending[0]
		pending = pending[1:]
		if o == nil {
			return nil, refuse("the appearance has an object that is nil")
		}
		d, err := template(o.Dict, number(o.Uses))
		if err != nil {
			return nil, refuse("an object of the appearance: %v", err)
		}
		if o.Stream == nil {
			w.put(w.objects[o], d)
			continue
		}
		data := o.Stream
		if d.lookup("Filter") == nil {
			if data, err = o.deflated.of(o.Stream); err != nil {
				return nil, err
			}
			d = d.with("Filter", name("FlateDecode"))
		}
		w.putStream(w.objects[o], d, data)
	}
	return refs, nil
}

// earlier finds the same drawing, or frame, among those that earlier signatures of the file
// show, so that ten seals of one office carry one picture.
func (w *drawings) earlier(shown []ref, head *dict, data []byte) (ref, error) {
	for _, r := range shown {
		o, err := w.doc.now.load(r)
		if err != nil {
			return ref{}, err
		}
		if o == nil {
			continue
		}
		st, ok := o.val.(*stream)
		if !ok || !equal(st.dict.without("Length"), head) {
			continue
		}
		where, err := w.doc.now.span(st)
		if err != nil {
			return ref{}, err
		}
		const hidden = 32 // bytes that encryption adds at most
		if n := where.to - where.from - int64(len(data)); n < 0 || n > hidden {
			continue
		}
		method, err := w.doc.now.method(st, nil)
		if err != nil {
			return ref{}, err
		}
		old, err := w.doc.now.raw(st, where, method)
		if err != nil {
			return ref{}, err
		}
		if string(old) == string(data) {
			return r, nil
		}
	}
	return ref{}, nil
}

// reuse finds the drawings inside the frames of signature widgets, and those frames.
func (w *drawings) reuse(widgets []*dict) error {
	v := w.doc.now
	for _, widget := range widgets {
		ap, err := v.dict(widget.lookup("AP"))
		if err != nil {
			return err
		}
		normal, err := v.get(ap, "N")
		if err != nil {
			return err
		}
		frame, ok := normal.(*stream)
		if !ok {
			continue
		}
		if r, ok := ap.lookup("N").(ref); ok && !slices.Contains(w.framed, r) {
			w.framed = append(w.framed, r)
		}
		resources, err := v.dict(frame.dict.lookup("Resources"))
		if err != nil {
			return err
		}
		xobjects, err := v.dict(resources.lookup("XObject"))
		if err != nil {
			return err
		}
		if r, ok := xobjects.lookup(drawingName).(ref); ok && !slices.Contains(w.reused, r) {
			w.reused = append(w.reused, r)
		}
	}
	return nil
}

const drawingName = "Drawing"

// frame writes the form XObject that shows a drawing, or the part of it, in a
// box of an annotation: upright, at its size, in the middle. Where the same is in the file
// or the increment it is that.
func (w *drawings) frame(m *Mark, p placement) (ref, error) {
	drawing, err := w.drawing(m.Appearance)
	if err != nil {
		return ref{}, err
	}
	boxWidth, boxHeight := p.rect.width(), p.rect.height()
	if p.sheet.rotate%180 != 0 {
		boxWidth, boxHeight = boxHeight, boxWidth
	}
	part := m.part()
	width, height := m.Width*p.sheet.perMM, m.Height*p.sheet.perMM
	sx, sy := width/(part[2]-part[0]), height/(part[3]-part[1])
	left, bottom := (boxWidth-width)/2, (boxHeight-height)/2
	content := append(make([]byte, 0, 128), "q "...)
	if m.Appearance.blends() {
		content = append(content, "/Blend gs "...)
	}
	for _, n := range []float64{sx, 0, 0, sy, left - part[0]*sx, bottom - part[1]*sy} {
		content = strconv.AppendFloat(content, math.Round(n*1e7)/1e7+0, 'f', -1, 64) // + 0: no -0
		content = append(content, ' ')
	}
	content = append(content, "cm /"+drawingName+" Do Q"...)
	head := dictOf("Type", name("XObject"), "Subtype", name("Form"),
		"BBox", rect{x1: boxWidth, y1: boxHeight}.array(&w.doc.src.values), "Resources", w.resources(m.Appearance, drawing))
	if matrix := p.sheet.upright(boxWidth, boxHeight); matrix != nil {
		head.set("Matrix", matrix)
	}
	w.said = append(appendValue(w.said[:0], head), content...)
	if r, ok := w.frames[string(w.said)]; ok {
		return r, nil
	}
	r, err := w.earlier(w.framed, head, content)
	if err != nil {
		return ref{}, err
	}
	if r == (ref{}) {
		r = w.inc.fresh()
		w.putStream(r, head, content)
	}
	w.frames[string(w.said)] = r
	return r, nil
}

// resources is the resource dictionary of a frame around a drawing, as it stands, or written
// once for all where there are many marks.
func (w *drawings) resources(a *Appearance, drawing ref) value {
	kind := frameResources{drawing, a.Multiply, a.Opacity}
	if r, known := w.shared[kind]; known {
		return r
	}
	dict := dictOf("XObject", dictOf(drawingName, drawing))
	if a.blends() {
		dict.set("ExtGState", dictOf("Blend", a.blending()))
	}
	if w.marks < manyMarks {
		return dict
	}
	r := w.inc.fresh()
	w.put(r, dict)
	w.shared[kind] = r
	return r
}

// manyMarks is from how many marks an object that they share takes less room.
const manyMarks = 4

// blending is the graphics state that shows the drawing as one whole.
func (a *Appearance) blending() *dict {
	opacity := a.Opacity
	if opacity == 0 {
		opacity = 1
	}
	d := dictOf("Type", name("ExtGState"), "ca", decimalReal(opacity), "CA", decimalReal(opacity))
	if a.Multiply {
		d = d.with("BM", name("Multiply"))
	}
	return d
}
