package pdf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
	"github.com/elicence/elicence/seal/seen"
)

// Prepare makes the increment that stamps the file: the signature field and
// its dictionary with room for the signature, the marks, and what must change
// in the page, the form and the catalog. The document stays as it is; several
// stamps can be prepared on it, of which one becomes the next revision.
//
// It fails with *RefusedError where the stamp or the file does not allow it,
// and with the errors of Open where a part of the file that nobody looked at
// before turns out to be damaged.
func (d *Document) Prepare(s Stamp) (*Prepared, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	d.file.BeginWork()
	form, err := d.now.Form()
	if err != nil {
		return nil, err
	}
	leaves, err := d.pages()
	if err != nil {
		return nil, err
	}
	p := &preparation{doc: d, stamp: &s, form: form, leaves: slices.Clone(leaves)}
	if err := p.chooseField(); err != nil {
		return nil, err
	}
	if err := p.permitted(); err != nil {
		return nil, err
	}
	if err := p.placeAll(); err != nil {
		return nil, err
	}
	if p.inc, err = d.file.NewIncrement(); err != nil {
		return nil, err
	}
	if p.tagged, err = p.tags(); err != nil {
		return nil, err
	}
	p.inc.Out = slices.Grow(p.inc.Out, 2*s.ContentsSize+len(s.Marks)*usualMark+usualIncrement)
	p.inc.Written = slices.Grow(p.inc.Written, 3*len(s.Marks)+usualObjects) // a mark, its frame and its page
	sig := p.inc.Fresh()
	if err := p.annotations(sig); err != nil {
		return nil, err
	}
	if err := p.signature(sig); err != nil {
		return nil, err
	}
	if err := p.tagged.write(d.now); err != nil {
		return nil, err
	}
	if err := p.interactiveForm(); err != nil {
		return nil, err
	}
	if s.Certify > 0 {
		if err := p.inRoot("Perms", syntax.DictOf("DocMDP", sig)); err != nil {
			return nil, err
		}
	}
	p.writeRoot()
	if err := finish(p.inc, d); err != nil {
		return nil, err
	}
	return p.prepared()
}

// finish ends an increment. What the format has no room for is refused.
func finish(w *syntax.Increment, d *Document) error {
	err := w.Finish(d.file)
	var cannot *syntax.UnwritableError
	if errors.As(err, &cannot) {
		return refuse("%s", cannot.Why)
	}
	return err
}

// usualIncrement and usualMark are more than an increment takes, in bytes, without the
// signature and the marks, and for each mark; usualObjects are those that it has beside.
const (
	usualIncrement = 8 << 10
	usualMark      = 640
	usualObjects   = 8
)

// A preparation is a Prepare under way.
type preparation struct {
	doc    *Document
	stamp  *Stamp
	form   *structure.Form
	leaves []structure.Leaf   // as they will be afterwards
	users  map[syntax.Ref]int // of /Annots arrays, as they are now

	name     string
	existing *structure.Field // the field of that name, nil when it is made
	widget   *syntax.Dict     // of the existing field
	newField syntax.Ref
	places   []placement
	lock     *Lock // the stamp's, or the one that the existing field asks for
	seen     seen.Statement
	root     *syntax.Dict // the catalog as it will be, nil where it stays
	rootRef  syntax.Ref

	inc         *syntax.Increment
	tagged      *tags // nil: the file is not
	rangeAt     int   // where in inc.Out the ByteRange's second number starts
	contentsAt  int   // where the < of /Contents is
	contentsEnd int   // behind its >
}

// chooseField finds the empty field or a name for a new one.
func (p *preparation) chooseField() error {
	p.name = p.stamp.Field
	if p.name == "" {
		kind := "Seal"
		if p.stamp.Timestamp {
			kind = "TimeStamp"
		}
		for n := 1; p.name == "" || p.form.ByName[p.name] != nil; n++ {
			p.name = kind + strconv.Itoa(n)
		}
		return nil
	}
	p.existing = p.form.ByName[p.name]
	if p.existing == nil {
		if strings.Contains(p.name, ".") {
			return refuseZH("文件没有此签名域", "the file has no field %q, and a new field's name has no full stop", p.name)
		}
		for _, f := range p.form.All {
			if strings.HasPrefix(f.Name, p.name+".") {
				return refuseZH("此名称是一组域的名称", "the name %q belongs to a group of fields", p.name)
			}
		}
		return nil
	}
	return p.usable(p.existing)
}

