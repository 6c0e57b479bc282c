package impression

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

func decode(t *testing.T, d *Drawing, dpi float64) *image.Paletted {
	t.Helper()
	data, err := d.PNG(dpi)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	picture, ok := m.(*image.Paletted)
	if !ok {
		t.Fatalf("the PNG is a %T", m)
	}
	return picture
}

func samples() map[string]Spec {
	return map[string]Spec{
		"4":       Government(Department, "样例公司"),
		"10":      Government(Department, "合肥市市场监督管理局"),
		"17":      Company("合肥市测试区样例科技有限责任公司"),
		"25":      Company(name(25)),
		"40":      Company(name(40)),
		"finance": Finance("安徽样例（合肥）科技有限公司"),
		"invoice": Invoice("合肥市测试区样例科技有限责任公司", "91340199XN00000017"),
		"name":    Representative("龘䶮"),
	}
}

// The outputs are one picture: poppler drawing the PDF operators and MuPDF drawing the SVG
// see what the PNG shows, and the compressed SVG is the plain one.
func TestOutputsAgree(t *testing.T) {
	t.Parallel()
	const dpi = 150
	for title, spec := range samples() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			drawing := mustDraw(t, spec)
			want := decode(t, drawing, dpi)
			dir := t.TempDir()

			svg := filepath.Join(dir, "seal.svg")
			if err := os.WriteFile(svg, drawing.SVG(), 0o600); err != nil {
				t.Fatal(err)
			}
			fromSVG := filepath.Join(dir, "svg.png")
			tooltest.Run(t, "mutool", "draw", "-q", "-r", fmt.Sprint(dpi), "-o", fromSVG, svg)
			compare(t, "MuPDF's SVG", fromSVG, want)
			svgz := filepath.Join(dir, "seal.svgz")
			if err := os.WriteFile(svgz, drawing.SVGZ(), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := tooltest.Run(t, "gzip", "-dc", svgz); got != string(drawing.SVG()) {
				t.Errorf("gzip expands the compressed form to %d other bytes", len(got))
			}

			pdf := filepath.Join(dir, "seal.pdf")
			if err := os.WriteFile(pdf, pageOf(drawing), 0o600); err != nil {
				t.Fatal(err)
			}
			tooltest.Run(t, "qpdf", "--check", pdf)
			tooltest.Run(t, "pdftoppm", "-r", fmt.Sprint(dpi), "-png", "-singlefile", pdf, filepath.Join(dir, "pdf"))
			compare(t, "poppler's PDF", filepath.Join(dir, "pdf.png"), want)
		})
	}
}

// compare allows what two rasterizers differ by at edges, which is 1 to 4 of 255
// degrees of cover on average, more the smaller the seal; another name makes 15.
func compare(t *testing.T, what, path string, want *image.Paletted) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	size := want.Bounds()
	if dx, dy := got.Bounds().Dx()-size.Dx(), got.Bounds().Dy()-size.Dy(); dx < -1 || dx > 1 || dy < -1 || dy > 1 {
		t.Fatalf("%s is %v, the PNG %v", what, got.Bounds(), size)
	}
	sum := 0.0
	for y := range size.Dy() {
		for x := range size.Dx() {
			// On white paper the blue of the seal's red runs from 15 to 255.
			c := color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA)
			cover := 255 - float64(c.B)
			if c.A < 255 { // MuPDF leaves the ground transparent
				cover = float64(c.A)
			}
			sum += math.Abs(cover - float64(want.Pix[want.PixOffset(x, y)])*240/255)
		}
	}
	if mean := sum / float64(size.Dx()*size.Dy()); mean > 6 {
		t.Errorf("%s differs from the PNG by %.1f of 255 on average", what, mean)
	}
}

// pageOf is a one-page document of the impression's size around its operators.
func pageOf(d *Drawing) []byte {
	content, box := d.PDF()
	var file bytes.Buffer
	var offsets []int
	file.WriteString("%PDF-1.7\n")
	for i, body := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [%.3f %.3f %.3f %.3f] /Resources << >> /Contents 4 0 R >>",
			box[0], box[1], box[2], box[3]),
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
	} {
		offsets = append(offsets, file.Len())
		fmt.Fprintf(&file, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := file.Len()
	file.WriteString("xref\n0 5\n0000000000 65535 f \n")
	for _, offset := range offsets {
		fmt.Fprintf(&file, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&file, "trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", start)
	return file.Bytes()
}

func TestSVGStandsAlone(t *testing.T) {
	t.Parallel()
	for title, spec := range samples() {
		svg := mustDraw(t, spec).SVG()
		decoder := xml.NewDecoder(bytes.NewReader(svg))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: the SVG is not XML: %v", title, err)
			}
		}
		want := fmt.Sprintf(`width="%gmm" height="%gmm"`, spec.WidthMM, spec.HeightMM)
		if !strings.Contains(string(svg), want) || strings.Contains(string(svg), "href") {
			t.Errorf("%s: the SVG does not say %s, or leans on something else", title, want)
		}
	}
	if got := len(mustDraw(t, Company("合肥市测试区样例科技发展公司")).SVG()); got > 6<<10 {
		t.Errorf("14 characters make an SVG of %d bytes, want at most 6 KiB", got)
	}
}

