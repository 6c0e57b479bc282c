package revision

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// forms compares the interactive forms: every old field must still be there,
// and new ones must be signatures.
func (s *step) forms() error {
	if s.oldForm.Dict != nil && (s.newForm.Dict == nil || s.newForm.Ref != s.oldForm.Ref) {
		s.modified(Change{Code: ChangeFormReplaced, Object: int(s.newForm.Ref.Num)}, "the form was replaced")
		return nil
	}
	if err := s.formEntries(); err != nil {
		return err
	}
	if err := s.grownResources(); err != nil {
		return err
	}
	if len(s.newForm.Fields) < len(s.oldForm.Fields) {
		s.modified(Change{Code: ChangeFieldsRemoved, Object: int(s.newForm.Ref.Num)}, "fields were removed from the form")
		return nil
	}
	for i, f := range s.oldForm.Fields {
		s.strict.values(f, s.newForm.Fields[i], s.newForm.Ref.Num, formEntry("Fields"))
	}
	for _, f := range s.oldForm.All {
		if err := s.oldField(f); err != nil {
			return err
		}
	}
	for _, f := range s.newForm.All {
		if s.oldForm.ByRef[f.Ref] == nil {
			if err := s.newField(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// formEntry is an entry of the form's dictionary.
func formEntry(key syntax.Name) *part {
	return &part{code: ChangeFormEntry, name: string(key), what: "the form's " + key.Quoted()}
}

// formEntries compares the form's dictionary but for its fields. Programs that
// sign add signature flags, a default font and its resources.
func (s *step) formEntries() error {
	if s.newForm.Dict == nil {
		return nil
	}
	old := s.oldForm.Dict
	if old == nil {
		old = &syntax.Dict{}
	}
	for _, key := range keys(old, s.newForm.Dict) {
		a, b := old.Lookup(key), s.newForm.Dict.Lookup(key)
		where := formEntry(key)
		switch {
		case key == "Fields":
		case key == "SigFlags":
			before, _ := a.(int64)
			after, ok := b.(int64)
			if !ok || after&before != before || after > 3 {
				s.modified(where.changed(s.newForm.Ref.Num), "%s changed", where.what)
			}
		case key == "DR":
			if err := s.formResources(a, b); err != nil {
				return err
			}
		case key == "DA" && a == nil:
			if _, ok := b.(syntax.String); !ok {
				s.modified(where.changed(s.newForm.Ref.Num), "%s changed", where.what)
			}
		default:
			s.strict.values(a, b, s.newForm.Ref.Num, where)
		}
	}
	return nil
}

// formResources allows the form's resources to grow: what was there must stay. What came is
// for [step.grownResources].
func (s *step) formResources(a, b syntax.Value) error {
	old, new, err := s.dicts(a, b)
	if err != nil {
		return err
	}
	if old == nil || new == nil {
		if a != nil {
			s.strict.entry("DR", a, b, s.newForm.Ref.Num, formEntry("DR"))
		}
		return nil
	}
	for _, category := range old.Entries {
		before, after, err := s.dicts(category.Val, new.Lookup(category.Key))
		if err != nil {
			return err
		}
		if category.Key == "XObject" || category.Key == "ProcSet" {
			continue // text in fields uses neither; PDFBox puts its signatures' pictures here
		}
		if before == nil || after == nil {
			s.strict.entry("DR", category.Val, new.Lookup(category.Key), s.newForm.Ref.Num, formEntry("DR"))
			continue
		}
		for _, e := range before.Entries {
			s.strict.entry("DR", e.Val, after.Lookup(e.Key), s.newForm.Ref.Num, formEntry("DR"))
		}
	}
	return nil
}

// newField judges a field that the older revision did not have. It must be a
// signature that signs this very revision.
func (s *step) newField(f *structure.Field) error {
	switch {
	case !s.fresh(f.Ref):
		s.modified(Change{Code: ChangeFieldReused, Object: int(f.Ref.Num), Field: f.Name}, "the new field %q is the older object %d", f.Name, f.Ref.Num)
	case f.Kind != syntax.Name("Sig") || f.Val == nil || len(f.Parents) > 0 || f.Dict.Lookup("Parent") != nil || len(f.Widgets) != 1:
		s.modified(Change{Code: ChangeFieldForeign, Object: int(f.Ref.Num), Field: f.Name}, "the new field %q is not a plain signature", f.Name)
	case s.oldForm.ByName[f.Name] != nil:
		s.modified(Change{Code: ChangeFieldTwice, Object: int(f.Ref.Num), Field: f.Name}, "the new field %q has the name of an older one", f.Name)
	default:
		silent, err := s.silent(f)
		if err != nil {
			return err
		}
		if silent {
			s.newSignature(f)
		}
	}
	return nil
}

// newSignature judges the value that a signature field got.
func (s *step) newSignature(f *structure.Field) {
	r, _ := f.Val.(syntax.Ref)
	sig := s.signing[r]
	switch {
	case !s.fresh(r):
		s.modified(Change{Code: ChangeSignatureReused, Object: int(r.Num), Field: f.Name}, "the field %q got the older object %d as its signature", f.Name, r.Num)
	case sig == nil:
		s.modified(Change{Code: ChangeSignatureElsewhere, Object: int(r.Num), Field: f.Name}, "the field %q got a signature that does not sign this revision", f.Name)
	case f.Dict.Lookup("AA") != nil || f.Dict.Lookup("A") != nil:
		s.modified(Change{Code: ChangeFieldActs, Object: int(f.Ref.Num), Field: f.Name}, "the field %q acts when it is touched", f.Name)
	case sig.Timestamp && s.speaks(sig):
		s.modified(Change{Code: ChangeTimestampSays, Object: int(r.Num), Field: f.Name}, "the document time-stamp %q says something that nobody answers for", f.Name)
	case sig.Timestamp:
		s.note(Change{Kind: ValidationData, Code: ChangeTimestamp, Object: int(r.Num), Field: f.Name, What: fmt.Sprintf("document time-stamp %q was added", f.Name)})
	default:
		s.signed = true
		s.note(Change{Kind: SignatureAdded, Code: ChangeSignature, Object: int(r.Num), Field: f.Name, What: fmt.Sprintf("signature %q was added", f.Name)})
	}
}

// oldField compares a field that both revisions have.
func (s *step) oldField(old *structure.Field) error {
	new := s.newForm.ByRef[old.Ref]
	if new == nil {
		s.modified(Change{Code: ChangeFieldRemoved, Object: int(old.Ref.Num), Field: old.Name}, "the field %q was removed", old.Name)
		return nil
	}
	if new.Name != old.Name || !slices.Equal(new.Widgets, old.Widgets) {
		s.modified(Change{Code: ChangeFieldRenamed, Object: int(old.Ref.Num), Field: old.Name}, "the field %q changed its name or widgets", old.Name)
		return nil
	}
	filled, err := s.filled(old, new)
	if err != nil {
		return err
	}
	var lenient []syntax.Name
	if filled {
		lenient = []syntax.Name{"V", "AP", "AS", "M", "RV", "I"}
		if old.Kind == syntax.Name("Sig") {
			lenient = []syntax.Name{"V", "AP", "M", "F"} // /F: many set the locked flag
		}
		if s.isTimestamp(new) {
			lenient = []syntax.Name{"V", "M"}
		}
	}
	touched := s.entries(old.Dict, new.Dict, old, lenient)
	for _, w := range old.Widgets {
		if w == old.Ref {
			continue
		}
		a, b, err := s.dicts(w, w)
		if err != nil {
			return err
		}
		if a == nil || b == nil {
			s.modified(Change{Code: ChangeFieldWidget, Object: int(w.Num), Field: old.Name}, "a widget of the field %q is missing", old.Name)
			continue
		}
		touched = s.entries(a, b, old, lenient) || touched
	}
	if filled {
		if err := s.staysPut(old); err != nil {
			return err
		}
	}
	if touched && old.Kind != syntax.Name("Sig") {
		s.note(Change{Kind: FormFill, Code: ChangeFieldFilled, Object: int(old.Ref.Num), Field: old.Name, What: fmt.Sprintf("the field %q was filled in", old.Name)})
	}
	return nil
}

// staysPut wants the widgets of a field that was signed or filled in to keep to their rectangles if they did before,
// and to lie over no earlier seal, as new ones must, on any page that lists them.
func (s *step) staysPut(f *structure.Field) error {
	for _, w := range f.Widgets {
		a, b, err := s.dicts(w, w)
		if err != nil {
			return err
		}
		was, err := loose(s.old, a)
		if err != nil {
			return err
		}
		is, err := loose(s.new, b)
		if err != nil {
			return err
		}
		if is && !was {
			s.modified(Change{Code: ChangeFieldLoose, Object: int(w.Num), Field: f.Name}, "the field %q does not keep to its rectangle any more", f.Name)
			return nil
		}
		page, err := s.coversSeal(w, a)
		if err != nil {
			return err
		}
		if page > 0 {
			s.modified(Change{Code: ChangeFieldOverSeal, Object: int(w.Num), Page: page, Field: f.Name}, "the field %q, which was filled in or signed, lies over an earlier seal on page %d", f.Name, page)
			return nil
		}
	}
	return nil
}

// coversSeal returns the first page of the older revision on which a widget lies over a seal, 0 if there is none.
// Whatever page the widget names as its own, readers show it on each that lists it.
func (s *step) coversSeal(w syntax.Ref, widget *syntax.Dict) (int, error) {
	box, _, err := s.old.Rect(widget.Lookup("Rect"))
	if err != nil || box.Width() <= 0 || box.Height() <= 0 {
		return 0, err
	}
	if s.listing == nil {
		if s.listing, err = listing(s.old, s.oldPages); err != nil {
			return 0, err
		}
	}
	for _, n := range s.listing[w] {
		seals, err := s.old.Seals(s.oldPages[n-1].Ref, s.oldForm.SignedWidgets())
		if err != nil {
			return 0, err
		}
		if slices.ContainsFunc(seals, func(seal structure.SealPlace) bool { return seal.Overlaps(box) }) {
			return n, nil
		}
	}
	return 0, nil
}

// listing returns the numbers of the pages that list each annotation.
func listing(v structure.View, pages []structure.Leaf) (map[syntax.Ref][]int, error) {
	on := make(map[syntax.Ref][]int)
	for i, l := range pages {
		annots, err := v.Annotations(l.Ref)
		if err != nil {
			return nil, err
		}
		for _, a := range annots {
			if r, ok := a.(syntax.Ref); ok {
				on[r] = append(on[r], i+1)
			}
		}
	}
	return on, nil
}

// entries compares the entries of a field or widget but for the lenient ones;
// it reports whether one of those differs.
func (s *step) entries(old, new *syntax.Dict, f *structure.Field, lenient []syntax.Name) bool {
	touched := false
	for _, key := range keys(old, new) {
		a, b := old.Lookup(key), new.Lookup(key)
		if slices.Contains(lenient, key) {
			same, err := unchanged(s.old, s.new, s.apart, a, b)
			touched = touched || err != nil || !same
			continue
		}
		s.strict.entry(key, a, b, f.Ref.Num, &part{code: ChangeFieldEntry, field: f.Name, name: string(key), what: fmt.Sprintf("the field %q, %s", f.Name, key.Quoted())})
	}
	return touched
}

// filled reports that a field got its value with this revision: an empty
// signature field its signature, another field a new value. A push button has
// no value, and a signature never changes.
func (s *step) filled(old, new *structure.Field) (bool, error) {
	if old.Kind == syntax.Name("Sig") {
		if old.Val != nil || new.Val == nil {
			return false, nil
		}
		s.newSignature(new)
		return true, nil
	}
	const pushButton = 1 << 16
	if old.Kind == syntax.Name("Btn") && old.Flags&pushButton != 0 {
		return false, nil
	}
	same, err := unchanged(s.old, s.new, s.apart, old.Val, new.Val)
	return !same, err
}
