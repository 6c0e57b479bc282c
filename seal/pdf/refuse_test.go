package pdf

import (
	"image"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestPrepareRefuses lists what a caller may ask for in vain.
func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	good := at(1, 30, 40, 42)
	with := func(change func(*Stamp)) Stamp {
		s := good
		s.Marks = append([]Mark{}, good.Marks...)
		change(&s)
		return s
	}
	for _, tc := range []struct {
		name string
		in   Stamp
		why  string
	}{
		{"no filter", with(func(s *Stamp) { s.Filter = "" }), "filter"},
		{"filter with space", with(func(s *Stamp) { s.SubFilter = "a b" }), "subfilter"},
		{"reason with control character", with(func(s *Stamp) { s.Reason = "a\x00b" }), "reason"},
		{"name not UTF-8", with(func(s *Stamp) { s.Name = "\xff" }), "name"},
		{"long location", with(func(s *Stamp) { s.Location = strings.Repeat("长", 1000) }), "location"},
		{"no time", with(func(s *Stamp) { s.Time = time.Time{} }), "time"},
		{"no room", with(func(s *Stamp) { s.ContentsSize = 0 }), "room"},
		{"too much room", with(func(s *Stamp) { s.ContentsSize = 1<<20 + 1 }), "room"},
		{"page 0", with(func(s *Stamp) { s.Marks[0].Page = 0 }), "no page 0"},
		{"page 2 of 1", with(func(s *Stamp) { s.Marks[0].Page = 2 }), "no page 2, the file has 1"},
		{"left of the page", with(func(s *Stamp) { s.Marks[0].X = -1 }), "outside of page 1"},
		{"below the page", with(func(s *Stamp) { s.Marks[0].Y = 256 }), "outside of page 1"},
		{"not a number", with(func(s *Stamp) { s.Marks[0].X = math.NaN() }), "out of range"},
		{"invisibly small", with(func(s *Stamp) { s.Marks[0].Width = 0.01 }), "nobody could see"},
		{"no appearance", with(func(s *Stamp) { s.Marks[0].Appearance = nil }), "no appearance"},
		{"empty box", with(func(s *Stamp) { s.Marks[0].Appearance = &Appearance{} }), "empty part"},
		{"empty part", with(func(s *Stamp) { s.Marks[0].Part = [4]float64{1, 1, 1, 2} }), "empty part"},
		{"opacity 2", with(func(s *Stamp) {
			s.Marks[0].Appearance = &Appearance{BBox: [4]float64{0, 0, 1, 1}, Opacity: 2}
		}), "opacity"},
		{"resources no dictionary", with(func(s *Stamp) {
			s.Marks[0].Appearance = &Appearance{BBox: [4]float64{0, 0, 1, 1}, Resources: "<<>> 1"}
		}), "exactly one dictionary"},
		{"resources refer to the file", with(func(s *Stamp) {
			s.Marks[0].Appearance = &Appearance{BBox: [4]float64{0, 0, 1, 1}, Resources: "<</Font 4 0 R>>"}
		}), "resources"},
		{"unknown object", with(func(s *Stamp) {
			s.Marks[0].Appearance = &Appearance{BBox: [4]float64{0, 0, 1, 1}, Resources: "<</Font {1}>>", Objects: []*Object{{Dict: "<<>>"}}}
		}), "{1} names no used object"},
		{"nil object", with(func(s *Stamp) {
			s.Marks[0].Appearance = &Appearance{BBox: [4]float64{0, 0, 1, 1}, Resources: "<</Font {0}>>", Objects: []*Object{nil}}
		}), "nil"},
		{"new field with full stop", with(func(s *Stamp) { s.Field = "a.b" }), "no full stop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, sample{}.bytes()).Prepare(tc.in)
			wantRefused(t, err, tc.why)
		})
	}
}

const emptySigField = "<</Type/Annot/Subtype/Widget/FT/Sig/T(sign here)/Rect[100 100 250 250]/F 4>>"

