package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/elicence/elicence/pki/second"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// bureau draws a seal with a name.
func bureau(tb testing.TB, text string) *impression.Drawing {
	tb.Helper()
	d, err := impression.Draw(impression.Government(impression.Department, text))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// vectors is a drawing as the stamp of an office.
func vectors(d *impression.Drawing) *Appearance {
	content, box := d.PDF()
	return &Appearance{Content: content, BBox: box, Multiply: true, Opacity: 0.9}
}

// pixels is a drawing as an image with a soft mask, as other programs stamp.
func pixels(tb testing.TB, d *impression.Drawing) *Appearance {
	tb.Helper()
	data, err := d.PNG(300)
	if err != nil {
		tb.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	b := picture.Bounds()
	var base, mask []byte
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA) //nolint:errcheck,forcetypeassert // what the model makes
			base, mask = append(base, c.R, c.G, c.B), append(mask, c.A)
		}
	}
	image := func(space string) string {
		return fmt.Sprintf("<</Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/%s", b.Dx(), b.Dy(), space)
	}
	soft := &Object{Dict: image("DeviceGray") + ">>", Stream: mask}
	return &Appearance{
		Content: []byte("q 100 0 0 100 0 0 cm /Im Do Q"), BBox: [4]float64{0, 0, 100, 100}, Resources: "<</XObject<</Im {0}>>>>",
		Objects: []*Object{{Dict: image("DeviceRGB") + "/SMask {0}>>", Stream: base, Uses: []*Object{soft}}},
	}
}

