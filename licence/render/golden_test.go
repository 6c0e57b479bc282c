package render

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them before you keep them")

// Two pages as poppler draws them at 72 dpi, in sixteen greys. Versions of poppler
// differ at the edges of letters, so a page may differ by 3 of 255 degrees on
// average, and no square of 16 dots by more than 25.
func TestGolden(t *testing.T) {
	t.Parallel()
	sheets := samples(t)
	for name, sheet := range map[string]Sheet{"business-licence": sheets[65], "driving-licence": sheets[3]} {
		path := save(t, mustPage(t, sheet).PDF)
		picture := strings.TrimSuffix(path, ".pdf")
		tooltest.Run(t, "pdftoppm", "-r", "72", "-gray", "-png", "-singlefile", path, picture)
		got := readPNG(t, picture+".png")
		golden := filepath.Join("testdata", name+".png")
		if *update {
			writeGolden(t, golden, got)
			continue
		}
		want := readPNG(t, golden)
		if got.Bounds() != want.Bounds() {
			t.Fatalf("%s is %v, golden %v", name, got.Bounds(), want.Bounds())
		}
		mean, worst, at := difference(got, want)
		if mean > 3 || worst > 25 {
			t.Errorf("%s differs from the golden picture by %.1f on average and by %.1f at %v", name, mean, worst, at)
		}
	}
}

// difference compares two grey pictures: on average, and in the worst square of 16
// dots.
func difference(a, b image.Image) (float64, float64, image.Point) {
	size := a.Bounds()
	var sum, worst float64
	var where image.Point
	for y := 0; y < size.Dy(); y += 16 {
		for x := 0; x < size.Dx(); x += 16 {
			square := image.Rect(x, y, x+16, y+16).Intersect(size)
			bright, apart := 0.0, 0.0
			for py := square.Min.Y; py < square.Max.Y; py++ {
				for px := square.Min.X; px < square.Max.X; px++ {
					d := float64(grey(a, px, py)) - float64(grey(b, px, py))
					bright += d
					apart += max(d, -d)
				}
			}
			sum += apart
			// Moved edges cancel out in a square, something missing does not.
			if d := max(bright, -bright) / float64(square.Dx()*square.Dy()); d > worst {
				worst, where = d, square.Min
			}
		}
	}
	return sum / float64(size.Dx()*size.Dy()), worst, where
}

func grey(m image.Image, x, y int) uint8 { return color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y }

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func writeGolden(t *testing.T, path string, m image.Image) {
	t.Helper()
	palette := make(color.Palette, 16)
	for i := range palette {
		palette[i] = color.Gray{Y: uint8(i * 17)}
	}
	small := image.NewPaletted(m.Bounds(), palette)
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			small.SetColorIndex(x, y, uint8((int(grey(m, x, y))+8)/17))
		}
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&file, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
