package pdf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A form is the file's interactive form (ISO 32000-1, 12.7.2), which is where
// signatures live.
type form struct {
	ref       syntax.Ref   // of the /AcroForm dictionary, zero where it is direct
	dict      *syntax.Dict // nil where the file has no form
	fieldsRef syntax.Ref   // of the /Fields array, zero where it is direct
	fields    syntax.Array
	all       []*field // the terminal fields, in the order of the tree

	byRef, byWidget map[syntax.Ref]*field
	byName          map[string]*field
}

// A field is a terminal field: one that has a value.
type field struct {
	ref     syntax.Ref
	dict    *syntax.Dict
	name    string       // fully qualified
	kind    syntax.Value // /FT, own or inherited
	flags   int64        // /Ff, own or inherited
	val     syntax.Value // /V, own or inherited, not resolved
	widgets []syntax.Ref // the annotations that show it, often the field itself
	parents []syntax.Ref
}

// form reads the form of a view.
func (v view) form() (*form, error) {
	catalog, err := v.Catalog()
	if err != nil {
		return nil, err
	}
	f := &form{}
	val := catalog.Val.(*syntax.Dict).Lookup("AcroForm")
	f.ref, _ = val.(syntax.Ref)
	if f.dict, err = v.Dict(val); err != nil {
		return nil, err
	}
	if f.dict == nil {
		if val, err = v.Resolve(val); err != nil || val != nil {
			return nil, orDamaged(err, catalog.At, "the catalog's /AcroForm is not a dictionary")
		}
		return f, nil
	}
	f.fieldsRef, _ = f.dict.Lookup("Fields").(syntax.Ref)
	if f.fields, err = v.Array(f.dict.Lookup("Fields")); err != nil {
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
	d.file.BeginWork()
	f, err := d.now.form()
	if err != nil {
		return false, err
	}
	return f.byName[fullName] != nil, nil
}

// HasFields reports whether the form has a field of this full name, or a group of fields.
func (d *Document) HasFields(fullName string) (bool, error) {
	d.file.BeginWork()
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
	d.file.BeginWork()
	f, err := d.now.form()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, field := range f.all {
		val, err := d.now.Resolve(field.val)
		if err != nil {
			return nil, err
		}
		if field.kind == syntax.Name("Sig") && val == nil && len(field.widgets) > 0 {
			names = append(names, field.name)
		}
	}
	return names, nil
}

func (f *form) index(all []*field) {
	f.all = all
	f.byRef, f.byWidget = make(map[syntax.Ref]*field), make(map[syntax.Ref]*field)
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
	return syntax.DamagedAt(at, "%s", what)
}

type fieldWalk struct {
	view view
	seen map[uint32]bool
	all  []*field
}

// node walks a field and what hangs below it; up carries what is inherited.
func (w *fieldWalk) node(val syntax.Value, up field, depth int) error {
	if val == nil {
		return nil
	}
	r, ok := val.(syntax.Ref)
	if !ok {
		return syntax.DamagedAt(w.view.XrefOffset(), "a form field is not an indirect object")
	}
	o, err := w.view.Load(r)
	if err != nil || o == nil {
		return err
	}
	node, ok := o.Val.(*syntax.Dict)
	if !ok {
		return nil // no field to any reader
	}
	if w.seen[r.Num] {
		return syntax.DamagedAt(o.At, "the form field %d occurs twice in the form", r.Num)
	}
	w.seen[r.Num] = true
	if depth > maxTree {
		return fmt.Errorf("%w: form fields more than %d deep", syntax.ErrTooComplex, maxTree)
	}
	f, err := w.inherit(r, node, up)
	if err != nil {
		return err
	}
	kids, err := w.view.Array(node.Lookup("Kids"))
	if err != nil {
		return err
	}
	if len(kids) == 0 {
		f.widgets = []syntax.Ref{r}
		w.all = append(w.all, &f)
		return nil
	}
	return w.kids(kids, f, depth)
}

// inherit makes the field of a node out of what it says and what is above it.
func (w *fieldWalk) inherit(r syntax.Ref, node *syntax.Dict, up field) (field, error) {
	f := field{ref: r, dict: node, name: up.name, kind: up.kind, flags: up.flags, val: up.val}
	f.parents = up.parents
	if up.ref != (syntax.Ref{}) {
		f.parents = append(append([]syntax.Ref{}, up.parents...), up.ref)
	}
	part, err := w.view.Get(node, "T")
	if err != nil {
		return f, err
	}
	if _, named := part.(syntax.String); named {
		if f.name != "" {
			f.name += "."
		}
		f.name += syntax.Text(part)
	}
	kind, err := w.view.Get(node, "FT")
	if err != nil {
		return f, err
	}
	if kind != nil {
		f.kind = kind
	}
	flags, err := w.view.Get(node, "Ff")
	if err != nil {
		return f, err
	}
	if n, ok := flags.(int64); ok {
		f.flags = n
	}
	if val := node.Lookup("V"); val != nil {
		f.val = val
	}
	return f, nil
}

// kids tells fields below f, which have names, from widgets of f, which have
// none.
func (w *fieldWalk) kids(kids syntax.Array, f field, depth int) error {
	terminal := false
	for _, kid := range kids {
		d, err := w.view.Dict(kid)
		if err != nil {
			return err
		}
		r, isRef := kid.(syntax.Ref)
		if d == nil || !isRef {
			continue
		}
		if d.Lookup("T") != nil {
			if err := w.node(kid, f, depth+1); err != nil {
				return err
			}
			continue
		}
		if w.seen[r.Num] {
			return syntax.DamagedAt(w.view.XrefOffset(), "the form field %d occurs twice in the form", r.Num)
		}
		w.seen[r.Num] = true
		terminal = true
		f.widgets = append(f.widgets, r)
	}
	if terminal {
		w.all = append(w.all, &f)
	}
	return nil
}