// usable says whether an existing field can take the signature.
func (p *preparation) usable(f *structure.Field) error {
	if f.Kind != syntax.Name("Sig") {
		return refuseZH("此域不是签名域", "the field %q is not a signature field", f.Name)
	}
	val, err := p.doc.now.Resolve(f.Val)
	if err != nil {
		return err
	}
	if val != nil {
		return refuseZH("此签名域已有签名", "the field %q is signed already", f.Name)
	}
	if len(f.Widgets) != 1 {
		return refuse("the field %q has %d widgets; a signature has one (ISO 32000-2, 12.7.5.5)", f.Name, len(f.Widgets))
	}
	if err := p.seedValue(f); err != nil {
		return err
	}
	if err := p.takeLock(f); err != nil {
		return err
	}
	p.widget, err = p.doc.now.Dict(f.Widgets[0])
	if err != nil {
		return err
	}
	flags, err := p.doc.now.Get(p.widget, "F")
	if err != nil {
		return err
	}
	const invisible, hidden, noView = 1, 2, 32
	if n, _ := flags.(int64); n&(invisible|hidden|noView) != 0 {
		return refuseZH("此签名域是隐藏的", "the field %q is hidden", f.Name)
	}
	return nil
}

// zeros are digits of the room for a signature.
const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// signature writes the signature dictionary (ISO 32000-1, 12.8.1) and notes
// where its two placeholders are.
func (p *preparation) signature(r syntax.Ref) error {
	w, s := p.inc, p.stamp
	room := s.ContentsSize
	if !s.Timestamp { // a token names nothing
		named, err := p.seen.Size()
		if err != nil {
			return err
		}
		room += named
	}
	w.Begin(r)
	kind := "Sig"
	if s.Timestamp {
		kind = "DocTimeStamp"
	}
	w.Out = append(w.Out, "<</Type /"+kind+"/Filter "...)
	w.Out = syntax.AppendName(w.Out, syntax.Name(s.Filter))
	w.Out = append(w.Out, "/SubFilter "...)
	w.Out = syntax.AppendName(w.Out, syntax.Name(s.SubFilter))
	w.Out = append(w.Out, "/ByteRange [0 "...)
	p.rangeAt = len(w.Out)
	w.Out = append(w.Out, "0000000000 0000000000 0000000000]/Contents "...)
	p.contentsAt = len(w.Out)
	w.Out = append(w.Out, '<')
	for n := 2 * room; n > 0; n -= len(zeros) {
		w.Out = append(w.Out, zeros[:min(n, len(zeros))]...)
	}
	w.Out = append(w.Out, '>')
	p.contentsEnd = len(w.Out)
	rest := &syntax.Dict{}
	if !s.Timestamp { // the token says when, and nothing else should
		rest = syntax.DictOf("M", syntax.DateString(s.Time))
	}
	for _, t := range []struct{ key, text string }{{"Name", s.Name}, {"Reason", s.Reason}, {"Location", s.Location}} {
		if t.text != "" {
			rest = rest.With(syntax.Name(t.key), syntax.TextString(t.text))
		}
	}
	if references := p.transforms(); len(references) > 0 {
		rest = rest.With("Reference", references)
	}
	for _, e := range w.Hide(r, rest).(*syntax.Dict).Entries {
		w.Out = syntax.AppendName(w.Out, e.Key)
		w.Out = append(w.Out, ' ')
		w.Out = syntax.AppendValue(w.Out, e.Val)
	}
	w.Out = append(w.Out, ">>"...)
	w.End()
	return nil
}

