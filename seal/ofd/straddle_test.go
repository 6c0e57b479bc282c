package ofd

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ses "github.com/elicence/elicence/seal"
)

// slicesOf are the places of a seal of 42 × 42 mm cut upright into so many slices on the
// right edge of pages of 210 mm, from page first on.
func slicesOf(n, first int) []Stamp {
	out := make([]Stamp, n)
	width := 42 / float64(n)
	for i := range out {
		boundary := Box{210 - float64(i+1)*width, 100, 42, 42}
		seen := Box{210 - width, 100, width, 42}
		out[i] = Stamp{first + i, seen, boundary.part(seen), boundary, Box{0, 0, 210, 297}}
	}
	return out
}

func backwards(all []Stamp) []Stamp {
	out := slices.Clone(all)
	for i := range out {
		out[i].Page = all[len(all)-1-i].Page
	}
	return out
}

// turned cuts the seal across instead.
func turned(all []Stamp) []Stamp {
	out := slices.Clone(all)
	turn := func(b Box) Box { return Box{b.Y, b.X, b.Height, b.Width} }
	for i, at := range out {
		out[i] = Stamp{at.Page, turn(at.Box), Part{at.Part.Top, at.Part.Left, at.Part.Bottom, at.Part.Right}, turn(at.boundary), turn(at.page)}
	}
	return out
}

// TestStraddle: slices are one whole seal after the other, or not the seal.
func TestStraddle(t *testing.T) {
	t.Parallel()
	changed := func(all []Stamp, at int, change func(*Stamp)) []Stamp {
		out := slices.Clone(all)
		change(&out[at])
		return out
	}
	seen := func(left, right float64) func(*Stamp) {
		return func(at *Stamp) { at.Part.Left, at.Part.Right = left, right }
	}
	five := slicesOf(5, 1)
	exchanged := slices.Clone(five)
	exchanged[1].Page, exchanged[2].Page = 3, 2
	for name, tt := range map[string]struct {
		stamps []Stamp
		want   PictureFinding
		err    string
	}{
		"two":                                  {slicesOf(2, 1), PictureFinding{State: PictureSlice, Slices: 2}, ""},
		"five":                                 {five, PictureFinding{State: PictureSlice, Slices: 5}, ""},
		"five, listed otherwise":               {append(slices.Clone(five[2:]), five[:2]...), PictureFinding{State: PictureSlice, Slices: 5}, ""},
		"a hundred":                            {slicesOf(100, 1), PictureFinding{State: PictureSlice, Slices: 100}, ""},
		"from the end":                         {backwards(five), PictureFinding{State: PictureSlice, Slices: 5}, ""},
		"a hundred from the end":               {backwards(slicesOf(100, 1)), PictureFinding{State: PictureSlice, Slices: 100}, ""},
		"across":                               {turned(five), PictureFinding{State: PictureSlice, Slices: 5}, ""},
		"in groups":                            {slices.Concat(slicesOf(3, 1), slicesOf(2, 4), slicesOf(4, 6)), PictureFinding{State: PictureSlice, Slices: 9}, ""},
		"beside a whole one":                   {append(slices.Clone(five), whole(5, Box{50, 60, 42, 42})), PictureFinding{State: PictureSlice, Slices: 5}, ""},
		"rounded":                              {changed(slicesOf(3, 1), 1, seen(0.335, 0.667)), PictureFinding{State: PictureSlice, Slices: 3}, ""},
		"the last one missing":                 {five[:4], PictureFinding{State: PictureOther}, "some are missing"},
		"the first one missing":                {slicesOf(5, 1)[1:], PictureFinding{State: PictureOther}, "not what follows"},
		"one missing between":                  {slices.Delete(slices.Clone(five), 2, 3), PictureFinding{State: PictureOther}, "not what follows"},
		"one of a hundred missing":             {slices.Delete(slicesOf(100, 1), 50, 52), PictureFinding{State: PictureOther}, "not what follows"},
		"two exchanged":                        {exchanged, PictureFinding{State: PictureOther}, "not what follows"},
		"one twice":                            {changed(five, 2, seen(0.2, 0.4)), PictureFinding{State: PictureOther}, "not what follows"},
		"one too narrow":                       {changed(five, 2, seen(0.4, 0.57)), PictureFinding{State: PictureOther}, "not what follows"},
		"one of another size":                  {changed(five, 2, func(at *Stamp) { at.boundary.Width, at.boundary.Height = 30, 30 }), PictureFinding{State: PictureOther}, "another size"},
		"one lower":                            {changed(five, 2, func(at *Stamp) { at.boundary.Y += 5 }), PictureFinding{State: PictureUnknown, Why: "page 3 shows its slice 5.0 mm away from where page 1 does: the slices are shifted against each other"}, ""},
		"one lower, on a page of its own size": {changed(five, 2, func(at *Stamp) { at.boundary.Y, at.page = at.boundary.Y+5, Box{0, 0, 210, 307} }), PictureFinding{State: PictureSlice, Slices: 5}, ""},
		"one group lower":                      {slices.Concat(slicesOf(2, 1), changed(changed(slicesOf(2, 3), 0, func(at *Stamp) { at.boundary.Y += 5 }), 1, func(at *Stamp) { at.boundary.Y += 5 })), PictureFinding{State: PictureSlice, Slices: 4}, ""},
		"one on no page":                       {changed(five, 2, func(at *Stamp) { at.Page = 0 }), PictureFinding{State: PictureOther}, "not what follows"},
		"one cut off below":                    {changed(five, 2, func(at *Stamp) { at.Part.Bottom = 0.5 }), PictureFinding{State: PictureUnknown, Why: "page 3 shows 40 % to 60 % from the left, of that the top 50 %"}, ""},
		"two on a page":                        {changed(five, 2, func(at *Stamp) { at.Page, at.Box.Y = 2, 10 }), PictureFinding{State: PictureUnknown, Why: "page 2 shows two parts of it"}, ""},
		"one alone":                            {five[:1], PictureFinding{State: PictureSlice}, ""},
		"joints that are all a bit off": {changed(changed(changed(five, 1, seen(0.205, 0.4)), 2, seen(0.405, 0.6)), 3, seen(0.605, 0.8)),
			PictureFinding{State: PictureOther}, "not what follows"},
	} {
		s := &Signed{Signature: Signature{Stamps: tt.stamps}, Seal: &ses.Seal{Picture: ses.Picture{WidthMM: 42, HeightMM: 42}}}
		got, err := s.judgeStamps()
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && (!errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %+v, %v, want %+v, %q", name, got, err, tt.want, tt.err)
		}
	}
}

