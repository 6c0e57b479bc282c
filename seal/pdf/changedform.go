package pdf

import (
	"fmt"
	"slices"
)

// forms compares the interactive forms: every old field must still be there,
// and new ones must be signatures.
func (s *step) forms() error {
	if s.oldForm.dict != nil && (s.newForm.dict == nil || s.newForm.ref != s.oldForm.ref) {
		s.modified(Change{Code: ChangeFormReplaced, Object: int(s.newForm.ref.num)}, "the form was replaced")
		return nil
	}
	if err := s.formEntries(); err != nil {
		return err
	}
	if err := s.grownResources(); err != nil {
		return err
	}
	if len(s.newForm.fields) < len(s.oldForm.fields) {
		s.modified(Change{Code: ChangeFieldsRemoved, Object: int(s.newForm.ref.num)}, "fields were removed from the form")
		return nil
	}
	for i, f := range s.oldForm.fields {
		s.strict.values(f, s.newForm.fields[i], s.newForm.ref.num, formEntry("Fields"))
	}
	for _, f := range s.oldForm.all {
		if err := s.oldField(f); err != nil {
			return err
		}
	}
	for _, f := range s.newForm.all {
		if s.oldForm.byRef[f.ref] == nil {
			if err := s.newField(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// formEntry is an entry of the form's dictionary.
func formEntry(key name) *part {
	return &part{code: ChangeFormEntry, name: string(key), what: "the form's " + keyed(key)}
}

func (f *form) signedWidgets() map[ref]bool {
	out := make(map[ref]bool)
	for _, field := range f.all {
		if field.signed() {
			for _, w := range field.widgets {
				out[w] = true
			}
		}
	}
	return out
}

// formEntries compares the form's dictionary but for its fields. Programs that
// sign add signature flags, a default font and its resources.
func (s *step) formEntries() error {
	if s.newForm.dict == nil {
		return nil
	}
	old := s.oldForm.dict
	if old == nil {
		old = &dict{}
	}
	for _, key := range keys(old, s.newForm.dict) {
		a, b := old.lookup(key), s.newForm.dict.lookup(key)
		where := formEntry(key)
		switch {
		case key == "Fields":
		case key == "SigFlags":
			before, _ := a.(int64)
			after, ok := b.(int64)
			if !ok || after&before != before || after > 3 {
				s.modified(where.changed(s.newForm.ref.num), "%s changed", where.what)
			}
		case key == "DR":
			if err := s.formResources(a, b); err != nil {
				return err
			}
		case key == "DA" && a == nil:
			if _, ok := b.(str); !ok {
				s.modified(where.changed(s.newForm.ref.num), "%s changed", where.what)
			}
		default:
			s.strict.values(a, b, s.newForm.ref.num, where)
		}
	}
	return nil
}

// formResources allows the form's resources to grow: what was there must stay. What came is
// for [step.grownResources].
func (s *step) formResources(a, b value) error {
	old, new, err := s.dicts(a, b)
	if err != nil {
		return err
	}
	if old == nil || new == nil {
		if a != nil {
			s.strict.entry("DR", a, b, s.newForm.ref.num, formEntry("DR"))
		}
		return nil
	}
	for _, category := range old.entries {
		before, after, err := s.dicts(category.val, new.lookup(category.key))
		if err != nil {
			return err
		}
		if category.key == "XObject" || category.key == "ProcSet" {
			continue // text in fields uses neither; PDFBox puts its signatures' pictures here
		}
		if before == nil || after == nil {
			s.strict.entry("DR", category.val, new.lookup(category.key), s.newForm.ref.num, formEntry("DR"))
			continue
		}
		for _, e := range before.entries {
			s.strict.entry("DR", e.val, after.lookup(e.key), s.newForm.ref.num, formEntry("DR"))
		}
	}
	return nil
}

// newField judges a field that the older revision did not have. It must be a
// signature that signs this very revision.
func (s *step) newField(f *field) error {
	switch {
	case !s.fresh(f.ref):
		s.modified(Change{Code: ChangeFieldReused, Object: int(f.ref.num), Field: f.name}, "the new field %q is the older object %d", f.name, f.ref.num)
	case f.kind != name("Sig") || f.val == nil || len(f.parents) > 0 || f.dict.lookup("Parent") != nil || len(f.widgets) != 1:
		s.modified(Change{Code: ChangeFieldForeign, Object: int(f.ref.num), Field: f.name}, "the new field %q is not a plain signature", f.name)
	case s.oldForm.byName[f.name] != nil:
		s.modified(Change{Code: ChangeFieldTwice, Object: int(f.ref.num), Field: f.name}, "the new field %q has the name of an older one", f.name)
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
func (s *step) newSignature(f *field) {
	r, _ := f.val.(ref)
	sig := s.signing[r]
	switch {
	case !s.fresh(r):
		s.modified(Change{Code: ChangeSignatureReused, Object: int(r.num), Field: f.name}, "the field %q got the older object %d as its signature", f.name, r.num)
	case sig == nil:
		s.modified(Change{Code: ChangeSignatureElsewhere, Object: int(r.num), Field: f.name}, "the field %q got a signature that does not sign this revision", f.name)
	case f.dict.lookup("AA") != nil || f.dict.lookup("A") != nil:
		s.modified(Change{Code: ChangeFieldActs, Object: int(f.ref.num), Field: f.name}, "the field %q acts when it is touched", f.name)
	case sig.Timestamp && s.speaks(sig):
		s.modified(Change{Code: ChangeTimestampSays, Object: int(r.num), Field: f.name}, "the document time-stamp %q says something that nobody answers for", f.name)
	case sig.Timestamp:
		s.note(Change{Kind: ValidationData, Code: ChangeTimestamp, Object: int(r.num), Field: f.name, What: fmt.Sprintf("document time-stamp %q was added", f.name)})
	default:
		s.signed = true
		s.note(Change{Kind: SignatureAdded, Code: ChangeSignature, Object: int(r.num), Field: f.name, What: fmt.Sprintf("signature %q was added", f.name)})
	}
}

// oldField compares a field that both revisions have.
func (s *step) oldField(old *field) error {
	new := s.newForm.byRef[old.ref]
	if new == nil {
		s.modified(Change{Code: ChangeFieldRemoved, Object: int(old.ref.num), Field: old.name}, "the field %q was removed", old.name)
		return nil
	}
	if new.name != old.name || !slices.Equal(new.widgets, old.widgets) {
		s.modified(Change{Code: ChangeFieldRenamed, Object: int(old.ref.num), Field: old.name}, "the field %q changed its name or widgets", old.name)
		return nil
	}
	filled, err := s.filled(old, new)
	if err != nil {
		return err
	}
	var lenient []name
	if filled {
		lenient = []name{"V", "AP", "AS", "M", "RV", "I"}
		if old.kind == name("Sig") {
			lenient = []name{"V", "AP", "M", "F"} // /F: many set the locked flag
		}
		if s.isTimestamp(new) {
			lenient = []name{"V", "M"}
		}
	}
	touched := s.entries(old.dict, new.dict, old, lenient)
	for _, w := range old.widgets {
		if w == old.ref {
			continue
		}
		a, b, err := s.dicts(w, w)
		if err != nil {
			return err
		}
		if a == nil || b == nil {
			s.modified(Change{Code: ChangeFieldWidget, Object: int(w.num), Field: old.name}, "a widget of the field %q is missing", old.name)
			continue
		}
		touched = s.entries(a, b, old, lenient) || touched
	}
	if filled {
		if err := s.staysPut(old); err != nil {
			return err
		}
	}
	if touched && old.kind != name("Sig") {
		s.note(Change{Kind: FormFill, Code: ChangeFieldFilled, Object: int(old.ref.num), Field: old.name, What: fmt.Sprintf("the field %q was filled in", old.name)})
	}
	return nil
}

// staysPut wants the widgets of a field that was signed or filled in to keep to their rectangles
// if they did before, and to lie over no earlier seal, as new ones must, on any page that lists them.
func (s *step) staysPut(f *field) error {
	for _, w := range f.widgets {
		a, b, err := s.dicts(w, w)
		if err != nil {
			return err
		}
		was, err := s.old.loose(a)
		if err != nil {
			return err
		}
		is, err := s.new.loose(b)
		if err != nil {
			return err
		}
		if is && !was {
			s.modified(Change{Code: ChangeFieldLoose, Object: int(w.num), Field: f.name}, "the field %q does not keep to its rectangle any more", f.name)
			return nil
		}
		page, err := s.coversSeal(w, a)
		if err != nil {
			return err
		}
		if page > 0 {
			s.modified(Change{Code: ChangeFieldOverSeal, Object: int(w.num), Page: page, Field: f.name}, "the field %q, which was filled in or signed, lies over an earlier seal on page %d", f.name, page)
			return nil
		}
	}
	return nil
}

// coversSeal returns the first page of the older revision on which a widget lies over a seal, 0
// if there is none. Whatever page the widget names as its own, readers show it on each that lists it.
func (s *step) coversSeal(w ref, widget *dict) (int, error) {
	box, _, err := s.old.rect(widget.lookup("Rect"))
	if err != nil || box.width() <= 0 || box.height() <= 0 {
		return 0, err
	}
	if s.listing == nil {
		if s.listing, err = s.old.listing(s.oldPages); err != nil {
			return 0, err
		}
	}
	for _, n := range s.listing[w] {
		seals, err := s.old.seals(s.oldPages[n-1].ref, s.oldForm.signedWidgets())
		if err != nil {
			return 0, err
		}
		if slices.ContainsFunc(seals, func(seal sealPlace) bool { return seal.overlaps(box) }) {
			return n, nil
		}
	}
	return 0, nil
}

// listing returns the numbers of the pages that list each annotation.
func (v view) listing(pages []leaf) (map[ref][]int, error) {
	on := make(map[ref][]int)
	for i, l := range pages {
		annots, err := v.annotations(l.ref)
		if err != nil {
			return nil, err
		}
		for _, a := range annots {
			if r, ok := a.(ref); ok {
				on[r] = append(on[r], i+1)
			}
		}
	}
	return on, nil
}

// entries compares the entries of a field or widget but for the lenient ones;
// it reports whether one of those differs.
func (s *step) entries(old, new *dict, f *field, lenient []name) bool {
	touched := false
	for _, key := range keys(old, new) {
		a, b := old.lookup(key), new.lookup(key)
		if slices.Contains(lenient, key) {
			same, err := unchanged(s.old, s.new, s.apart, a, b)
			touched = touched || err != nil || !same
			continue
		}
		s.strict.entry(key, a, b, f.ref.num, &part{code: ChangeFieldEntry, field: f.name, name: string(key), what: fmt.Sprintf("the field %q, %s", f.name, keyed(key))})
	}
	return touched
}

// filled reports that a field got its value with this revision: an empty
// signature field its signature, another field a new value. A push button has
// no value, and a signature never changes.
func (s *step) filled(old, new *field) (bool, error) {
	if old.kind == name("Sig") {
		if old.val != nil || new.val == nil {
			return false, nil
		}
		s.newSignature(new)
		return true, nil
	}
	const pushButton = 1 << 16
	if old.kind == name("Btn") && old.flags&pushButton != 0 {
		return false, nil
	}
	same, err := unchanged(s.old, s.new, s.apart, old.val, new.val)
	return !same, err
}
