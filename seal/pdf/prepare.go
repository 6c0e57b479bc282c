package pdf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	d.worked = 0
	form, err := d.now.form()
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
	if p.inc, err = d.newIncrement(); err != nil {
		return nil, err
	}
	if p.tagged, err = p.tags(); err != nil {
		return nil, err
	}
	p.inc.out = slices.Grow(p.inc.out, 2*s.ContentsSize+len(s.Marks)*usualMark+usualIncrement)
	p.inc.written = slices.Grow(p.inc.written, 3*len(s.Marks)+usualObjects) // a mark, its frame and its page
	sig := p.inc.fresh()
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
		if err := p.inRoot("Perms", dictOf("DocMDP", sig)); err != nil {
			return nil, err
		}
	}
	p.writeRoot()
	if err := p.inc.finish(d); err != nil {
		return nil, err
	}
	return p.prepared()
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
	form   *form
	leaves []leaf      // as they will be afterwards
	users  map[ref]int // of /Annots arrays, as they are now

	name     string
	existing *field // the field of that name, nil when it is made
	widget   *dict  // of the existing field
	newField ref
	places   []placement
	lock     *Lock // the stamp's, or the one that the existing field asks for
	seen     seen.Statement
	root     *dict // the catalog as it will be, nil where it stays
	rootRef  ref

	inc         *increment
	tagged      *tags // nil: the file is not
	rangeAt     int   // where in inc.out the ByteRange's second number starts
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
		for n := 1; p.name == "" || p.form.byName[p.name] != nil; n++ {
			p.name = kind + strconv.Itoa(n)
		}
		return nil
	}
	p.existing = p.form.byName[p.name]
	if p.existing == nil {
		if strings.Contains(p.name, ".") {
			return refuseZH("文件没有此签名域", "the file has no field %q, and a new field's name has no full stop", p.name)
		}
		for _, f := range p.form.all {
			if strings.HasPrefix(f.name, p.name+".") {
				return refuseZH("此名称是一组域的名称", "the name %q belongs to a group of fields", p.name)
			}
		}
		return nil
	}
	return p.usable(p.existing)
}

// usable says whether an existing field can take the signature.
func (p *preparation) usable(f *field) error {
	if f.kind != name("Sig") {
		return refuseZH("此域不是签名域", "the field %q is not a signature field", f.name)
	}
	val, err := p.doc.now.resolve(f.val)
	if err != nil {
		return err
	}
	if val != nil {
		return refuseZH("此签名域已有签名", "the field %q is signed already", f.name)
	}
	if len(f.widgets) != 1 {
		return refuse("the field %q has %d widgets; a signature has one (ISO 32000-2, 12.7.5.5)", f.name, len(f.widgets))
	}
	if err := p.seedValue(f); err != nil {
		return err
	}
	if err := p.takeLock(f); err != nil {
		return err
	}
	p.widget, err = p.doc.now.dict(f.widgets[0])
	if err != nil {
		return err
	}
	flags, err := p.doc.now.get(p.widget, "F")
	if err != nil {
		return err
	}
	const invisible, hidden, noView = 1, 2, 32
	if n, _ := flags.(int64); n&(invisible|hidden|noView) != 0 {
		return refuseZH("此签名域是隐藏的", "the field %q is hidden", f.name)
	}
	return nil
}

// zeros are digits of the room for a signature.
const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// signature writes the signature dictionary (ISO 32000-1, 12.8.1) and notes
// where its two placeholders are.
func (p *preparation) signature(r ref) error {
	w, s := p.inc, p.stamp
	room := s.ContentsSize
	if !s.Timestamp { // a token names nothing
		named, err := p.seen.Size()
		if err != nil {
			return err
		}
		room += named
	}
	w.begin(r)
	kind := "Sig"
	if s.Timestamp {
		kind = "DocTimeStamp"
	}
	w.out = append(w.out, "<</Type /"+kind+"/Filter "...)
	w.out = appendName(w.out, name(s.Filter))
	w.out = append(w.out, "/SubFilter "...)
	w.out = appendName(w.out, name(s.SubFilter))
	w.out = append(w.out, "/ByteRange [0 "...)
	p.rangeAt = len(w.out)
	w.out = append(w.out, "0000000000 0000000000 0000000000]/Contents "...)
	p.contentsAt = len(w.out)
	w.out = append(w.out, '<')
	for n := 2 * room; n > 0; n -= len(zeros) {
		w.out = append(w.out, zeros[:min(n, len(zeros))]...)
	}
	w.out = append(w.out, '>')
	p.contentsEnd = len(w.out)
	rest := &dict{}
	if !s.Timestamp { // the token says when, and nothing else should
		rest = dictOf("M", dateString(s.Time))
	}
	for _, t := range []struct{ key, text string }{{"Name", s.Name}, {"Reason", s.Reason}, {"Location", s.Location}} {
		if t.text != "" {
			rest = rest.with(name(t.key), textString(t.text))
		}
	}
	if references := p.transforms(); len(references) > 0 {
		rest = rest.with("Reference", references)
	}
	for _, e := range w.hide(r, rest).(*dict).entries {
		w.out = appendName(w.out, e.key)
		w.out = append(w.out, ' ')
		w.out = appendValue(w.out, e.val)
	}
	w.out = append(w.out, ">>"...)
	w.end()
	return nil
}