// TestPageSizes: what lies beside the page is not seen, and where readers take a page for
// different sizes nobody can say what they show.
func TestPageSizes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const box = `<ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox>`
	area := func(box string) string { return `<ofd:Area><ofd:PhysicalBox>` + box + `</ofd:PhysicalBox></ofd:Area>` }
	page := func(content string) string { return `<ofd:Page` + space + `>` + content + `</ofd:Page>` }
	const template = `<ofd:Template TemplateID="30"/>`
	for name, tt := range map[string]struct {
		common, page, template string
		want                   PictureState
		box                    Box
		why                    string
	}{
		"of the document":            {box, page(""), page(""), PictureDrawn, Box{60, 10, 42, 42}, ""},
		"of the page":                {box, page(area("0 0 81 100")), page(""), PictureSlice, Box{60, 10, 21, 42}, ""},
		"that begins elsewhere":      {box, page(area("10 5 210 297")), page(""), PictureDrawn, Box{50, 5, 42, 42}, ""},
		"that begins beside it":      {box, page(area("40 0 81 297")), page(""), PictureUnknown, Box{20, 10, 42, 42}, "not every reader minds it"},
		"of a template":              {box, page(template), page(area("0 0 210 297")), PictureDrawn, Box{60, 10, 42, 42}, ""},
		"of a template, and another": {box, page(template), page(area("0 0 81 297")), PictureUnknown, Box{60, 10, 42, 42}, "do not say the same"},
		"of nothing":                 {"", page(""), page(""), PictureUnknown, Box{60, 10, 42, 42}, "PhysicalBox"},
		"without area":               {box, page(area("0 0 0 297")), page(""), PictureUnknown, Box{60, 10, 42, 42}, "0 × 297 mm"},
		"of a page that is no page":  {box, `<ofd:Res` + space + `/>`, page(""), PictureUnknown, Box{60, 10, 42, 42}, "begins with Res"},
		"of a page with two areas":   {box, page(area("0 0 1 1") + area("0 0 210 297")), page(""), PictureUnknown, Box{60, 10, 42, 42}, "2 times"},
		"of a page that is no XML":   {box, "x", page(""), PictureUnknown, Box{60, 10, 42, 42}, "Content.xml"},
	} {
		files := d.signable(file{"Doc_0/Tpl.xml", tt.template})
		files[1].content = strings.NewReplacer(box, tt.common, "</ofd:CommonData>", `<ofd:TemplatePage ID="30" BaseLoc="Tpl.xml"/></ofd:CommonData>`).Replace(documentXML)
		files[2].content = tt.page
		s := verify(t, pack(t, d.sign(KindSeal, files, `<ofd:StampAnnot ID="1" PageRef="1" Boundary="60 10 42 42"/>`)), d.trust).Signatures[0]
		if s.Picture.State != tt.want || s.Stamps[0].Box != tt.box || !strings.Contains(s.Picture.Why, tt.why) || s.Err() != nil {
			t.Errorf("%s: %+v at %v (%v), want %s at %v", name, s.Picture, s.Stamps[0].Box, s.Err(), tt.want, tt.box)
		}
	}
	for name, tt := range map[string]struct{ first, second, reference, why string }{
		"two of one ID":        {`ID="1"`, `ID="1"`, "1", "two pages"},
		"of one number":        {`ID="01"`, `ID="1"`, "1", "two pages"},
		"of one, with a sign":  {`ID="1"`, `ID="+1"`, "01", "two pages"},
		"another number":       {`ID="01"`, `ID="2"`, "1", ""},
		"one with zeros":       {`ID="1"`, `ID="2"`, "001", ""},
		"no numbers, but IDs":  {`ID="a"`, `ID="A"`, "a", ""},
		"none, and none asked": {``, ``, "", "no page"},
	} {
		files := d.signable()
		files[1].content = strings.NewReplacer(`<ofd:Page ID="1"`, `<ofd:Page `+tt.first, "</ofd:Pages>", `<ofd:Page `+tt.second+` BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages>`).Replace(documentXML)
		s := verify(t, pack(t, d.sign(KindSeal, files, `<ofd:StampAnnot ID="1" PageRef="`+tt.reference+`" Boundary="60 10 42 42"/>`)), d.trust).Signatures[0]
		switch err := s.Err(); {
		case tt.why == "two pages" && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.why)):
			t.Errorf("%s: %v", name, err)
		case tt.why != "two pages" && (err != nil || (s.Stamps[0].Page == 1) != (tt.why == "")):
			t.Errorf("%s: on page %d, %v", name, s.Stamps[0].Page, err)
		}
	}
	for _, boundary := range []string{"0x3cp0 10 42 42", "Inf 10 42 42", "NaN 10 42 42", "60\u00a010 42 42", "60 10 42", "60 10 42 1e7"} {
		s := verify(t, pack(t, d.sign(KindSeal, d.signable(), `<ofd:StampAnnot ID="1" PageRef="1" Boundary="`+boundary+`"/>`)), d.trust).Signatures[0]
		if !errors.Is(s.Err(), ErrMalformed) {
			t.Errorf("a boundary of %q: %v", boundary, s.Err())
		}
	}
	files := d.signable(file{"Doc_0/Tpl.xml", page(area("0 0 210 297"))})
	files[1].content = strings.Replace(documentXML, "</ofd:CommonData>", `<ofd:TemplatePage ID="30" BaseLoc="Tpl.xml"/><ofd:TemplatePage ID="030" BaseLoc="Tpl.xml"/></ofd:CommonData>`, 1)
	files[2].content = page(template)
	if s := verify(t, pack(t, d.sign(KindSeal, files, `<ofd:StampAnnot ID="1" PageRef="1" Boundary="60 10 42 42"/>`)), d.trust).Signatures[0]; s.Picture.State != PictureUnknown || !strings.Contains(s.Picture.Why, "two templates") {
		t.Errorf("two templates of one ID: %+v", s.Picture)
	}
}