// TestFieldRefuses lists files that do not take the stamp.
func TestFieldRefuses(t *testing.T) {
	t.Parallel()
	field := func(entries string) sample {
		return sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[5 0 R]", objects: []string{
			"<</Type/Annot/Subtype/Widget/T(f)/Rect[100 100 250 250]/F 4" + entries + ">>"}}
	}
	named := at(0, 0, 0, 42)
	named.Field = "f"
	elsewhere := at(1, 10, 10, 42)
	elsewhere.Field = "f"
	bare := named
	bare.Marks = nil
	big := at(0, 0, 0, 60)
	big.Field = "f"
	part := at(1, 10, 10, 42)
	part.Field = "group"
	for _, tc := range []struct {
		name string
		file sample
		in   Stamp
		why  string
	}{
		{"text field", field("/FT/Tx"), named, "not a signature field"},
		{"signed already", field("/FT/Sig/V<</Type/Sig>>"), named, "signed already"},
		{"a lock without action", field("/FT/Sig/Lock<<>>"), named, "none of All, Include"},
		{"a lock with permissions", field("/FT/Sig/Lock<</Action/All/P 1>>"), named, "/P"},
		{"a lock that is none", field("/FT/Sig/Lock[]"), named, "lock of its own"},
		{"too small", field("/FT/Sig"), big, "too small"},
		{"has its own place", field("/FT/Sig"), elsewhere, "its own place"},
		{"needs a mark", field("/FT/Sig"), bare, "needs a mark"},
		{"invisible", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</Type/Annot/Subtype/Widget/T(f)/Rect[0 0 0 0]/F 4/FT/Sig>>"}}, named, "invisible"},
		{"hidden by flag", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</Type/Annot/Subtype/Widget/T(f)/Rect[0 0 99 99]/F 2/FT/Sig>>"}}, named, "hidden"},
		{"on no page", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</Type/Annot/Subtype/Widget/T(f)/Rect[0 0 199 199]/F 4/FT/Sig>>"}}, named, "on no page"},
		{"two widgets", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</T(f)/FT/Sig/Kids[6 0 R 7 0 R]>>", "<</Subtype/Widget>>", "<</Subtype/Widget>>"}}, named, "2 widgets"},
		{"name of a group", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</T(group)/Kids[6 0 R]>>", "<</T(x)/FT/Tx/Parent 5 0 R>>"}}, part, "group of fields"},
		{"XFA", sample{catalog: "/AcroForm<</Fields[]/XFA[(a)(b)]>>"}, at(1, 10, 10, 42), "XFA"},
		{"certified, nothing allowed", field("/FT/Sig/V<</Reference[<</TransformMethod/DocMDP/TransformParams<</P 1>>>>]>>"), at(1, 10, 10, 42), "nothing may be changed"},
		{"certified in an unknown way", field("/FT/Sig/V<</Reference[<</TransformMethod/DocMDP/TransformParams<</P 7>>>>]>>"), at(1, 10, 10, 42), "nothing may be changed"},
		{"all fields locked", field("/FT/Sig/V<</Reference[<</TransformMethod/FieldMDP/TransformParams<</Action/All>>>>]>>"), at(1, 10, 10, 42), "locks the field"},
		{"this field locked", field("/FT/Sig/V<</Reference[<</TransformMethod/FieldMDP/TransformParams<</Action/Include/Fields[(Seal1)]>>>>]>>"), at(1, 10, 10, 42), "locks the field"},
		{"over an earlier seal", field("/FT/Sig/V<</Type/Sig>>"), at(1, 40, 200, 42), "earlier seal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, tc.file.bytes()).Prepare(tc.in)
			wantRefused(t, err, tc.why)
		})
	}
}

// TestXFA takes the XFA out where the caller says so and nothing speaks against it.
func TestXFA(t *testing.T) {
	t.Parallel()
	s := at(1, 20, 20, 42)
	s.WithoutXFA = true
	const form = "/AcroForm<</Fields[]/XFA[(a)(b)]/DA(x)>>"
	file := stamped(t, sample{catalog: form}.bytes(), s)
	f, err := open(t, file).now.Form()
	if err != nil || f.Dict.Lookup("XFA") != nil || f.Dict.Lookup("DA") == nil {
		t.Errorf("the form is %s, %v", syntax.AppendValue(nil, f.Dict), err)
	}
	checkQPDF(t, saveFile(t, file))
	_, err = open(t, sample{catalog: form + "/NeedsRendering true"}.bytes()).Prepare(s)
	wantRefused(t, err, "no pages of its own")
	signed := sample{catalog: "/AcroForm<</Fields[5 0 R]/XFA 6 0 R>>", objects: []string{"<</FT/Sig/T(a)/V<</Type/Sig>>>>", "(x)"}}
	_, err = open(t, signed.bytes()).Prepare(s)
	wantRefused(t, err, "must stay")
}

func TestCertifiedAllows(t *testing.T) {
	t.Parallel()
	certified := func(p string) []byte {
		return sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{
			"<</Type/Annot/Subtype/Widget/T(f)/Rect[0 0 0 0]/F 4/FT/Sig/V 6 0 R>>",
			"<</Type/Sig/Reference[<</TransformMethod/DocMDP/TransformParams<</P " + p + ">>>>]>>"}}.bytes()
	}
	one := at(1, 30, 40, 42)
	two := at(1, 30, 40, 42)
	two.Marks = append(two.Marks, at(1, 100, 40, 42).Marks[0])
	stamped(t, certified("2"), one)
	stamped(t, certified("3"), two)
	_, err := open(t, certified("2")).Prepare(two)
	wantRefused(t, err, "no annotations")
}

// TestExistingField signs empty fields where their author put them.
func TestExistingField(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		file  sample
		field string
	}{
		{"field and widget in one", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[5 0 R]", objects: []string{emptySigField}}, "sign here"},
		{"widget of its own", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[6 0 R]", objects: []string{
			"<</FT/Sig/T(sign)/Kids[6 0 R]>>", "<</Type/Annot/Subtype/Widget/Parent 5 0 R/Rect[100 100 250 250]/F 4>>"}}, "sign"},
		{"field in a group", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[6 0 R]", objects: []string{
			"<</FT/Sig/T(group)/Kids[6 0 R]>>", "<</Type/Annot/Subtype/Widget/T(x)/Parent 5 0 R/Rect[100 100 250 250]/F 4>>"}}, "group.x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			first := stamped(t, tc.file.bytes(), at(1, 120, 20, 42))
			s := at(0, 0, 0, 42)
			s.Field = tc.field
			file := stamped(t, first, s)
			checkQPDF(t, saveFile(t, file))
			if tc.field != "sign" { // poppler looks for /V in the widget, not in the field above it
				checkPopplerSignatures(t, saveFile(t, file), 2)
			}
			list := signatures(t, file)
			if len(list) != 2 || !list[0].Intact() || !list[1].Intact() {
				t.Fatalf("signatures: %+v", list)
			}
			if list[0].Changes[0].Kind != revision.SignatureAdded || list[0].Changes[0].Field != tc.field {
				t.Errorf("the first signature saw %+v, want the signature %q", list[0].Changes, tc.field)
			}
			if got := list[1]; got.Field != tc.field || got.Page != 1 || math.Abs(got.X-35.28) > 0.01 || math.Abs(got.Width-52.92) > 0.01 {
				t.Errorf("signature of %q on page %d at %.2f, %.2f mm wide", got.Field, got.Page, got.X, got.Width)
			}
			// The seal is 42 mm large in the middle of a field of 52.9 mm.
			img := poppler(t, saveFile(t, file), 100)
			box := redBox(img, img.Bounds().Intersect(image.Rect(0, 500, 500, 1200)))
			if mm := float64(box.Dx()) / 100 * 25.4; math.Abs(mm-0.92*42) > 0.6 {
				t.Errorf("the seal's ring is %.1f mm wide, want %.1f", mm, 0.92*42)
			}
		})
	}
}

func TestInvisible(t *testing.T) {
	t.Parallel()
	s := at(1, 1, 1, 10)
	s.Marks = nil
	file := stamped(t, sample{pages: 2}.bytes(), s)
	checkQPDF(t, saveFile(t, file))
	checkPDFCPU(t, file)
	list := signatures(t, file)
	if len(list) != 1 || !list[0].Intact() || list[0].Page != 1 || list[0].Width != 0 {
		t.Errorf("signatures: %+v", list)
	}
}
