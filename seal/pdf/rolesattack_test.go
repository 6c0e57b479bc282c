package pdf

import (
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestDrawnRoles: an object of which a later revision may change entries is also what a page
// draws from. The names in resources and in the states of an annotation are the writer's
// choice, so those entries are what the signer saw.
func TestDrawnRoles(t *testing.T) { eachProfile(t, testDrawnRoles) }

func testDrawnRoles(t *testing.T, s *signers) {
	const form = "<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 22>>\nstream\n1 g 0 0 595 842 re f  \nendstream"
	const draws = "<</Length 14>>\nstream\n/Metadata Do  \nendstream"
	other := func(a attacker, entry syntax.Name) {
		r := a.Fresh()
		a.PutStream(r, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 595, 842}),
			"Resources", syntax.DictOf("Font", syntax.DictOf("F1", syntax.Ref{Num: 4}))), []byte(evil))
		a.set(1, entry, r)
	}
	sign := func(f sample) []byte { return put(t, f.bytes(), s.stamp(120), s.sealContents) }
	catalog, validation := "/AcroForm 7 0 R/Metadata 5 0 R", "/AcroForm 7 0 R/DSS 5 0 R"
	for _, tt := range []attacked{
		{"the catalog as a page's pictures", sign(sample{page: "/Annots[8 0 R]", catalog: validation, objects: []string{form,
			"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject 1 0 R>>/Length 9>>\nstream\n/DSS Do  \nendstream",
			"<</Fields[]>>", "<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 595 842]/AP<</N 6 0 R>>>>"}}),
			func(a attacker) { other(a, "DSS") }, "object 1"},
		{"the catalog as the states of an annotation", sign(sample{page: "/Annots[8 0 R]", catalog: catalog, objects: []string{form, draws,
			"<</Fields[]>>", "<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 595 842]/AS/Metadata/AP<</N 1 0 R>>>>"}}),
			func(a attacker) { other(a, "Metadata") }, "no XMP"},
		{"the catalog's validation data as a picture", sign(sample{page: "/Annots[8 0 R]", catalog: validation, objects: []string{form, draws,
			"<</Fields[]>>", "<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 595 842]/AS/DSS/AP<</N 1 0 R>>>>"}}),
			func(a attacker) { other(a, "DSS") }, "object 1"},
		{"a page's comments as a picture", sign(sample{page: "/Annots[8 0 R]", catalog: "/AcroForm 7 0 R", objects: []string{form, draws,
			"<</Fields[]>>", "<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 595 842]/AS/Annots/AP<</N 10 0 R>>>>"}, pages: 2}),
			func(a attacker) {
				r := a.Fresh()
				a.PutStream(r, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 595, 842})), []byte("0 g"))
				a.set(10, "Annots", r)
			}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, s, tt)
		})
	}
}

// TestGenerationAttacks: a reference that names another generation than the object has is
// null by the standard, and some readers (MuPDF) show the object all the same.
func TestGenerationAttacks(t *testing.T) { eachProfile(t, testGenerationAttacks) }

func testGenerationAttacks(t *testing.T, s *signers) {
	asleep := sample{page: "/Annots[6 1 R]", objects: []string{
		"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 22>>\nstream\n1 g 0 0 595 842 re f  \nendstream",
		"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 1 1]/AP<</N 5 0 R>>>>",
	}}
	absent := sample{page: "/Annots[99 1 R]"}
	for _, tt := range []attacked{
		{"an object of another generation changes", put(t, asleep.bytes(), s.stamp(120), s.sealContents), func(a attacker) {
			a.set(6, "Rect", numbers([]float64{0, 0, 595, 842}))
			a.set(1, "DSS", syntax.DictOf("Certs", syntax.Array{}))
		}, "object 6"},
		{"an object of another generation appears", put(t, absent.bytes(), s.stamp(120), s.sealContents), func(a attacker) {
			a.Next = 100
			a.Put(syntax.Ref{Num: 99}, syntax.DictOf("Type", syntax.Name("Annot"), "Subtype", syntax.Name("Stamp"), "Rect", numbers([]float64{0, 0, 595, 842})))
			a.set(1, "DSS", syntax.DictOf("Certs", syntax.Array{}))
		}, "object 99"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refused(t, s, tt)
		})
	}
}