// annotations writes the marks, the field, and the pages that show them.
func (p *preparation) annotations(sig syntax.Ref) error {
	w := newDrawings(p.inc, p.doc, len(p.places), p.stamp.Pictures)
	if err := w.reuse(p.signedWidgets()); err != nil {
		return err
	}
	added := make(map[int][]syntax.Ref) // by page
	named := make([]seen.Place, len(p.places))
	for i := range p.places {
		frame, err := w.frame(&p.stamp.Marks[i], p.places[i])
		if err != nil {
			return err
		}
		page, look := p.places[i].leaf, syntax.DictOf("N", frame)
		if i == 0 && p.existing != nil {
			if named[i], _, err = p.doc.now.named(w.looks, page+1, p.fill(sig, look)); err != nil {
				return err
			}
			continue
		}
		box, on := p.places[i].rect.Array(p.doc.file), p.leaves[page].Ref
		a := syntax.DictOf("Type", syntax.Name("Annot"), "Subtype", syntax.Name("Stamp"), "F", int64(structure.Printed|structure.ReadOnly|structure.Locked), "Rect", box, "P", on, "AP", look)
		if i == 0 {
			a = p.fieldDict(sig)
			a.Set("Rect", box)
			a.Set("P", on)
			a.Set("AP", look)
		}
		if named[i], _, err = p.doc.now.named(w.looks, page+1, a); err != nil {
			return err
		}
		r := p.inc.Fresh()
		p.inc.Put(r, p.tagged.mark(r, a, p.leaves[page].Ref))
		added[page] = append(added[page], r)
		if i == 0 {
			p.newField = r
		}
	}
	if len(p.places) == 0 {
		p.invisible(sig, added)
	} else {
		p.seen = seen.New(named[0], named[1:]...)
	}
	for i := range p.leaves {
		if len(added[i]) > 0 {
			if err := p.show(i, added[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldDict is a new signature field that is its own widget.
func (p *preparation) fieldDict(sig syntax.Ref) *syntax.Dict {
	return syntax.DictOf("Type", syntax.Name("Annot"), "Subtype", syntax.Name("Widget"), "FT", syntax.Name("Sig"),
		"T", syntax.TextString(p.name), "V", sig, "F", int64(structure.Printed|structure.Locked))
}

// invisible attaches the signature to a field without appearance.
func (p *preparation) invisible(sig syntax.Ref, added map[int][]syntax.Ref) {
	if p.existing != nil {
		p.fill(sig, nil)
		return
	}
	p.newField = p.inc.Fresh()
	field := p.fieldDict(sig).With("Rect", structure.Rect{}.Array(p.doc.file))
	if len(p.leaves) > 0 {
		page := p.leaves[0].Ref
		field = p.tagged.mark(p.newField, field.With("P", page), page)
		added[0] = append(added[0], p.newField)
	}
	p.inc.Put(p.newField, field)
}

// fill gives an existing field its value and its widget the appearance. It returns the
// widget.
func (p *preparation) fill(sig syntax.Ref, look *syntax.Dict) *syntax.Dict {
	f := p.existing
	signed := f.Dict.With("V", sig)
	widget := p.widget
	switch {
	case look == nil:
	case f.Widgets[0] == f.Ref:
		signed = signed.With("AP", look)
		widget = signed
	default:
		widget = widget.With("AP", look)
		p.inc.Put(f.Widgets[0], widget)
	}
	p.inc.Put(f.Ref, signed)
	return widget
}

// show appends annotations to a page: to its /Annots array where that is an
// object of its own and nobody else's, else in the page's dictionary.
func (p *preparation) show(page int, added []syntax.Ref) error {
	v, leaf := p.doc.now, &p.leaves[page]
	dict, err := v.Dict(leaf.Ref)
	if err != nil || dict == nil {
		return orDamaged(err, v.XrefOffset(), "a page is not a dictionary")
	}
	annots, err := v.Array(dict.Lookup("Annots"))
	if err != nil {
		return err
	}
	annots = slices.Clone(annots)
	for _, r := range added {
		annots = append(annots, r)
	}
	// On a tagged page what is visited follows the tags (ISO 14289-1, 7.18.3).
	visited := p.tagged == nil || dict.Lookup("Tabs") == syntax.Name("S")
	if p.ownAnnots(*leaf) {
		p.inc.Put(leaf.Annots, annots)
		if !visited {
			p.inc.Put(leaf.Ref, dict.With("Tabs", syntax.Name("S")))
		}
		return nil
	}
	if !visited {
		dict = dict.With("Tabs", syntax.Name("S"))
	}
	leaf.Annots = syntax.Ref{}
	p.inc.Put(leaf.Ref, dict.With("Annots", annots))
	return nil
}

// ownAnnots reports that a page's /Annots array is an object that no other
// page and not the form's /Fields uses. (Some writers share them.)
func (p *preparation) ownAnnots(l structure.Leaf) bool {
	if l.Annots == (syntax.Ref{}) || l.Annots == p.form.FieldsRef {
		return false
	}
	if p.users == nil {
		p.users = make(map[syntax.Ref]int)
		for _, other := range p.leaves {
			p.users[other.Annots]++
		}
	}
	o, err := p.doc.now.Load(l.Annots)
	if err != nil || o == nil {
		return false
	}
	_, isArray := o.Val.(syntax.Array)
	return p.users[l.Annots] == 1 && isArray
}

// interactiveForm enters a new field and the signature flags.
func (p *preparation) interactiveForm() error {
	f := p.form
	dict := f.Dict
	if dict == nil {
		dict = syntax.DictOf("Fields", syntax.Array{})
	}
	changed := false
	if p.existing == nil {
		fields := append(slices.Clone(f.Fields), p.newField)
		if f.FieldsRef != (syntax.Ref{}) && f.Fields != nil && !p.sharedFields() {
			p.inc.Put(f.FieldsRef, fields)
		} else {
			dict, changed = dict.With("Fields", fields), true
		}
	}
	if dict.Lookup("XFA") != nil { // permitted by xfa
		dict, changed = dict.Without("XFA"), true
	}
	flags, err := p.doc.now.Get(dict, "SigFlags")
	if err != nil {
		return err
	}
	const signaturesExist, appendOnly = 1, 2
	if n, _ := flags.(int64); n&3 != signaturesExist|appendOnly {
		dict, changed = dict.With("SigFlags", n|signaturesExist|appendOnly), true
	}
	switch {
	case !changed:
	case f.Ref != (syntax.Ref{}) && f.Dict != nil:
		p.inc.Put(f.Ref, dict)
	default:
		return p.newForm(dict)
	}
	return nil
}

// newForm writes the catalog anew: with a form of its own object where there
// was none, else with the direct one it had.
func (p *preparation) newForm(form *syntax.Dict) error {
	var val syntax.Value = form
	if p.form.Dict == nil {
		r := p.inc.Fresh()
		p.inc.Put(r, form)
		val = r
	}
	return p.inRoot("AcroForm", val)
}

// inRoot sets an entry of the catalog.
func (p *preparation) inRoot(key syntax.Name, val syntax.Value) error {
	if p.root == nil {
		catalog, err := p.doc.now.Catalog()
		if err != nil {
			return err
		}
		p.rootRef, p.root = catalog.Ref, catalog.Val.(*syntax.Dict)
	}
	p.root = p.root.With(key, val)
	return nil
}

// writeRoot writes the catalog anew where an entry was set.
func (p *preparation) writeRoot() {
	if p.root != nil {
		p.inc.Put(p.rootRef, p.root)
	}
}

func (p *preparation) sharedFields() bool {
	return slices.ContainsFunc(p.leaves, func(l structure.Leaf) bool { return l.Annots == p.form.FieldsRef })
}

// prepared fills in the ByteRange and hashes what it covers.
func (p *preparation) prepared() (*Prepared, error) {
	w := p.inc
	from, to := w.At+int64(p.contentsAt), w.At+int64(p.contentsEnd)
	out := &Prepared{
		doc:       p.doc,
		increment: w.Out,
		contents:  [2]int{p.contentsAt + 1, p.contentsEnd - 1},
		byteRange: [4]int64{0, from, to, w.Offset() - to},
		leaves:    p.leaves,
		field:     p.name,
		seen:      p.seen,
	}
	copy(w.Out[p.rangeAt:], fmt.Sprintf("%010d %010d %010d", from, to, w.Offset()-to))
	if err := p.doc.passGaps(p.form); err != nil {
		return nil, err
	}
	h, err := p.doc.hashed()
	if err != nil {
		return nil, err
	}
	h.Write(w.Out[:p.contentsAt])
	w.Identify(h, p.contentsEnd)
	out.digest = [32]byte(h.Sum(nil))
	return out, nil
}
