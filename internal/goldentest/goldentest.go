// Package goldentest compares pages of PDF files, as poppler draws them, with golden
// pictures that were looked at by eye: 72 dpi, sixteen greys.
//
// Versions of poppler differ at the edges of letters. A page may differ by 3 of 255
// degrees on average, and no square of 16 dots by more than 25 in brightness: moved
// edges cancel out in a square, something missing does not. Parts that are never the
// same (a code, a random number) are masked.
package goldentest

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them before you keep them")

const (
	square    = 16 // dots
	mostMean  = 3
	mostWorst = 25
	dpi       = 72
)

// Compare draws a page (1 is the first) and compares it with a golden picture,
// leaving out the masked parts, in dots of the picture.
func Compare(tb testing.TB, pdf []byte, page int, golden string, masks ...image.Rectangle) {
	tb.Helper()
	got := masked(Draw(tb, pdf, page, dpi, "-gray"), masks)
	if *update {
		write(tb, golden, got)
		return
	}
	want := masked(read(tb, golden), masks)
	if got.Bounds() != want.Bounds() {
		tb.Fatalf("%s: the page is %v, the golden picture %v", golden, got.Bounds(), want.Bounds())
	}
	mean, worst, at := difference(got, want)
	if mean > mostMean || worst > mostWorst {
		tb.Errorf("%s: the page differs by %.1f on average and by %.1f at %v", golden, mean, worst, at)
	}
}

// Draw has poppler draw a page (1 is the first) at a resolution, with further options
// of pdftoppm.
func Draw(tb testing.TB, pdf []byte, page, dpi int, options ...string) image.Image {
	tb.Helper()
	dir := tb.TempDir()
	path := filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		tb.Fatal(err)
	}
	n := strconv.Itoa(page)
	args := append([]string{"-r", strconv.Itoa(dpi), "-png", "-singlefile", "-f", n, "-l", n}, options...)
	tooltest.Run(tb, "pdftoppm", append(args, path, filepath.Join(dir, "page"))...)
	return read(tb, filepath.Join(dir, "page.png"))
}

// masked paints the masked parts white.
func masked(m image.Image, masks []image.Rectangle) *image.Gray {
	out := image.NewGray(m.Bounds())
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			out.Set(x, y, m.At(x, y))
			for _, mask := range masks {
				if (image.Point{X: x, Y: y}).In(mask) {
					out.SetGray(x, y, color.Gray{Y: 255})
				}
			}
		}
	}
	return out
}

// difference compares two pictures: on average, and in the worst square.
func difference(a, b *image.Gray) (float64, float64, image.Point) {
	size := a.Bounds()
	var sum, worst float64
	var where image.Point
	for y := 0; y < size.Dy(); y += square {
		for x := 0; x < size.Dx(); x += square {
			part := image.Rect(x, y, x+square, y+square).Intersect(size)
			bright, apart := 0.0, 0.0
			for py := part.Min.Y; py < part.Max.Y; py++ {
				for px := part.Min.X; px < part.Max.X; px++ {
					d := float64(a.GrayAt(px, py).Y) - float64(b.GrayAt(px, py).Y)
					bright += d
					apart += max(d, -d)
				}
			}
			sum += apart
			if d := max(bright, -bright) / float64(part.Dx()*part.Dy()); d > worst {
				worst, where = d, part.Min
			}
		}
	}
	return sum / float64(size.Dx()*size.Dy()), worst, where
}

func read(tb testing.TB, path string) image.Image {
	tb.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func write(tb testing.TB, path string, m *image.Gray) {
	tb.Helper()
	palette := make(color.Palette, 16)
	for i := range palette {
		palette[i] = color.Gray{Y: uint8(i * 17)}
	}
	small := image.NewPaletted(m.Bounds(), palette)
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			small.SetColorIndex(x, y, uint8((int(m.GrayAt(x, y).Y)+8)/17))
		}
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&file, small); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		tb.Fatal(err)
	}
}
