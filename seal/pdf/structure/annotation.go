package structure

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Annotation flags (ISO 32000-1, table 165).
const (
	Printed  = 4
	ReadOnly = 64
	Locked   = 128
)

// Annotations resolves a page's /Annots array.
func (v View) Annotations(page syntax.Ref) (syntax.Array, error) {
	dict, err := v.Dict(page)
	if err != nil {
		return nil, err
	}
	return v.Array(dict.Lookup("Annots"))
}

// Lists reports that a page lists an annotation.
func (v View) Lists(page, annotation syntax.Ref) (bool, error) {
	annots, err := v.Annotations(page)
	for _, a := range annots {
		if a == annotation {
			return true, nil
		}
	}
	return false, err
}

// A SealPlace is where a page shows a seal.
type SealPlace struct {
	Rect
	Annotation syntax.Ref
	Signs      bool // it is the widget of a signed field, and no stamp beside one
}

// Seals lists where a page shows seals: the widgets of signed fields, which the caller names, and locked stamps.
func (v View) Seals(page syntax.Ref, signed map[syntax.Ref]bool) ([]SealPlace, error) {
	annots, err := v.Annotations(page)
	if err != nil {
		return nil, fmt.Errorf("the annotations of a page: %w", err)
	}
	var out []SealPlace
	for _, a := range annots {
		r, _ := a.(syntax.Ref)
		dict, err := v.Dict(a)
		if err != nil {
			return nil, err
		}
		if !signed[r] && !LockedStamp(dict) {
			continue
		}
		box, ok, err := v.Rect(dict.Lookup("Rect"))
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, SealPlace{box, r, signed[r]})
		}
	}
	return out, nil
}

// LockedStamp reports that an annotation is a stamp that nobody may move or delete: what comes with a signature in further
// places.
func LockedStamp(d *syntax.Dict) bool {
	flags, _ := d.Lookup("F").(int64)
	return d.Lookup("Subtype") == syntax.Name("Stamp") && flags&Locked != 0
}
