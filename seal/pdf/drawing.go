package pdf

import (
	"math"
	"slices"
	"strconv"

	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// drawings writes the appearances of one increment: each drawing once, and a
// small frame around it for every place it is shown at.
type drawings struct {
	inc     *syntax.Increment
	doc     *Document
	reused  []syntax.Ref          // drawings that earlier signatures show
	framed  []syntax.Ref          // and the frames around them
	frames  map[string]syntax.Ref // written in this increment, by what they say
	said    []byte                // room to write that in
	known   []*Appearance
	refs    []syntax.Ref
	objects map[*Object]syntax.Ref
	made    map[syntax.Ref]syntax.Value // what was written
	looks   *looks
	marks   int                           // how many the stamp has
	shared  map[frameResources]syntax.Ref // what the frames of many marks refer to
}

// frameResources is what decides the resources of a frame.
type frameResources struct {
	drawing  syntax.Ref
	multiply bool
	opacity  float64
}

// newDrawings begins the appearances of an increment. They look as they will when the
// increment is read.
func newDrawings(inc *syntax.Increment, doc *Document, marks int, memory *likeness.Memory) *drawings {
	w := &drawings{
		inc: inc, doc: doc, objects: make(map[*Object]syntax.Ref), made: make(map[syntax.Ref]syntax.Value), marks: marks, shared: make(map[frameResources]syntax.Ref), frames: make(map[string]syntax.Ref),
	}
	w.looks = doc.now.looks()
	w.looks.memory = memory
	inFile := w.looks.object
	w.looks.object = func(r syntax.Ref) (syntax.Value, error) {
		if val, ok := w.made[r]; ok {
			return val, nil
		}
		return inFile(r)
	}
	return w
}

// put and putStream write objects and remember them.

func (w *drawings) put(r syntax.Ref, d *syntax.Dict) {
	w.made[r] = d
	w.inc.Put(r, d)
}

func (w *drawings) putStream(r syntax.Ref, d *syntax.Dict, data []byte) {
	w.made[r] = &drawn{d, data}
	w.inc.PutStream(r, d, data)
}

// drawing writes an appearance as a form XObject, or finds it written.
func (w *drawings) drawing(a *Appearance) (syntax.Ref, error) {
	if i := slices.IndexFunc(w.known, a.same); i >= 0 {
		return w.refs[i], nil
	}
	if err := a.check(); err != nil {
		return syntax.Ref{}, err
	}
	data, err := a.deflated.of(a.Content)
	if err != nil {
		return syntax.Ref{}, err
	}
	head, err := w.head(a)
	if err != nil {
		return syntax.Ref{}, err
	}
	var r syntax.Ref
	if len(a.Objects) == 0 {
		if r, err = w.earlier(w.reused, head, data); err != nil {
			return syntax.Ref{}, err
		}
	}
	if r == (syntax.Ref{}) {
		r = w.inc.Fresh()
		w.putStream(r, head, data)
	}
	if len(a.Objects) == 0 { // it leads nowhere, so it looks the same in every file
		if w.looks.known[r], err = a.look.of(w.looks, head, data); err != nil {
			return syntax.Ref{}, err
		}
	}
	w.known, w.refs = append(w.known, a), append(w.refs, r)
	return r, nil
}

// head is the form XObject's dictionary.
func (w *drawings) head(a *Appearance) (*syntax.Dict, error) {
	resources := &syntax.Dict{}
	if a.Resources != "" {
		uses, err := w.write(a.Objects)
		if err != nil {
			return nil, err
		}
		if resources, err = syntax.Template(a.Resources, uses); err != nil {
			return nil, refuse("the appearance's resources: %v", err)
		}
	}
	var box syntax.Array
	for _, n := range a.BBox {
		box = append(box, syntax.Decimal(n))
	}
	head := syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", box, "Resources", resources)
	if a.blends() {
		head = head.With("Group", syntax.DictOf("S", syntax.Name("Transparency")))
	}
	return head.With("Filter", syntax.Name("FlateDecode")), nil
}

// write writes objects and what they use, and returns their references. The
// numbers are given out first, so objects may use each other in circles.
func (w *drawings) write(objects []*Object) ([]syntax.Ref, error) {
	var pending []*Object
	number := func(list []*Object) []syntax.Ref {
		refs := make([]syntax.Ref, len(list))
		for i, o := range list {
			if _, ok := w.objects[o]; !ok {
				w.objects[o] = w.inc.Fresh()
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
		d, err := syntax.Template(o.Dict, number(o.Uses))
		if err != nil {
			return nil, refuse("an object of the appearance: %v", err)
		}
		if o.Stream == nil {
			w.put(w.objects[o], d)
			continue
		}
		data := o.Stream
		if d.Lookup("Filter") == nil {
			if data, err = o.deflated.of(o.Stream); err != nil {
				return nil, err
			}
			d = d.With("Filter", syntax.Name("FlateDecode"))
		}
		w.putStream(w.objects[o], d, data)
	}
	return refs, nil
}

// earlier finds the same drawing, or frame, among those that earlier signatures of the file
// show, so that ten seals of one office carry one picture.
func (w *drawings) earlier(shown []syntax.Ref, head *syntax.Dict, data []byte) (syntax.Ref, error) {
	for _, r := range shown {
		o, err := w.doc.now.Load(r)
		if err != nil {
			return syntax.Ref{}, err
		}
		if o == nil {
			continue
		}
		st, ok := o.Val.(*syntax.Stream)
		if !ok || !syntax.Equal(st.Dict.Without("Length"), head) {
			continue
		}
		where, err := w.doc.now.Span(st)
		if err != nil {
			return syntax.Ref{}, err
		}
		const hidden = 32 // bytes that encryption adds at most
		if n := where.To - where.From - int64(len(data)); n < 0 || n > hidden {
			continue
		}
		old, err := w.doc.now.Encoded(st)
		if err != nil {
			return syntax.Ref{}, err
		}
		if string(old) == string(data) {
			return r, nil
		}
	}
	return syntax.Ref{}, nil
}

// reuse finds the drawings inside the frames of signature widgets, and those frames.
func (w *drawings) reuse(widgets []*syntax.Dict) error {
	v := w.doc.now
	for _, widget := range widgets {
		ap, err := v.Dict(widget.Lookup("AP"))
		if err != nil {
			return err
		}
		normal, err := v.Get(ap, "N")
		if err != nil {
			return err
		}
		frame, ok := normal.(*syntax.Stream)
		if !ok {
			continue
		}
		if r, ok := ap.Lookup("N").(syntax.Ref); ok && !slices.Contains(w.framed, r) {
			w.framed = append(w.framed, r)
		}
		resources, err := v.Dict(frame.Dict.Lookup("Resources"))
		if err != nil {
			return err
		}
		xobjects, err := v.Dict(resources.Lookup("XObject"))
		if err != nil {
			return err
		}
		if r, ok := xobjects.Lookup(drawingName).(syntax.Ref); ok && !slices.Contains(w.reused, r) {
			w.reused = append(w.reused, r)
		}
	}
	return nil
}

const drawingName = "Drawing"

// frame writes the form XObject that shows a drawing, or the part of it, in a box of an annotation: upright, at its
// size, in the middle. Where the same is in the file or the increment it is that.
func (w *drawings) frame(m *Mark, p placement) (syntax.Ref, error) {
	drawing, err := w.drawing(m.Appearance)
	if err != nil {
		return syntax.Ref{}, err
	}
	boxWidth, boxHeight := p.rect.Width(), p.rect.Height()
	if p.sheet.Rotate%180 != 0 {
		boxWidth, boxHeight = boxHeight, boxWidth
	}
	part := m.part()
	width, height := m.Width*p.sheet.PerMM, m.Height*p.sheet.PerMM
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
	head := syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"),
		"BBox", structure.Rect{X1: boxWidth, Y1: boxHeight}.Array(w.doc.file), "Resources", w.resources(m.Appearance, drawing))
	if matrix := p.sheet.Upright(boxWidth, boxHeight); matrix != nil {
		head.Set("Matrix", matrix)
	}
	w.said = append(syntax.AppendValue(w.said[:0], head), content...)
	if r, ok := w.frames[string(w.said)]; ok {
		return r, nil
	}
	r, err := w.earlier(w.framed, head, content)
	if err != nil {
		return syntax.Ref{}, err
	}
	if r == (syntax.Ref{}) {
		r = w.inc.Fresh()
		w.putStream(r, head, content)
	}
	w.frames[string(w.said)] = r
	return r, nil
}

// resources is the resource dictionary of a frame around a drawing, as it stands, or written
// once for all where there are many marks.
func (w *drawings) resources(a *Appearance, drawing syntax.Ref) syntax.Value {
	kind := frameResources{drawing, a.Multiply, a.Opacity}
	if r, known := w.shared[kind]; known {
		return r
	}
	dict := syntax.DictOf("XObject", syntax.DictOf(drawingName, drawing))
	if a.blends() {
		dict.Set("ExtGState", syntax.DictOf("Blend", a.blending()))
	}
	if w.marks < manyMarks {
		return dict
	}
	r := w.inc.Fresh()
	w.put(r, dict)
	w.shared[kind] = r
	return r
}

// manyMarks is from how many marks an object that they share takes less room.
const manyMarks = 4

// blending is the graphics state that shows the drawing as one whole.
func (a *Appearance) blending() *syntax.Dict {
	opacity := a.Opacity
	if opacity == 0 {
		opacity = 1
	}
	d := syntax.DictOf("Type", syntax.Name("ExtGState"), "ca", syntax.Decimal(opacity), "CA", syntax.Decimal(opacity))
	if a.Multiply {
		d = d.With("BM", syntax.Name("Multiply"))
	}
	return d
}
