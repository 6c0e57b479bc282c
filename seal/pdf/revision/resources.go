package revision

import (
	"fmt"
	"io"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Text that has no appearance of its own is drawn by each reader, with the default appearance
// string (/DA) of the field or the form and what that names in the form's resources (ISO 32000-1,
// 12.7.3.3). A later revision that adds a name which such text uses decides how it shows: the
// font that was missing, and so was replaced by the reader's own, may have other shapes.

// A drawnText is a field or an annotation that readers draw themselves.
type drawnText struct {
	what  string
	names map[syntax.Name]bool // that its default appearance uses
	plain bool                 // it has no default appearance but the form's
	all   bool                 // what it uses cannot be read
}

// grownResources finds what the form's resources and its default appearance add to text that
// readers draw themselves.
func (s *step) grownResources() error {
	old := s.oldForm.Dict
	if s.newForm.Dict == nil || s.newForm.Ref != s.oldForm.Ref && old != nil {
		return nil
	}
	if old == nil {
		old = &syntax.Dict{}
	}
	added, err := s.addedResources(old.Lookup("DR"), s.newForm.Dict.Lookup("DR"))
	if err != nil {
		return err
	}
	appearance := old.Lookup("DA") == nil && s.newForm.Dict.Lookup("DA") != nil
	if len(added) == 0 && !appearance {
		return nil
	}
	texts, err := s.drawnTexts()
	if err != nil {
		return err
	}
	for _, t := range texts {
		if appearance && t.plain {
			s.modified(Change{Code: ChangeFormLook, Object: int(s.newForm.Ref.Num), Name: "DA"}, "the form got a /DA, which decides how %s shows", t.what)
			return nil
		}
		for _, key := range added {
			if t.all || t.names[key] {
				s.modified(Change{Code: ChangeFormLook, Object: int(s.newForm.Ref.Num), Name: string(key)}, "the form's /DR got %s, which %s is drawn with", key.Quoted(), t.what)
				return nil
			}
		}
	}
	return nil
}

// addedResources lists the names that came to a form's resources. Text in fields uses no
// pictures.
func (s *step) addedResources(a, b syntax.Value) ([]syntax.Name, error) {
	old, new, err := s.dicts(a, b)
	if err != nil || new == nil {
		return nil, err
	}
	if old == nil {
		old = &syntax.Dict{}
	}
	var added []syntax.Name
	for _, category := range new.Entries {
		if category.Key == "XObject" || category.Key == "ProcSet" {
			continue
		}
		before, after, err := s.dicts(old.Lookup(category.Key), category.Val)
		if err != nil {
			return nil, err
		}
		if before == nil {
			before = &syntax.Dict{}
		}
		if after == nil {
			continue
		}
		for _, e := range after.Entries {
			if before.Find(e.Key) == nil {
				added = append(added, e.Key)
			}
		}
	}
	return added, nil
}

// drawnTexts lists the older revision's fields and comments that readers draw themselves.
func (s *step) drawnTexts() ([]drawnText, error) {
	var out []drawnText
	var anew bool
	if s.oldForm.Dict != nil {
		needs, err := s.old.Get(s.oldForm.Dict, "NeedAppearances")
		if err != nil {
			return nil, err
		}
		anew, _ = needs.(bool)
	}
	for _, f := range s.oldForm.All {
		if f.Kind == syntax.Name("Sig") {
			continue
		}
		parts := []*syntax.Dict{f.Dict}
		bare := false
		for _, r := range append(append([]syntax.Ref{}, f.Widgets...), f.Parents...) {
			d, err := s.old.Dict(r)
			if err != nil {
				return nil, err
			}
			if d != nil {
				parts = append(parts, d)
			}
		}
		for _, w := range f.Widgets {
			d, err := s.old.Dict(w)
			if err != nil {
				return nil, err
			}
			bare = bare || d.Lookup("AP") == nil
		}
		if anew || bare {
			out = append(out, s.drawnText(fmt.Sprintf("the field %q", f.Name), parts))
		}
	}
	for i, l := range s.oldPages {
		annots, err := s.old.Annotations(l.Ref)
		if err != nil {
			return nil, err
		}
		for _, a := range annots {
			d, err := s.old.Dict(a)
			if err != nil {
				return nil, err
			}
			if d.Lookup("Subtype") == syntax.Name("FreeText") && d.Lookup("AP") == nil {
				out = append(out, s.drawnText(fmt.Sprintf("a comment on page %d", i+1), []*syntax.Dict{d}))
			}
		}
	}
	return out, nil
}

// drawnText reads what default appearances use: those of the parts, else the form's.
func (s *step) drawnText(what string, parts []*syntax.Dict) drawnText {
	t := drawnText{what: what, names: make(map[syntax.Name]bool), plain: true}
	use := func(d *syntax.Dict) {
		val, err := s.old.Get(d, "DA")
		if err != nil {
			t.all = true
			return
		}
		if val == nil {
			return
		}
		t.plain = false
		text, ok := val.(syntax.String)
		if !ok || !t.read([]byte(text)) {
			t.all = true
		}
	}
	for _, d := range parts {
		use(d)
	}
	if t.plain && s.oldForm.Dict != nil {
		use(s.oldForm.Dict)
	}
	return t
}

// read takes the names of a default appearance string.
func (t *drawnText) read(appearance []byte) bool {
	content := syntax.NewContent(appearance)
	for {
		v, _, err := content.Next()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
		if n, ok := v.(syntax.Name); ok {
			t.names[n] = true
		}
	}
}
