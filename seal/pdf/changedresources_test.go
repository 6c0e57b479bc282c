package pdf

import (
	"testing"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestGrownResources: a font that comes into the form's resources changes what is drawn with
// it: fields and comments without a look of their own, and those that readers draw anew.
func TestGrownResources(t *testing.T) {
	t.Parallel()
	const symbol = "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"
	field := func(more string) string {
		return "<</Type/Annot/Subtype/Widget/FT/Tx/T(amount)/Rect[10 10 90 30]/F 4/V(1000)" + more + ">>"
	}
	const look = "/AP<</N 9 0 R>>"
	form := func(field, entries string) sample {
		return sample{page: "/Annots[5 0 R 8 0 R]", catalog: "/AcroForm 7 0 R", objects: []string{
			field, "<<>>", "<</Fields[5 0 R]" + entries + ">>",
			"<</Type/Annot/Subtype/FreeText/Rect[100 10 190 30]/Contents(1000)/DA(/Zapf 9 Tf 0 g)>>",
			"<</Type/XObject/Subtype/Form/BBox[0 0 80 20]/Length 1>>\nstream\nq\nendstream",
		}}
	}
	quiet := func(f sample) sample { f.objects[3] = "<</Type/Annot/Subtype/Text/Rect[100 10 190 30]>>"; return f }
	const helv = "/DR<</Font<</Helv 4 0 R>>>>"
	font := func(key syntax.Name) func(attacker) {
		return func(a attacker) {
			fonts := (&syntax.Dict{}).With(key, a.made(symbol))
			if old, ok := a.dict(7).Lookup("DR").(*syntax.Dict); ok {
				fonts = old.Lookup("Font").(*syntax.Dict).With(key, a.made(symbol))
			}
			a.set(7, "DR", syntax.DictOf("Font", fonts))
		}
	}
	for _, tc := range []struct {
		name   string
		sample sample
		change func(attacker)
		what   string // empty: no change
	}{
		{"a font that nothing uses", quiet(form(field("/DA(/Helv 9 Tf)"), helv)), font("F9"), ""},
		{"the font of a field", quiet(form(field("/DA(/F9 9 Tf)"), helv)), font("F9"), `/F9, which the field "amount" is drawn with`},
		{"the same, its name spelled otherwise", quiet(form(field("/DA(/#46#39 9 Tf)"), helv)), font("F9"), "/F9"},
		{"where there were no resources", quiet(form(field("/DA(/F9 9 Tf)"), "")), font("F9"), "/F9"},
		{"the font of the form", quiet(form(field(""), helv+"/DA(/F9 9 Tf)")), font("F9"), "/F9"},
		{"a field that has its look", quiet(form(field("/DA(/F9 9 Tf)"+look), helv)), font("F9"), ""},
		{"a field that is drawn anew", quiet(form(field("/DA(/F9 9 Tf)"+look), helv+"/NeedAppearances true")), font("F9"), "/F9"},
		{"an appearance that cannot be read", quiet(form(field("/DA(\\(/F9 9 Tf)"), helv)), font("F8"), "/F8"},
		{"one that is no string", quiet(form(field("/DA[/F9]"), helv)), font("F8"), "/F8"},
		{"the font of a comment", form(field("/DA(/Helv 9 Tf)"+look), helv), font("Zapf"), "a comment on page 1"},
		{"an appearance for a field without", quiet(form(field(""), helv)), func(a attacker) { a.set(7, "DA", syntax.String("/Helv 0 Tf 1 g")) }, "the form got a /DA"},
		{"an appearance that no field needs", quiet(form(field("/DA(/Helv 9 Tf)"), helv)), func(a attacker) { a.set(7, "DA", syntax.String("/Helv 0 Tf 1 g")) }, ""},
		{"a picture", quiet(form(field("/DA(/F9 9 Tf)"), helv)), func(a attacker) {
			a.set(7, "DR", a.dict(7).Lookup("DR").(*syntax.Dict).With("XObject", syntax.DictOf("F9", syntax.Ref{Num: 9})))
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			kind := revision.Modified
			if tc.what == "" {
				kind = ""
			}
			checkChange(t, updated(t, stamped(t, tc.sample.bytes(), at(1, 120, 200, 42)), tc.change), kind, tc.what)
		})
	}
}
