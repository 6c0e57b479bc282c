package structure

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A View is the file as its newest revision, or an earlier one, shows it: its pages, its form, its annotations.
type View struct{ syntax.View }

// A Form is the file's interactive form (ISO 32000-1, 12.7.2), which is where
// signatures live.
type Form struct {
	Ref       syntax.Ref   // of the /AcroForm dictionary, zero where it is direct
	Dict      *syntax.Dict // nil where the file has no form
	FieldsRef syntax.Ref   // of the /Fields array, zero where it is direct
	Fields    syntax.Array // as /Fields has them
	All       []*Field     // the terminal fields, in the order of the tree

	ByRef, ByWidget map[syntax.Ref]*Field
	ByName          map[string]*Field
}

// A Field is a terminal field: one that has a value.
type Field struct {
	Ref     syntax.Ref
	Dict    *syntax.Dict
	Name    string       // fully qualified
	Kind    syntax.Value // /FT, own or inherited
	Flags   int64        // /Ff, own or inherited
	Val     syntax.Value // /V, own or inherited, not resolved
	Widgets []syntax.Ref // the annotations that show it, often the field itself
	Parents []syntax.Ref // the fields above it, the topmost first
}

// Signed reports that the field is a signature field with a value.
func (f *Field) Signed() bool { return f.Kind == syntax.Name("Sig") && f.Val != nil }

// Form reads the form of a view; it is empty where the file has none.
func (v View) Form() (*Form, error) {
	catalog, err := v.Catalog()
	if err != nil {
		return nil, err
	}
	f := &Form{}
	val := catalog.Val.(*syntax.Dict).Lookup("AcroForm")
	f.Ref, _ = val.(syntax.Ref)
	if f.Dict, err = v.Dict(val); err != nil {
		return nil, err
	}
	if f.Dict == nil {
		if val, err = v.Resolve(val); err == nil && val != nil {
			err = syntax.DamagedAt(catalog.At, "the catalog's /AcroForm is not a dictionary")
		}
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	f.FieldsRef, _ = f.Dict.Lookup("Fields").(syntax.Ref)
	if f.Fields, err = v.Array(f.Dict.Lookup("Fields")); err != nil {
		return nil, err
	}
	w := &fieldWalk{view: v, seen: make(map[uint32]bool)}
	for _, val := range f.Fields {
		if err := w.node(val, Field{}, 0); err != nil {
			return nil, err
		}
	}
	f.index(w.all)
	return f, nil
}

func (f *Form) index(all []*Field) {
	f.All = all
	f.ByRef, f.ByWidget = make(map[syntax.Ref]*Field), make(map[syntax.Ref]*Field)
	f.ByName = make(map[string]*Field)
	for _, field := range all {
		f.ByRef[field.Ref] = field
		f.ByName[field.Name] = field
		for _, w := range field.Widgets {
			f.ByWidget[w] = field
		}
	}
}

type fieldWalk struct {
	view View
	seen map[uint32]bool
	all  []*Field
}

// node walks a field and what hangs below it; up carries what is inherited.
func (w *fieldWalk) node(val syntax.Value, up Field, depth int) error {
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
	if depth > MaxTree {
		return fmt.Errorf("%w: form fields more than %d deep", syntax.ErrTooComplex, MaxTree)
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
		f.Widgets = []syntax.Ref{r}
		w.all = append(w.all, &f)
		return nil
	}
	return w.kids(kids, f, depth)
}

// inherit makes the field of a node out of what it says and what is above it.
func (w *fieldWalk) inherit(r syntax.Ref, node *syntax.Dict, up Field) (Field, error) {
	f := Field{Ref: r, Dict: node, Name: up.Name, Kind: up.Kind, Flags: up.Flags, Val: up.Val}
	f.Parents = up.Parents
	if up.Ref != (syntax.Ref{}) {
		f.Parents = append(append([]syntax.Ref{}, up.Parents...), up.Ref)
	}
	part, err := w.view.Get(node, "T")
	if err != nil {
		return f, err
	}
	if _, named := part.(syntax.String); named {
		if f.Name != "" {
			f.Name += "."
		}
		f.Name += syntax.Text(part)
	}
	kind, err := w.view.Get(node, "FT")
	if err != nil {
		return f, err
	}
	if kind != nil {
		f.Kind = kind
	}
	flags, err := w.view.Get(node, "Ff")
	if err != nil {
		return f, err
	}
	if n, ok := flags.(int64); ok {
		f.Flags = n
	}
	if val := node.Lookup("V"); val != nil {
		f.Val = val
	}
	return f, nil
}

// kids tells fields below f, which have names, from widgets of f, which have
// none.
func (w *fieldWalk) kids(kids syntax.Array, f Field, depth int) error {
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
		f.Widgets = append(f.Widgets, r)
	}
	if terminal {
		w.all = append(w.all, &f)
	}
	return nil
}

// SignedWidgets is the set of the annotations that show signed fields.
func (f *Form) SignedWidgets() map[syntax.Ref]bool {
	out := make(map[syntax.Ref]bool)
	for _, field := range f.All {
		if field.Signed() {
			for _, w := range field.Widgets {
				out[w] = true
			}
		}
	}
	return out
}
