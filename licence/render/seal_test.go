package render

import (
	"bytes"
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/goldentest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
)

// A seal, applied to the finished file as an increment, shows where the page says,
// and the text below it stays.
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
	page := goldentest.Draw(t, sealed.Bytes(), 1, 254) // ten dots a millimetre
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
}
