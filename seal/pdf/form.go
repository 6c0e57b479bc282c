package pdf

import (
	"fmt"
	"slices"
	"strings"
)

// A form is the file's interactive form (ISO 32000-1, 12.7.2), which is where
// signatures live.
type form struct {
	ref       ref   // of the /AcroForm dictionary, zero where it is direct
	dict      *dict // nil where the file has no form
	fieldsRef ref   // of the /Fields array, zero where it is direct
	fields    array
	all       []*field // the terminal fields, in the order of the tree

	byRef, byWidget map[ref]*field
	byName          map[string]*field
}

// A field is a terminal field: one that has a value.
type field struct {
	ref     ref
	dict    *dict
	name    string // fully qualified
	kind    value  // /FT, own or inherited
	flags   int64  // /Ff, own or inherited
	val     value  // /V, own or inherited, not resolved
	widgets []ref  // the annotations that show it, often the field itself
	parents []ref
}

// form reads the form of a view.
func (v view) form() (*form, error) {
	catalog, err := v.catalog()
	if err != nil {
		return nil, err
	}
	f := &form{}
	val := catalog.val.(*dict).lookup("AcroForm")
	f.ref, _ = val.(ref)
	if f.dict, err = v.dict(val); err != nil {
		return nil, err
	}
	if f.dict == nil {
		if val, err = v.resolve(val); err != nil || val != nil {
			return nil, orDamaged(err, catalog.at, "the catalog's /AcroForm is not a dictionary")
		}
		return f, nil
	}
	f.fieldsRef, _ = f.dict.lookup("Fields").(ref)
	if f.fields, err = v.array(f.dict.lookup("Fields")); err != nil {
		return nil, err
	}
	w := &fieldWalk{view: v, seen: make(map[uint32]bool)}
	for _, val := range f.fields {
		if err := w.node(val, field{}, 0); err != nil {
			return nil, err
		}
	}
	f.index(w.all)
	return f, nil
}

// HasField reports whether the file has a form field of that full name, of any kind,
// signed or not.
func (d *Document) HasField(fullName string) (bool, error) {
	d.worked = 0
	f, err := d.now.form()
	if err != nil {
		return false, err
	}
	return f.byName[fullName] != nil, nil
}

// HasFields reports whether the form has a field of this full name, or a group of fields.
func (d *Document) HasFields(fullName string) (bool, error) {
	d.worked = 0
	f, err := d.now.form()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(f.all, func(f *field) bool {
		rest, found := strings.CutPrefix(f.name, fullName)
		return found && (rest == "" || rest[0] == '.')
	}), nil
}

// EmptyFields lists the full names of the signature fields that nobody has signed, in the
// order of the form.
func (d *Document) EmptyFields() ([]string, error) {
	d.worked = 0
	f, err := d.now.form()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, field := range f.all {
		val, err := d.now.resolve(field.val)
		if err != nil {
			return nil, err
		}
		if field.kind == name("Sig") && val == nil && len(field.widgets) > 0 {
			names = append(names, field.name)
		}
	}
	return names, nil
}

func (f *form) index(all []*field) {
	f.all = all
	f.byRef, f.byWidget = make(map[ref]*field), make(map[ref]*field)
	f.byName = make(map[string]*field)
	for _, field := range all {
		f.byRef[field.ref] = field
		f.byName[field.name] = field
		for _, w := range field.widgets {
			f.byWidget[w] = field
		}
	}
}

// orDamaged is err, or damage where there is none.
func orDamaged(err error, at int64, what string) error {
	if err != nil {
		return err
	}
	return damagedAt(at, "%s", what)
}

type fieldWalk struct {
	view view
	seen map[uint32]bool
	all  []*field
}

// node walks a field and what hangs below it; up carries what is inherited.
func (w *fieldWalk) node(val value, up field, depth int) error {
	if val == nil {
		return nil
	}
	r, ok := val.(ref)
	if !ok {
		return damagedAt(w.view.sections[0].at, "a form field is not an indirect object")
	}
	o, err := w.view.load(r)
	if err != nil || o == nil {
		return err
	}
	node, ok := o.val.(*dict)
	if !ok {
		return nil // no field to any reader
	}
	if w.seen[r.num] {
		return damagedAt(o.at, "the form field %d occurs twice in the form", r.num)
	}
	w.seen[r.num] = true
	if depth > maxTree {
		return fmt.Errorf("%w: form fields more than %d deep", ErrTooComplex, maxTree)
	}
	f, err := w.inherit(r, node, up)
	if err != nil {
		return err
	}
	kids, err := w.view.array(node.lookup("Kids"))
	if err != nil {
		return err
	}
	if len(kids) == 0 {
		f.widgets = []ref{r}
		w.all = append(w.all, &f)
		return nil
	}
	return w.kids(kids, f, depth)
}

// inherit makes the field of a node out of what it says and what is above it.
func (w *fieldWalk) inherit(r ref, node *dict, up field) (field, error) {
	f := field{ref: r, dict: node, name: up.name, kind: up.kind, flags: up.flags, val: up.val}
	f.parents = up.parents
	if up.ref != (ref{}) {
		f.parents = append(append([]ref{}, up.parents...), up.ref)
	}
	part, err := w.view.get(node, "T")
	if err != nil {
		return f, err
	}
	if _, named := part.(str); named {
		if f.name != "" {
			f.name += "."
		}
		f.name += text(part)
	}
	kind, err := w.view.get(node, "FT")
	if err != nil {
		return f, err
	}
	if kind != nil {
		f.kind = kind
	}
	flags, err := w.view.get(node, "Ff")
	if err != nil {
		return f, err
	}
	if n, ok := flags.(int64); ok {
		f.flags = n
	}
	if val := node.lookup("V"); val != nil {
		f.val = val
	}
	return f, nil
}

// kids tells fields below f, which have names, from widgets of f, which have
// none.
func (w *fieldWalk) kids(kids array, f field, depth int) error {
	terminal := false
	for _, kid := range kids {
		d, err := w.view.dict(kid)
		if err != nil {
			return err
		}
		r, isRef := kid.(ref)
		if d == nil || !isRef {
			continue
		}
		if d.lookup("T") != nil {
			if err := w.node(kid, f, depth+1); err != nil {
				return err
			}
			continue
		}
		if w.seen[r.num] {
			return damagedAt(w.view.sections[0].at, "the form field %d occurs twice in the form", r.num)
		}
		w.seen[r.num] = true
		terminal = true
		f.widgets = append(f.widgets, r)
	}
	if terminal {
		w.all = append(w.all, &f)
	}
	return nil
}
