package revision

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// pages compares the page trees and every page. The catalog's /Pages and the
// tree's nodes are compared with everything else; here the pages themselves.
func (s *step) pages() error {
	if !slices.EqualFunc(s.oldPages, s.newPages, func(a, b structure.Leaf) bool { return a.Ref == b.Ref }) {
		s.modified(Change{Code: ChangePages}, "pages were added, removed or put in another order")
		return nil
	}
	for i, l := range s.oldPages {
		if err := s.page(i+1, l.Ref); err != nil {
			return err
		}
	}
	return nil
}

// page compares one page. Only its /Annots may change, and /Tabs may say in
// which order they are visited.
func (s *step) page(n int, r syntax.Ref) error {
	old, new, err := s.dicts(r, r)
	if err != nil {
		return err
	}
	if old == nil || new == nil {
		return syntax.DamagedAt(0, "page %d, object %d, is not a dictionary", n, r.Num)
	}
	for _, key := range keys(old, new) {
		a, b := old.Lookup(key), new.Lookup(key)
		where := &part{code: ChangePageEntry, page: n, name: string(key), what: fmt.Sprintf("page %d, %s", n, key.Quoted())}
		if _, plain := b.(syntax.Name); key == "Tabs" && plain {
			continue
		}
		if key != "Annots" {
			s.strict.entry(key, a, b, r.Num, where)
			continue
		}
		if err := s.annots(n, r); err != nil {
			return err
		}
	}
	return nil
}

// annots compares a page's annotations: the old ones must all be there, in
// their order, before any new one.
func (s *step) annots(n int, page syntax.Ref) error {
	old, err := s.old.Annotations(page)
	if err != nil {
		return err
	}
	new, err := s.new.Annotations(page)
	if err != nil {
		return err
	}
	where := &part{code: ChangeAnnotationChanged, page: n, what: fmt.Sprintf("page %d, /Annots", n)}
	if len(new) < len(old) {
		s.modified(Change{Code: ChangeAnnotationRemoved, Object: int(page.Num), Page: n}, "annotations of page %d were removed", n)
		return nil
	}
	for i, a := range old {
		s.strict.values(a, new[i], page.Num, where)
	}
	if len(new) == len(old) {
		return nil
	}
	seals, err := s.old.Seals(page, s.oldForm.SignedWidgets())
	if err != nil {
		return err
	}
	for _, a := range new[len(old):] {
		if err := s.annotation(n, a, seals); err != nil {
			return err
		}
	}
	return nil
}

// isMarkup tells what a reader adds as a comment (ISO 32000-1, 12.5.6.2).
func isMarkup(subtype syntax.Name) bool {
	switch subtype {
	case "Text", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight",
		"Underline", "Squiggly", "StrikeOut", "Stamp", "Caret", "Ink", "Popup":
		return true
	}
	return false
}

// annotation judges an annotation that a revision added to a page.
func (s *step) annotation(n int, a syntax.Value, seals []structure.SealPlace) error {
	r, ok := a.(syntax.Ref)
	if !ok {
		s.modified(Change{Code: ChangeAnnotationReused, Page: n}, "page %d has a new annotation that is not an object of its own", n)
		return nil
	}
	if !s.fresh(r) {
		s.modified(Change{Code: ChangeAnnotationReused, Object: int(r.Num), Page: n}, "page %d shows the older object %d as a new annotation", n, r.Num)
		return nil
	}
	d, err := s.new.Dict(r)
	if err != nil {
		return err
	}
	if d.Lookup("A") != nil || d.Lookup("AA") != nil {
		s.modified(Change{Code: ChangeAnnotationActs, Object: int(r.Num), Page: n}, "page %d has the new annotation %d, which acts when it is touched", n, r.Num)
		return nil
	}
	box, _, err := s.new.Rect(d.Lookup("Rect"))
	if err != nil {
		return err
	}
	loose, err := loose(s.new, d)
	if err != nil {
		return err
	}
	below := slices.DeleteFunc(slices.Clone(seals), func(seal structure.SealPlace) bool { return !seal.Overlaps(box) })
	if len(below) > 0 && (loose || !s.upon(n, r, below)) {
		s.modified(Change{Code: ChangeAnnotationOverSeal, Object: int(r.Num), Page: n}, "the new annotation %d lies over an earlier seal on page %d", r.Num, n)
		return nil
	}
	s.shown[r] = true
	subtype, _ := d.Lookup("Subtype").(syntax.Name)
	// A stamp that is not locked is no part of a signature, and anybody moves it.
	signs := s.newWidget(r) || subtype == "Stamp" && s.signed && structure.LockedStamp(d)
	switch {
	case signs && loose && len(seals) > 0:
		s.modified(Change{Code: ChangeAnnotationLoose, Object: int(r.Num), Page: n}, "the new annotation %d does not keep to its rectangle on page %d, which has an earlier seal", r.Num, n)
	case signs:
	case isMarkup(subtype):
		s.note(Change{Kind: AnnotationAdded, Code: ChangeAnnotation, Object: int(r.Num), Page: n, Name: string(subtype), What: fmt.Sprintf("page %d has a new annotation (%s)", n, subtype)})
	default:
		s.modified(Change{Code: ChangeAnnotationForeign, Object: int(r.Num), Page: n, Name: string(subtype)}, "page %d has the new annotation %d (%s), which is no comment", n, r.Num, subtype.Quoted()[1:])
	}
	return nil
}

// upon notes that a new signature lies upon earlier ones. Whether they are seals, and may, is for
// the verification of the signatures. False: it is no such thing.
func (s *step) upon(n int, r syntax.Ref, below []structure.SealPlace) bool {
	if !s.newWidget(r) || s.noted[SealUponSeal] == maxChanges {
		return false
	}
	var over []string
	for _, seal := range below {
		f := s.oldForm.ByWidget[seal.Annotation]
		if !seal.Signs || f == nil {
			return false
		}
		over = append(over, f.Name)
	}
	f := s.newForm.ByWidget[r]
	s.note(Change{
		Kind: SealUponSeal, Code: ChangeSealUponSeal, Object: int(r.Num), Page: n, Field: f.Name, Over: over,
		What: fmt.Sprintf("the signature %q was put upon %q on page %d: what is seen there is more than one seal", f.Name, over, n),
	})
	return true
}

// loose reports that an annotation does not turn or grow with its page (ISO 32000-1, table 165),
// so that it is seen outside of its rectangle.
func loose(v structure.View, annotation *syntax.Dict) (bool, error) {
	const noZoom, noRotate = 8, 16
	flags, err := v.Get(annotation, "F")
	n, whole := flags.(int64)
	return flags != nil && (!whole || n&(noZoom|noRotate) != 0), err
}

// newWidget reports that an annotation shows a signature field that came with
// this revision.
func (s *step) newWidget(r syntax.Ref) bool {
	f := s.newForm.ByWidget[r]
	return f != nil && s.oldForm.ByRef[f.Ref] == nil && f.Signed()
}

// fresh reports that the object does not exist in the older revision.
func (s *step) fresh(r syntax.Ref) bool {
	_, used := s.old.Generation(r.Num)
	return !used
}
