package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// sheets are pages as real files have them. All are displayed 210 × 297 mm or
// turned by a quarter.
var sheets = []struct {
	name   string
	sample sample
}{
	{"plain", sample{}},
	{"rotated 90", sample{rotate: 90}},
	{"rotated 180", sample{rotate: 180}},
	{"rotated 270", sample{rotate: 270}},
	{"rotated -90", sample{rotate: -90}},
	{"shifted box", sample{media: []float64{-100, 50, 495.28, 891.89}}},
	{"cropped", sample{media: []float64{0, 0, 700, 1000}, crop: []float64{40, 60, 635.28, 901.89}}},
	{"cropped and rotated 90", sample{media: []float64{0, 0, 700, 1000}, crop: []float64{40, 60, 635.28, 901.89}, rotate: 90}},
	{"cropped and rotated 180", sample{media: []float64{0, 0, 700, 1000}, crop: []float64{40, 60, 635.28, 901.89}, rotate: 180}},
	{"cropped and rotated 270", sample{media: []float64{0, 0, 700, 1000}, crop: []float64{40, 60, 635.28, 901.89}, rotate: 270}},
	{"user unit 2", sample{media: []float64{0, 0, 297.64, 420.945}, unit: 2}},
	{"user unit 0.5 rotated 270", sample{media: []float64{0, 0, 1190.56, 1683.78}, unit: 0.5, rotate: 270}},
	{"corners swapped", sample{media: []float64{595.28, 841.89, 0, 0}}},
}

// TestSealPlace renders stamped pages with two programs and measures the seal:
// it must be where it was asked for, at its true size, and upright.
func TestSealPlace(t *testing.T) {
	t.Parallel()
	const x, y, size = 30, 45, 42.0
	for _, tc := range sheets {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := saveFile(t, stamped(t, tc.sample.bytes(), at(1, x, y, size)))
			const dpi = 100
			for program, img := range map[string]image.Image{
				"pdftoppm": poppler(t, path, dpi),
				"mutool":   mupdf(t, path, dpi),
			} {
				scale := dpi / 25.4
				if program == "pdftoppm" && tc.sample.unit != 0 {
					scale /= tc.sample.unit // poppler does not know /UserUnit
				}
				if program == "mutool" && tc.sample.unit != 0 {
					scale = float64(img.Bounds().Dx()) / displayedWidth(t, path)
				}
				checkSeal(t, program, img, scale, x, y, size)
			}
		})
	}
}

func displayedWidth(tb testing.TB, path string) float64 {
	tb.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := open(tb, file).Page(1)
	if err != nil {
		tb.Fatal(err)
	}
	return p.Width
}

// checkSeal looks for the red of seal(): the ring's outer edge runs 4 % inside
// of its box, and the square lies in the upper left quarter.
func checkSeal(t *testing.T, program string, img image.Image, scale, x, y, size float64) {
	t.Helper()
	box := redBox(img, img.Bounds())
	got := [4]float64{float64(box.Min.X) / scale, float64(box.Min.Y) / scale, float64(box.Dx()) / scale, float64(box.Dy()) / scale}
	want := [4]float64{x + 0.04*size, y + 0.04*size, 0.92 * size, 0.92 * size}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 0.6 {
			t.Errorf("%s shows the seal at %.1f mm, want %.1f", program, got, want)
			break
		}
	}
	inner := box.Inset(box.Dx() / 12)
	mark := redBox(img, inner)
	centre := mark.Min.Add(mark.Max).Div(2)
	if middle := inner.Min.Add(inner.Max).Div(2); centre.X >= middle.X || centre.Y >= middle.Y {
		t.Errorf("%s shows the seal's mark around %v, not in the upper left of %v: the seal is not upright", program, centre, inner)
	}
}

// redBox is the smallest box around what is clearly red.
func redBox(img image.Image, within image.Rectangle) image.Rectangle {
	var out image.Rectangle
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			if r > 0x8000 && g < 0x7000 && b < 0x7000 {
				out = out.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return out
}

func poppler(tb testing.TB, path string, dpi int) image.Image {
	tb.Helper()
	return popplerPage(tb, path, 1, dpi)
}

func popplerPage(tb testing.TB, path string, page, dpi int) image.Image {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "page")
	tooltest.Run(tb, "pdftoppm", "-cropbox", "-r", fmt.Sprint(dpi), "-png", "-f", fmt.Sprint(page), "-singlefile", path, out)
	return picture(tb, out+".png")
}

func mupdf(tb testing.TB, path string, dpi int) image.Image {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "page.png")
	tooltest.Run(tb, "mutool", "draw", "-q", "-r", fmt.Sprint(dpi), "-o", out, path, "1")
	return picture(tb, out)
}

func picture(tb testing.TB, path string) image.Image {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return img
}