// TestLargeTemplate: a template is read once, however many pages use it.
func TestLargeTemplate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const pages = 100
	noise := make([]byte, 350<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	var list, stamps strings.Builder
	files := d.signable(file{"Doc_0/Tpl.xml", `<ofd:Page` + space + `><!--` + hex.EncodeToString(noise) + `--></ofd:Page>`})
	for i := range pages {
		name := fmt.Sprintf("Pages/P%d.xml", i)
		files = append(files, file{"Doc_0/" + name, `<ofd:Page` + space + `><ofd:Template TemplateID="30"/></ofd:Page>`})
		fmt.Fprintf(&list, `<ofd:Page ID="%d" BaseLoc="%s"/>`, 100+i, name)
		fmt.Fprintf(&stamps, `<ofd:StampAnnot ID="%d" PageRef="%d" Boundary="60 10 42 42"/>`, i, 100+i)
	}
	files[1].content = strings.NewReplacer("</ofd:CommonData>", `<ofd:TemplatePage ID="30" BaseLoc="Tpl.xml"/></ofd:CommonData>`, "</ofd:Pages>", list.String()+"</ofd:Pages>").Replace(documentXML)
	if s := verify(t, pack(t, d.sign(KindSeal, files, stamps.String())), d.trust).Signatures[0]; s.Picture.State != PictureDrawn || len(s.Stamps) != pages {
		t.Errorf("%d places, %+v, %v", len(s.Stamps), s.Picture, s.Err())
	}
}