// Without turning it, the rim of a 42 mm seal is 1.2 mm thick, the star 14 mm, and
// both are red.
func TestMeasuresOnPaper(t *testing.T) {
	t.Parallel()
	const dpi = 508 // 20 dots a millimetre
	picture := decode(t, mustDraw(t, Government(Department, "合肥市公安局")), dpi)
	if got := picture.Bounds().Dx(); got != 840 {
		t.Fatalf("42 mm are %d dots, want 840", got)
	}
	inked := func(x, y float64) bool { return picture.Pix[picture.PixOffset(int(x*20), int(y*20))] > 127 }
	tests := []struct {
		name string
		x, y float64
		want bool
	}{
		{"outer edge", 41.9, 21, true}, {"inner edge", 40.9, 21, true}, {"inside the rim", 40.7, 21, false},
		{"top of the star", 21, 14.3, true}, {"above the star", 21, 13.9, false},
		{"foot between the points", 21, 24.5, false}, {"left foot of the star", 17.2, 26.2, true},
		{"corner", 0.5, 0.5, false}, {"gap at the bottom", 21, 37, false},
	}
	for _, test := range tests {
		if got := inked(test.x, test.y); got != test.want {
			t.Errorf("%s (%g, %g): inked %v, want %v", test.name, test.x, test.y, got, test.want)
		}
	}
	want := color.NRGBA{0xD7, 0x00, 0x0F, 0xFF}
	if got := color.NRGBAModel.Convert(picture.At(420, 420)); got != want {
		t.Errorf("the star is %v, want %v", got, want)
	}
	if _, _, _, cover := picture.At(0, 0).RGBA(); cover != 0 {
		t.Errorf("the ground has cover %d, want none", cover)
	}
}

func TestPNGRefusesResolutions(t *testing.T) {
	t.Parallel()
	drawing := mustDraw(t, Company("合肥样例科技有限公司"))
	for _, dpi := range []float64{0, -1, 19, 1201, math.NaN(), math.Inf(1)} {
		if _, err := drawing.PNG(dpi); !errors.Is(err, ErrSpec) {
			t.Errorf("PNG(%v) = %v, want ErrSpec", dpi, err)
		}
	}
}

// TestReread: a picture of ours is drawn as it is, and no other is.
func TestReread(t *testing.T) {
	t.Parallel()
	for _, spec := range []Spec{
		Government(Department, "合肥市样例局"), Company("合肥样例科技有限公司"), Finance("合肥样例科技有限公司"), Invoice("合肥样例科技有限公司", "91340100MA2XXXXX0X"), Representative("张样例"),
	} {
		drawn, err := Draw(spec)
		if err != nil {
			t.Fatal(err)
		}
		want, box := drawn.PDF()
		for _, picture := range [][]byte{drawn.SVG(), drawn.SVGZ()} {
			read, err := Reread(picture, spec)
			if err != nil {
				t.Errorf("%s: %v", spec.Text, err)
				continue
			}
			got, gotBox := read.PDF()
			if !bytes.Equal(got, want) || gotBox != box {
				t.Errorf("%s: it is drawn otherwise", spec.Text)
			}
		}
		other := spec
		other.WidthMM++
		for _, svg := range [][]byte{bytes.Replace(drawn.SVG(), []byte(`"/>`), []byte(`z"/>`), 1), bytes.Replace(drawn.SVG(), []byte("q"), []byte("q "), 1),
			bytes.Replace(drawn.SVG(), []byte("l"), []byte("h"), 1), bytes.Replace(drawn.SVG(), []byte("m-"), []byte("zm-"), 1),
			bytes.Replace(drawn.SVG(), []byte("-"), []byte(" -"), 1), drawn.SVG()[:200], nil, append(drawn.SVG(), ' '), append(drawn.SVGZ(), ' '), drawn.SVGZ()[:200]} {
			if _, err := Reread(svg, spec); !errors.Is(err, ErrSpec) {
				t.Errorf("%s: %.30q… is read: %v", spec.Text, svg, err)
			}
		}
		if _, err := Reread(drawn.SVG(), other); !errors.Is(err, ErrSpec) {
			t.Errorf("%s: the picture of another design is read: %v", spec.Text, err)
		}
	}
}

// TestRereadOfBefore: a seal whose picture is in hundredths of a millimetre, as it was once
// written, is drawn to the byte as it was then.
func TestRereadOfBefore(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	svg, spec := read("hundredths.svg"), Finance("样例公司")
	drawing, err := Reread(svg, spec)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := drawing.PDF(); !bytes.Equal(got, read("hundredths.pdf")) {
		t.Error("it is drawn otherwise")
	}
	if differ := differing(t, drawing, mustDraw(t, spec)); differ > 0.001 {
		t.Errorf("%.2f %% of its ink is not where the seal has it when it is drawn today", 100*differ)
	}
	for _, other := range [][]byte{bytes.Replace(svg, []byte("财务"), []byte("合同"), 1), bytes.Replace(svg, []byte("l"), nil, 1), append(svg, '\n')} {
		if _, err := Reread(other, spec); !errors.Is(err, ErrSpec) {
			t.Errorf("%.120q… is read: %v", other, err)
		}
	}
}