// Annotation flags (ISO 32000-1, table 165).
const (
	printed  = 4
	readOnly = 64
	locked   = 128
)

// annotations writes the marks, the field, and the pages that show them.
func (p *preparation) annotations(sig ref) error {
	w := newDrawings(p.inc, p.doc, len(p.places), p.stamp.Pictures)
	if err := w.reuse(p.signedWidgets()); err != nil {
		return err
	}
	added := make(map[int][]ref) // by page
	named := make([]seen.Place, len(p.places))
	for i := range p.places {
		frame, err := w.frame(&p.stamp.Marks[i], p.places[i])
		if err != nil {
			return err
		}
		page, look := p.places[i].leaf, dictOf("N", frame)
		if i == 0 && p.existing != nil {
			if named[i], _, err = p.doc.now.named(w.looks, page+1, p.fill(sig, look)); err != nil {
				return err
			}
			continue
		}
		box, on := p.places[i].rect.array(&p.doc.src.values), p.leaves[page].ref
		a := dictOf("Type", name("Annot"), "Subtype", name("Stamp"), "F", int64(printed|readOnly|locked), "Rect", box, "P", on, "AP", look)
		if i == 0 {
			a = p.fieldDict(sig)
			a.set("Rect", box)
			a.set("P", on)
			a.set("AP", look)
		}
		if named[i], _, err = p.doc.now.named(w.looks, page+1, a); err != nil {
			return err
		}
		r := p.inc.fresh()
		p.inc.put(r, p.tagged.mark(r, a, p.leaves[page].ref))
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
func (p *preparation) fieldDict(sig ref) *dict {
	return dictOf("Type", name("Annot"), "Subtype", name("Widget"), "FT", name("Sig"),
		"T", textString(p.name), "V", sig, "F", int64(printed|locked))
}

// invisible attaches the signature to a field without appearance.
func (p *preparation) invisible(sig ref, added map[int][]ref) {
	if p.existing != nil {
		p.fill(sig, nil)
		return
	}
	p.newField = p.inc.fresh()
	field := p.fieldDict(sig).with("Rect", rect{}.array(nil))
	if len(p.leaves) > 0 {
		page := p.leaves[0].ref
		field = p.tagged.mark(p.newField, field.with("P", page), page)
		added[0] = append(added[0], p.newField)
	}
	p.inc.put(p.newField, field)
}

// fill gives an existing field its value and its widget the appearance. It returns the
// widget.
func (p *preparation) fill(sig ref, look *dict) *dict {
	f := p.existing
	signed := f.dict.with("V", sig)
	widget := p.widget
	switch {
	case look == nil:
	case f.widgets[0] == f.ref:
		signed = signed.with("AP", look)
		widget = signed
	default:
		widget = widget.with("AP", look)
		p.inc.put(f.widgets[0], widget)
	}
	p.inc.put(f.ref, signed)
	return widget
}

// show appends annotations to a page: to its /Annots array where that is an
// object of its own and nobody else's, else in the page's dictionary.
func (p *preparation) show(page int, added []ref) error {
	v, leaf := p.doc.now, &p.leaves[page]
	dict, err := v.dict(leaf.ref)
	if err != nil || dict == nil {
		return orDamaged(err, v.sections[0].at, "a page is not a dictionary")
	}
	annots, err := v.array(dict.lookup("Annots"))
	if err != nil {
		return err
	}
	annots = slices.Clone(annots)
	for _, r := range added {
		annots = append(annots, r)
	}
	// On a tagged page what is visited follows the tags (ISO 14289-1, 7.18.3).
	visited := p.tagged == nil || dict.lookup("Tabs") == name("S")
	if p.ownAnnots(*leaf) {
		p.inc.put(leaf.annots, annots)
		if !visited {
			p.inc.put(leaf.ref, dict.with("Tabs", name("S")))
		}
		return nil
	}
	if !visited {
		dict = dict.with("Tabs", name("S"))
	}
	leaf.annots = ref{}
	p.inc.put(leaf.ref, dict.with("Annots", annots))
	return nil
}

// ownAnnots reports that a page's /Annots array is an object that no other
// page and not the form's /Fields uses. (Some writers share them.)
func (p *preparation) ownAnnots(l leaf) bool {
	if l.annots == (ref{}) || l.annots == p.form.fieldsRef {
		return false
	}
	if p.users == nil {
		p.users = make(map[ref]int)
		for _, other := range p.leaves {
			p.users[other.annots]++
		}
	}
	o, err := p.doc.now.load(l.annots)
	if err != nil || o == nil {
		return false
	}
	_, isArray := o.val.(array)
	return p.users[l.annots] == 1 && isArray
}

// interactiveForm enters a new field and the signature flags.
func (p *preparation) interactiveForm() error {
	f := p.form
	dict := f.dict
	if dict == nil {
		dict = dictOf("Fields", array{})
	}
	changed := false
	if p.existing == nil {
		fields := append(slices.Clone(f.fields), p.newField)
		if f.fieldsRef != (ref{}) && f.fields != nil && !p.sharedFields() {
			p.inc.put(f.fieldsRef, fields)
		} else {
			dict, changed = dict.with("Fields", fields), true
		}
	}
	if dict.lookup("XFA") != nil { // permitted by xfa
		dict, changed = dict.without("XFA"), true
	}
	flags, err := p.doc.now.get(dict, "SigFlags")
	if err != nil {
		return err
	}
	const signaturesExist, appendOnly = 1, 2
	if n, _ := flags.(int64); n&3 != signaturesExist|appendOnly {
		dict, changed = dict.with("SigFlags", n|signaturesExist|appendOnly), true
	}
	switch {
	case !changed:
	case f.ref != (ref{}) && f.dict != nil:
		p.inc.put(f.ref, dict)
	default:
		return p.newForm(dict)
	}
	return nil
}

// newForm writes the catalog anew: with a form of its own object where there
// was none, else with the direct one it had.
func (p *preparation) newForm(form *dict) error {
	var val value = form
	if p.form.dict == nil {
		r := p.inc.fresh()
		p.inc.put(r, form)
		val = r
	}
	return p.inRoot("AcroForm", val)
}

// inRoot sets an entry of the catalog.
func (p *preparation) inRoot(key name, val value) error {
	if p.root == nil {
		catalog, err := p.doc.now.catalog()
		if err != nil {
			return err
		}
		p.rootRef, p.root = catalog.ref, catalog.val.(*dict)
	}
	p.root = p.root.with(key, val)
	return nil
}

// writeRoot writes the catalog anew where an entry was set.
func (p *preparation) writeRoot() {
	if p.root != nil {
		p.inc.put(p.rootRef, p.root)
	}
}

func (p *preparation) sharedFields() bool {
	return slices.ContainsFunc(p.leaves, func(l leaf) bool { return l.annots == p.form.fieldsRef })
}

// prepared fills in the ByteRange and hashes what it covers.
func (p *preparation) prepared() (*Prepared, error) {
	w := p.inc
	from, to := w.at+int64(p.contentsAt), w.at+int64(p.contentsEnd)
	out := &Prepared{
		doc:       p.doc,
		increment: w.out,
		contents:  [2]int{p.contentsAt + 1, p.contentsEnd - 1},
		byteRange: [4]int64{0, from, to, w.offset() - to},
		leaves:    p.leaves,
		field:     p.name,
		seen:      p.seen,
	}
	copy(w.out[p.rangeAt:], fmt.Sprintf("%010d %010d %010d", from, to, w.offset()-to))
	if err := p.doc.passGaps(p.form); err != nil {
		return nil, err
	}
	h, err := p.doc.hashed()
	if err != nil {
		return nil, err
	}
	h.Write(w.out[:p.contentsAt])
	w.identify(h, p.contentsEnd)
	out.digest = [32]byte(h.Sum(nil))
	return out, nil
}
