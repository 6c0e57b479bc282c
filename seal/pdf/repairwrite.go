package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// rewrite writes a sound file of what the catalog reaches, without the signatures, and
// reads it as a stamp would.
func rewrite(s *syntax.Salvaged) (*Repaired, error) {
	now := viewOf(s.File.Now())
	form, err := now.Form()
	if err != nil {
		return nil, fmt.Errorf("the form of the damaged file: %w", err)
	}
	out := &Repaired{}
	w := &rewriting{salvage: s, view: now, inc: &syntax.Increment{Out: s.Header()}, seen: make(map[syntax.Ref]bool), empty: make(map[syntax.Ref]bool), bare: make(map[syntax.Ref]bool), gone: make(map[syntax.Ref]bool)}
	for _, f := range form.All {
		if !f.Signed() {
			continue
		}
		out.Signatures = append(out.Signatures, w.lose(f))
	}
	if err := w.loseStamps(); err != nil {
		return nil, err
	}
	trailer := now.Trailer()
	root := trailer.Lookup("Root").(syntax.Ref)
	w.catalog, w.form = root, form.Ref
	if err := w.reached(trailer); err != nil {
		return nil, err
	}
	out.Objects = len(w.inc.Written)
	w.inc.Next = w.highest + 1
	w.inc.Table(trailer, true)
	out.out, out.Findings = w.inc.Out, s.Findings()
	if err := readable(bytes.NewReader(out.out), int64(len(out.out))); err != nil {
		return nil, fmt.Errorf("what was found in the damaged file makes no sound one: %w", err)
	}
	if n, err := pagesOf(out.out); err != nil || n == 0 {
		return nil, orDamaged(err, 0, "no page was found in the file")
	}
	return out, nil
}

func pagesOf(file []byte) (int, error) {
	d, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return 0, err
	}
	return d.NumPages()
}

// A rewriting writes objects with all that they refer to.
type rewriting struct {
	salvage       *syntax.Salvaged
	view          view
	inc           *syntax.Increment
	seen          map[syntax.Ref]bool
	queue         []syntax.Ref
	highest       uint32
	catalog, form syntax.Ref
	empty         map[syntax.Ref]bool // fields whose signature goes
	bare          map[syntax.Ref]bool // widgets whose look goes with it
	gone          map[syntax.Ref]bool // stamps that show it in further places
	lost          bool
}

// lose takes a signature out of its field: it covers other bytes than those that will be
// there, and what shows it must not look as if it did.
func (w *rewriting) lose(f *structure.Field) LostSignature {
	w.lost = true
	for _, r := range slices.Concat(f.Parents, []syntax.Ref{f.Ref}) {
		w.empty[r] = true
	}
	for _, r := range f.Widgets {
		w.bare[r] = true
	}
	out := LostSignature{Field: f.Name}
	if sig, err := w.view.Dict(f.Val); err == nil && sig != nil {
		out.Name, out.Time = syntax.Text(sig.Lookup("Name")), syntax.Date(sig.Lookup("M"))
	}
	return out
}

// loseStamps takes the further places of lost signatures off their pages: slices of a
// straddle seal, the same seal on other pages, codes.
func (w *rewriting) loseStamps() error {
	if !w.lost {
		return nil
	}
	var damaged *syntax.DamagedError
	leaves, err := w.view.Pages()
	if errors.As(err, &damaged) { // what is written is read, and says so then
		return nil
	}
	if err != nil {
		return err
	}
	for _, leaf := range leaves {
		annots, err := w.view.Annotations(leaf.Ref)
		if err != nil && !errors.As(err, &damaged) {
			return err
		}
		for _, a := range annots {
			r, indirect := a.(syntax.Ref)
			d, err := w.view.Dict(a)
			if err != nil && !errors.As(err, &damaged) {
				return err
			}
			if indirect && err == nil && structure.LockedStamp(d) {
				w.gone[r] = true
			}
		}
	}
	return nil
}

// remaining is a page, or a list of its annotations, without those that are gone.
func (w *rewriting) remaining(val syntax.Value) syntax.Value {
	switch val := val.(type) {
	case syntax.Array:
		return slices.DeleteFunc(slices.Clone(val), func(e syntax.Value) bool {
			r, ok := e.(syntax.Ref)
			return ok && w.gone[r]
		})
	case *syntax.Dict:
		if annots, ok := val.Lookup("Annots").(syntax.Array); ok {
			return val.With("Annots", w.remaining(annots))
		}
	}
	return val
}

// reached writes every object that the trailer leads to.
func (w *rewriting) reached(trailer *syntax.Dict) error {
	w.follow(trailer)
	for len(w.queue) > 0 {
		r := w.queue[0]
		w.queue = w.queue[1:]
		if w.gone[r] {
			continue
		}
		o, err := w.view.Load(r)
		var damaged *syntax.DamagedError
		if errors.As(err, &damaged) { // null, which is what a missing object is
			w.salvage.Note(w.salvage.Place(r), r.Num, "is left out: %s", damaged.What)
			continue
		}
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		if err := w.object(r, w.remaining(o.Val)); err != nil {
			return err
		}
	}
	return nil
}

// follow notes the references inside a value.
func (w *rewriting) follow(val syntax.Value) {
	switch val := val.(type) {
	case syntax.Ref:
		if !w.seen[val] {
			w.seen[val] = true
			w.queue = append(w.queue, val)
		}
	case syntax.Array:
		for _, e := range val {
			w.follow(e)
		}
	case *syntax.Dict:
		for _, e := range val.Entries {
			w.follow(e.Val)
		}
	}
}

func (w *rewriting) object(r syntax.Ref, val syntax.Value) error {
	st, isStream := val.(*syntax.Stream)
	d, isDict := val.(*syntax.Dict)
	switch {
	case isStream:
		where, err := w.view.Span(st)
		if err != nil {
			return err
		}
		data, err := w.view.File.Bytes(where.From, int(where.To-where.From))
		if err != nil {
			return err
		}
		head := st.Dict.Without("Length")
		w.follow(head)
		w.inc.PutStream(r, head, data)
	case isDict:
		if w.empty[r] {
			d = d.Without("V")
		}
		if w.bare[r] {
			d = d.Without("AP")
		}
		if w.lost && r == w.catalog {
			d = d.Without("Perms")
		}
		if w.lost && (r == w.form || r == w.catalog) {
			d = unflagged(d)
		}
		w.follow(d)
		w.inc.Put(r, d)
	default:
		w.follow(val)
		w.inc.Put(r, val)
	}
	w.highest = max(w.highest, r.Num)
	return nil
}

// unflagged takes the word that there are signatures out of a form, or the catalog that
// holds one.
func unflagged(d *syntax.Dict) *syntax.Dict {
	if form, ok := d.Lookup("AcroForm").(*syntax.Dict); ok {
		d = d.With("AcroForm", form.Without("SigFlags"))
	}
	return d.Without("SigFlags")
}