// withPicture gives the signers a seal with another picture.
func (s *signers) withPicture(tb testing.TB, picture ses.Picture) {
	tb.Helper()
	made, err := ses.Make(ses.Particulars{
		ID: s.seal.ID, Name: s.seal.Name, Kind: 1, Certificate: s.sealCert,
		Created: s.seal.Created, ValidFrom: s.seal.ValidFrom, ValidUntil: s.seal.ValidUntil, Picture: picture,
	}, s.maker, s.makerKey, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	if s.seal, err = ses.Parse(made); err != nil {
		tb.Fatal(err)
	}
}

// TestPictureIsTheSeal: a field must show the seal that signs, upright on whatever page.
func TestPictureIsTheSeal(t *testing.T) { eachProfile(t, testPictureIsTheSeal) }

func testPictureIsTheSeal(t *testing.T, s *signers) {
	own, other := bureau(t, "合肥市样例局"), bureau(t, "芜湖市样例局")
	s.withPicture(t, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	show := func(a *Appearance, change func(*Mark)) Stamp {
		stamp := s.stamp(60)
		stamp.Marks[0].Appearance = a
		if change != nil {
			change(&stamp.Marks[0])
		}
		return stamp
	}
	whole := vectors(own)
	slice := func(m *Mark) {
		b := whole.BBox
		m.Part, m.Width = [4]float64{b[0], b[1], b[2] / 3, b[3]}, 14
	}
	high := func(m *Mark) { m.Y = 60 }
	text := vectors(own)
	text.Content = append([]byte("BT /F1 9 Tf (2026) Tj ET "), text.Content...)
	text.Resources, text.Objects = "<</Font<</F1 {0}>>>>", []*Object{{Dict: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}}
	field60 := sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[5 0 R]", objects: []string{
		"<</Type/Annot/Subtype/Widget/FT/Sig/T(f)/Rect[100 100 270 270]/F 4>>"}}.bytes()
	inField := show(whole, func(m *Mark) { m.Page, m.X, m.Y = 0, 0, 0 })
	inField.Field = "f"
	// over is the own seal over another one that something covers.
	over := func(cover, resources string, objects ...*Object) *Appearance {
		a := vectors(other)
		content, _ := own.PDF()
		a.Content, a.Multiply, a.Opacity = fmt.Appendf(nil, "%s q %s Q %s", a.Content, cover, content), false, 0
		a.Resources, a.Objects = resources, objects
		return a
	}
	state := func(entries string) string { return "<</ExtGState<</G<<" + entries + ">>>>>>" }
	const white = "/G gs 1 g 0 0 200 200 re f"
	// By each of these greys a little is taken away, and multiplied they are nearly black.
	const greys = "/G gs .25 g 0 0 200 200 re f .5 g 0 0 200 200 re f .75 g 0 0 200 200 re f 1 g 0 0 200 200 re f"
	faint := vectors(own)
	faint.Content = append([]byte("q /G gs .8 g "+strings.Repeat("0 0 100 200 re f ", 10)+"Q "), faint.Content...)
	faint.Multiply, faint.Opacity, faint.Resources = false, 0, state("/BM/Multiply")
	step := vectors(own).BBox[2] / (42 * 6)
	// worn is white stripes of which each takes a quarter of a cell, again and again at the same place.
	var stripes strings.Builder
	for i := range 320 {
		fmt.Fprintf(&stripes, "%.4f 0 %.4f 200 re ", float64(i)*step, step/4)
	}
	worn := strings.Repeat("1 g "+stripes.String()+"f ", 12)
	clear := &Object{Dict: "<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/SMask {0}>>", Stream: []byte{255},
		Uses: []*Object{{Dict: "<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray>>", Stream: []byte{0}}}}
	// inside is another seal, and the own one over it in a form with white paper and what follows.
	inside := func(form, behind string) *Appearance {
		a := vectors(other)
		content, _ := own.PDF()
		drawn := fmt.Appendf(nil, "q 1 g 0 0 200 200 re f Q q %s Q %s", content, behind)
		a.Content, a.Multiply, a.Opacity, a.Resources = append(a.Content, " /Own Do"...), false, 0, "<</XObject<</Own {0}>>>>"
		a.Objects = []*Object{{Dict: "<</Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<</XObject<</Im {0}>>>>" + form + ">>", Stream: drawn, Uses: []*Object{clear}}}
		return a
	}
	const knockedOut = "200 0 0 200 0 0 cm /Im Do"
	// remapped says of nearly all colours that they are white.
	const remapped = "<</ColorSpace<</DefaultRGB[/CalRGB<</WhitePoint[0.9505 1 1.089]/Gamma[0.01 0.01 0.01]>>]>>>>"
	defaults := vectors(own)
	defaults.Resources = remapped
	elsewhere := updatedUnsigned(t, victim.bytes(), func(a attacker) { a.set(9, "Resources", a.made(remapped)) })
	inherited := vectors(own)
	inherited.Content, inherited.Objects = []byte("/DeviceRGB cs 1 1 1 sc /In Do"), []*Object{{Dict: "<</Type/XObject/Subtype/Form/BBox[0 0 200 200]>>", Stream: []byte("1 sc 0 0 9 9 re f")}}
	inherited.Resources = "<</XObject<</In {0}>>>>"
	// joint is the own seal as a grey JPEG.
	joint := func(space, more string) *Appearance {
		data, err := own.PNG(300)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := likeness.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		grey := image.NewGray(whole.Bounds())
		for i := range grey.Pix {
			grey.Pix[i] = 255 - uint8(255*likeness.Ink(whole.At(i%grey.Stride, i/grey.Stride)))
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, grey, &jpeg.Options{Quality: 95}); err != nil {
			t.Fatal(err)
		}
		dict := fmt.Sprintf("<</Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/Filter/DCTDecode/ColorSpace%s%s>>", grey.Rect.Dx(), grey.Rect.Dy(), space, more)
		return &Appearance{Content: []byte("/Im Do"), BBox: [4]float64{0, 0, 1, 1}, Resources: "<</XObject<</Im {0}>>>>", Objects: []*Object{{Dict: dict, Stream: b.Bytes(), Uses: []*Object{{Dict: "<</N 1>>", Stream: []byte("a profile")}}}}}
	}
	blended := vectors(own)
	blended.Content, blended.Resources = append([]byte("/G gs "), blended.Content...), state("/BM/Screen")
	nothing := vectors(own)
	nothing.Content = []byte("q Q")
	for _, tt := range []struct {
		name  string
		file  []byte
		stamp Stamp
		want  PictureState
	}{
		{"vectors", victim.bytes(), show(whole, nil), PictureSame},
		{"pixels", victim.bytes(), show(pixels(t, own), nil), PictureSame},
		{"turned page", sample{rotate: 90}.bytes(), show(whole, high), PictureSame},
		{"page on its head", sample{rotate: 180, unit: 2}.bytes(), show(whole, nil), PictureSame},
		{"turned and cropped page", sample{rotate: 270, crop: []float64{10, 20, 580, 800}}.bytes(), show(whole, high), PictureSame},
		{"larger than it is", victim.bytes(), show(whole, func(m *Mark) { m.Width, m.Height = 55, 55 }), PictureSame},
		{"slice without the others", victim.bytes(), show(whole, slice), PictureOther},
		{"another seal", victim.bytes(), show(vectors(other), nil), PictureOther},
		{"another seal in pixels", victim.bytes(), show(pixels(t, other), nil), PictureOther},
		{"slice of another seal", victim.bytes(), show(vectors(other), slice), PictureOther},
		{"nothing", victim.bytes(), show(nothing, nil), PictureOther},
		{"more than the seal", victim.bytes(), show(text, nil), PictureUnknown},
		{"smaller than it is", victim.bytes(), show(whole, func(m *Mark) { m.Width, m.Height = 30, 30 }), PictureSame},
		{"in a larger field", field60, inField, PictureSame},
		{"another seal under white", victim.bytes(), show(over(white, state("/ca 1/BM/Normal")), nil), PictureSame},
		{"another seal that shines through white", victim.bytes(), show(over(white, state("/ca 0.5")), nil), PictureUnknown},
		{"another seal under white that darkens", victim.bytes(), show(over(white, state("/BM/Multiply")), nil), PictureUnknown},
		{"another seal under greys that darken", victim.bytes(), show(over(greys, state("/BM/Multiply")), nil), PictureUnknown},
		{"on a ground that darkens layer by layer", victim.bytes(), show(faint, nil), PictureUnknown},
		{"another seal under white stripes", victim.bytes(), show(over(worn, ""), nil), PictureUnknown},
		{"another seal under a transparent image", victim.bytes(), show(over("200 0 0 200 0 0 cm /Im Do", "<</XObject<</Im {0}>>>>", clear), nil), PictureOther},
		{"blended into nothing", victim.bytes(), show(blended, nil), PictureUnknown},
		{"over another seal in a group", victim.bytes(), show(inside("/Group<</S/Transparency/K false/CS/DeviceRGB>>", knockedOut), nil), PictureSame},
		{"taken away again by a transparent image", victim.bytes(), show(inside("/Group<</S/Transparency/K true>>", knockedOut), nil), PictureUnknown},
		{"in a group with colours of its own", victim.bytes(), show(inside("/Group<</S/Transparency/CS[/CalRGB<</WhitePoint[1 1 1]>>]>>", ""), nil), PictureUnknown},
		{"in a form that stands for a page elsewhere", victim.bytes(), show(inside("/Ref<</F(x.pdf)/Page 0>>", ""), nil), PictureUnknown},
		{"in colours that mean others", victim.bytes(), show(defaults, nil), PictureUnknown},
		{"on a page whose colours mean others", elsewhere, show(whole, nil), PictureUnknown},
		{"one number in a space of three", victim.bytes(), show(inherited, nil), PictureUnknown},
		{"JPEG", victim.bytes(), show(joint("/DeviceGray", ""), nil), PictureSame},
		{"JPEG whose greys are all white", victim.bytes(), show(joint("[/Separation/X/DeviceGray<</FunctionType 2/Domain[0 1]/C0[1]/C1[1]/N 1>>]", ""), nil), PictureUnknown},
		{"JPEG with a profile", victim.bytes(), show(joint("[/ICCBased {0}]", ""), nil), PictureUnknown},
		{"JPEG with its own way to colours", victim.bytes(), show(joint("/DeviceGray", "/DecodeParms<</ColorTransform 1>>"), nil), PictureUnknown},
		{"JPEG that is another one in print", victim.bytes(), show(joint("/DeviceGray", "/Alternates[]"), nil), PictureUnknown},
		{"another shape", victim.bytes(), show(whole, func(m *Mark) { m.Width = 30; m.Height = 20 }), PictureUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := put(t, tt.file, tt.stamp, s.sealContents)
			trust := s.trust
			trust.Pictures = likeness.NewMemory()
			for range 2 { // the second time from memory
				report, err := open(t, file).Verify(context.Background(), trust)
				if err != nil {
					t.Fatal(err)
				}
				signed := report.Signatures[0]
				if signed.Picture.State != tt.want || (tt.want == PictureUnknown) == (signed.Picture.Why == "") {
					t.Errorf("%+v, want %s", signed.Picture, tt.want)
				}
				if got := errors.Is(report.Err(), ErrPicture); got != (tt.want == PictureOther) {
					t.Errorf("the report says %v", report.Err())
				}
			}
		})
	}
}

