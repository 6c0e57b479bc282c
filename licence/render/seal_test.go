package render

import (
	"bytes"
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
)

// appearance hands a fragment's objects over to package pdf.
func appearance(t *testing.T, f *typeset.Fragment) *pdf.Appearance {
	t.Helper()
	a, err := f.Appearance()
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[*typeset.Object]*pdf.Object)
	var convert func(list []*typeset.Object) []*pdf.Object
	convert = func(list []*typeset.Object) []*pdf.Object {
		out := make([]*pdf.Object, len(list))
		for i, o := range list {
			if known[o] == nil {
				known[o] = &pdf.Object{Dict: string(o.Dict), Stream: o.Stream}
				known[o].Uses = convert(o.Uses)
			}
			out[i] = known[o]
		}
		return out
	}
	return &pdf.Appearance{Content: a.Content, BBox: a.BBox, Resources: a.Resources, Objects: convert(a.Objects)}
}

// A seal and a line of text, applied to the finished file as an increment, show
// where the page says, and the text below the seal stays.
func TestSealGoesWhereThePageSays(t *testing.T) {
	t.Parallel()
	sheet := samples(t)[65]
	r := mustPage(t, sheet)
	drawing, err := impression.Draw(impression.Government(impression.Department, "合肥市市场监督管理局"))
	if err != nil {
		t.Fatal(err)
	}
	width, height := drawing.Size()
	content, bbox := drawing.PDF()

	style := kai(9, ink)
	note, err := style.Set("核验编号 龘䶮 0001")
	if err != nil {
		t.Fatal(err)
	}
	fragment := typeset.NewFragment(50, 6)
	fragment.Text(1, 4, note)

	doc, err := pdf.Open(bytes.NewReader(r.PDF), int64(len(r.PDF)))
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := doc.Prepare(pdf.Stamp{
		Filter: "Adobe.PPKLite", SubFilter: "ETSI.CAdES.detached", ContentsSize: 512,
		Time: time.Date(2024, 1, 1, 9, 0, 0, 0, time.UTC),
		Marks: []pdf.Mark{
			{Page: r.SealPage, X: r.SealX - width/2, Y: r.SealY - height/2, Width: width, Height: height,
				Appearance: &pdf.Appearance{Content: content, BBox: bbox, Multiply: true}},
			{Page: 1, X: 80, Y: 200, Width: 50, Height: 6, Appearance: appearance(t, fragment)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := stamp.Complete([]byte{0x30, 0x03, 0x02, 0x01, 0x00}); err != nil { // some DER; nobody verifies it here
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	if _, err := stamp.WriteTo(&sealed); err != nil {
		t.Fatal(err)
	}
	path := save(t, sealed.Bytes())
	if out := tooltest.Run(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Errorf("qpdf: %s", out)
	}
	picture := strings.TrimSuffix(path, ".pdf")
	tooltest.Run(t, "pdftoppm", "-r", "254", "-png", "-singlefile", path, picture) // ten dots a millimetre
	page := readPNG(t, picture+".png")
	red := color.NRGBA{0xD7, 0x00, 0x0F, 0xFF}
	for name, at := range map[string][2]float64{
		"centre of the star": {r.SealX, r.SealY}, "left rim": {r.SealX - width/2 + 0.6, r.SealY},
		"top of the rim": {r.SealX, r.SealY - height/2 + 0.6},
	} {
		got := color.NRGBAModel.Convert(page.At(int(at[0]*10), int(at[1]*10))).(color.NRGBA)
		if got != red {
			t.Errorf("%s is %v, want %v", name, got, red)
		}
	}
	text := pageText(t, path)
	for _, want := range []string{squeeze(sheet.Issuer), "2024年1月1日"} {
		if !strings.Contains(text, want) {
			t.Errorf("the sealed page no longer says %s", want)
		}
	}
	// Appearances are not page text for pdftotext unless it draws annotations: its
	// fonts must be in the file all the same.
	if fonts := tooltest.Run(t, "pdffonts", path); strings.Count(fonts, "LXGWWenKai") != 2 {
		t.Errorf("the note's font is not in the file:\n%s", fonts)
	}
	drawn := 0
	for y := 2005; y < 2055; y++ {
		for x := 805; x < 1290; x++ {
			if grey(page, x, y) < 80 {
				drawn++
			}
		}
	}
	if drawn < 200 {
		t.Errorf("the note has %d dark dots, want at least 200", drawn)
	}
}