// checkStraddles: straddle seals as ofdrw makes them are whole, on each edge and in groups, and
// are not when a slice has gone.
func checkStraddles(t *testing.T, s *shelf) {
	t.Helper()
	for name, want := range map[string]struct {
		slices int
		first  Part
	}{
		"right": {5, Part{0, 0, 0.2, 1}}, "left": {5, Part{0.8, 0, 1, 1}}, "top": {5, Part{0, 0.8, 1, 1}}, "bottom": {5, Part{0, 0, 1, 0.2}},
		"groups": {5, Part{0, 0, 1.0 / 3, 1}}, "beside": {5, Part{0, 0, 0.2, 1}},
	} {
		b, err := os.ReadFile(filepath.Join(s.dir, name+".ofd"))
		if err != nil {
			t.Fatal(err)
		}
		report := verify(t, b, s.trust)
		if !report.Valid() || len(report.Signatures) != 1 || report.Document.Pages != 5 {
			t.Errorf("%s: %d signatures on %d pages, %v", name, len(report.Signatures), report.Document.Pages, report.Err())
			continue
		}
		found := report.Signatures[0]
		if found.Picture != (PictureFinding{State: PictureSlice, Slices: want.slices}) || len(report.Cautions) > 0 {
			t.Errorf("%s: %+v, cautions %v", name, found.Picture, report.Cautions)
		}
		first := found.Stamps[0]
		if first.Page != 1 || fmt.Sprintf("%.3f", first.Part) != fmt.Sprintf("%.3f", want.first) {
			t.Errorf("%s: the first slice is %+v, want %+v", name, first, want.first)
		}
	}
	b, err := os.ReadFile(filepath.Join(s.dir, "lacking.ofd"))
	if err != nil {
		t.Fatal(err)
	}
	report := verify(t, b, s.trust)
	if found := report.Signatures[0]; found.Picture.State != PictureOther || !errors.Is(report.Err(), ErrPicture) {
		t.Errorf("without a slice: %+v, %v", found.Picture, report.Err())
	}
}