// TestMemoryTellsPicturesApart: what is remembered of one seal says nothing of another.
func TestMemoryTellsPicturesApart(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	own, other := bureau(t, "合肥市样例局"), bureau(t, "芜湖市样例局")
	s.withPicture(t, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	s.trust.Pictures = likeness.NewMemory()
	for i, d := range []*impression.Drawing{own, other, own} {
		stamp := s.stamp(60)
		stamp.Marks[0].Appearance = vectors(d)
		report, err := open(t, put(t, victim.bytes(), stamp, s.sealContents)).Verify(context.Background(), s.trust)
		if err != nil || report.Valid() == (d == other) {
			t.Errorf("file %d: %v, %v", i, err, report.Err())
		}
	}
}

// TestHiddenIsNotShown: what readers hide is no seal that is shown, wherever the file says so.
func TestHiddenIsNotShown(t *testing.T) {
	t.Parallel()
	drawing := bureau(t, "合肥市样例局")
	content, box := drawing.PDF()
	picture := ses.Picture{Type: "SVG", Data: drawing.SVG(), WidthMM: 42, HeightMM: 42}
	for entries, want := range map[string]string{
		"": "", "/F 4": "", "/F null": "", "/F 8 0 R": "", "/OC null": "",
		"/F 2": "hidden", "/F 6 0 R": "hidden", "/F 32": "hidden", "/F 2.0": "no whole number", "/F 7 0 R": "no whole number", "/OC<</Type/OCG/Name(a)>>": "on conditions",
		"/AP<</N 9 0 R/R 9 0 R/D null>>": "", "/AP<</N 9 0 R/R 8 0 R>>": "touched", "/AP<</N 9 0 R/D<</On 9 0 R>>>>": "touched",
	} {
		if !strings.HasPrefix(entries, "/AP") {
			entries += "/AP<</N 9 0 R>>"
		}
		file := sample{page: "/Annots[5 0 R]", objects: []string{
			"<</Type/Annot/Subtype/Widget/Rect[100 100 219.055 219.055]/P 10 0 R" + entries + ">>", "2", "true", "4",
			fmt.Sprintf("<</Type/XObject/Subtype/Form/BBox[%g %g %g %g]/Length %d>>\nstream\n%s\nendstream", box[0], box[1], box[2], box[3], len(content), content),
		}}.bytes()
		d := open(t, file)
		s := &Signed{Signature: Signature{doc: d, widget: syntax.Ref{Num: 5}, Page: 1}, Seal: &ses.Seal{Picture: picture}}
		found, err := s.likeness(nil)
		if want == "" && (err != nil || !found.Alike) || want != "" && (!errors.Is(err, likeness.ErrNotDrawn) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %+v, %v, want %q", entries, found, err, want)
		}
		widget, err := d.now.Dict(syntax.Ref{Num: 5})
		if err != nil {
			t.Fatal(err)
		}
		rect, _, err := d.now.Rect(widget.Lookup("Rect"))
		if err != nil {
			t.Fatal(err)
		}
		one := slice{annotation: annotation{1, syntax.Ref{Num: 5}, widget}, box: rect, sheet: structure.Sheet{PerMM: 72 / 25.4}}
		shown, err := likeness.NewSheet(42, 42)
		if err != nil {
			t.Fatal(err)
		}
		if err := one.lay(d.now, shown, likeness.Box{X1: 42, Y1: 42}, 1); (err == nil) != (want == "") {
			t.Errorf("a slice, %s: %v, want %q", entries, err, want)
		}
	}
}

// TestSeveralPlaces: the second place of a field may show another seal than the first.
func TestSeveralPlaces(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	file := updatedUnsigned(t, victim.bytes(), func(a attacker) {
		v := a.made(fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(D:20261123093000+08'00')/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
			SubFilterCAdES, strings.Repeat("00", tokenRoom)))
		f := a.Fresh()
		var places syntax.Array
		for _, box := range []string{"0 0 0 0", "60 380 179 499"} {
			places = append(places, a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/F 132/Rect[%s]/P 10 0 R/Parent %d 0 R>>", box, f.Num)))
		}
		a.Put(f, syntax.DictOf("FT", syntax.Name("Sig"), "T", syntax.String("Seal1"), "V", v, "Kids", places))
		a.add(7, "Fields", f)
		a.add(10, "Annots", places...)
	})
	file = filled(t, file, func(digest [32]byte) []byte { return s.sign(t, ses.Stamp{Document: digest}) })
	report, err := open(t, file).Verify(context.Background(), s.trust)
	if err != nil || report.Err() != nil {
		t.Fatalf("%v, %v", err, report.Err())
	}
	if found := report.Signatures[0].Picture; found.State != PictureUnknown || found.Why == "" {
		t.Errorf("%+v, want %s", found, PictureUnknown)
	}
}
