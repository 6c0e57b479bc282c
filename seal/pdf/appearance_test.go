package pdf

import (
	"bytes"
	"image/color"
	"strings"
	"sync"
	"testing"
)

// TestAppearanceObjects stamps text in a font and a picture that the appearance
// brings along, twice, and looks at the result.
func TestAppearanceObjects(t *testing.T) {
	t.Parallel()
	descriptor := &Object{Dict: "<</Type/FontDescriptor/FontName/Helvetica-Bold/Flags 32/FontBBox[-170 -228 1003 962]/ItalicAngle 0/Ascent 718/Descent -207/CapHeight 718/StemV 140>>"}
	font := &Object{Dict: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/FirstChar 32/LastChar 32/Widths[278]/FontDescriptor {0}>>", Uses: []*Object{descriptor}}
	picture := &Object{
		Dict:   "<</Type/XObject/Subtype/Image/Width 2/Height 1/ColorSpace/DeviceRGB/BitsPerComponent 8>>",
		Stream: []byte{0, 0, 255, 0, 255, 0},
	}
	signature := &Appearance{
		Content:   []byte("BT 0 g /F1 20 Tf 5 50 Td (Li Ming) Tj ET q 90 0 0 40 5 5 cm /Im1 Do Q"),
		BBox:      [4]float64{0, 0, 100, 100},
		Resources: "<</Font<</F1 {0}>>/XObject<</Im1 {1}>>>>",
		Objects:   []*Object{font, picture},
	}
	s := at(1, 20, 20, 60)
	s.Marks = []Mark{
		{Page: 1, X: 20, Y: 20, Width: 60, Height: 60, Appearance: signature},
		{Page: 1, X: 100, Y: 20, Width: 60, Height: 60, Appearance: signature},
	}
	file := stamped(t, sample{}.bytes(), s)
	path := saveFile(t, file)
	checkQPDF(t, path)
	checkPDFCPU(t, file)
	for _, once := range []string{"/FontDescriptor/", "/Type /FontDescriptor", "/Subtype /Image"} {
		if got := bytes.Count(file, []byte(strings.ReplaceAll(once, "/FontDescriptor/", "/BaseFont /Helvetica-Bold"))); got != 1 {
			t.Errorf("%s is in the file %d times, want once", once, got)
		}
	}
	const dpi = 100
	for program, img := range map[string]interface{ At(x, y int) color.Color }{
		"pdftoppm": poppler(t, path, dpi), "mutool": mupdf(t, path, dpi),
	} {
		for _, c := range []struct {
			x, y float64 // millimetres
			want color.RGBA
		}{{27, 60, color.RGBA{0, 0, 255, 255}}, {70, 60, color.RGBA{0, 255, 0, 255}}, {107, 60, color.RGBA{0, 0, 255, 255}}, {150, 60, color.RGBA{0, 255, 0, 255}}} {
			r, g, b, _ := img.At(int(c.x/25.4*dpi), int(c.y/25.4*dpi)).RGBA()
			got := color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
			if got.G>>6 != c.want.G>>6 || got.B>>6 != c.want.B>>6 || got.R>>6 != c.want.R>>6 {
				t.Errorf("%s shows %v at %v, %v mm, want %v", program, got, c.x, c.y, c.want)
			}
		}
	}
}

// TestAppearanceShared uses one appearance in many goroutines, as a service
// does with an office's seal.
func TestAppearanceShared(t *testing.T) {
	t.Parallel()
	s := at(1, 30, 40, 42)
	file := sample{}.bytes()
	want := stamped(t, file, s)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := stamped(t, file, s); !bytes.Equal(got, want) {
				t.Error("a stamp made at the same time differs")
			}
		})
	}
	all.Wait()
}

// TestObjectsInCircles writes objects that use each other.
func TestObjectsInCircles(t *testing.T) {
	t.Parallel()
	a, b := &Object{Dict: "<</Other {0}>>"}, &Object{Dict: "<</Other {0}>>"}
	a.Uses, b.Uses = []*Object{b}, []*Object{a}
	s := at(1, 30, 40, 42)
	s.Marks[0].Appearance = &Appearance{BBox: [4]float64{0, 0, 1, 1}, Resources: "<</Properties<</P {0}>>>>", Objects: []*Object{a}}
	checkQPDF(t, saveFile(t, stamped(t, sample{}.bytes(), s)))
}
