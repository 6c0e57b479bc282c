package typeset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// quarters is a picture whose four quarters have colours of their own.
func quarters(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			i := 0
			if x >= width/2 {
				i++
			}
			if y >= height/2 {
				i += 2
			}
			m.SetNRGBA(x, y, quarterColours[i])
		}
	}
	return m
}

// Top left, top right, bottom left, bottom right.
var quarterColours = [4]color.NRGBA{
	{200, 30, 30, 255}, {30, 200, 30, 255}, {30, 30, 200, 255}, {220, 220, 40, 255},
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withExif puts an Exif segment with an orientation and a secret place behind the
// start of a JPEG.
func withExif(data []byte, orientation uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II*\x00")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, orientation)
	tiff = append(tiff, 0, 0)
	exif := append([]byte("Exif\x00\x00"), tiff...)
	exif = append(exif, "secret place"...)
	return insertSegment(data, markerAPP1, exif)
}

func insertSegment(data []byte, marker byte, content []byte) []byte {
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xFF, marker)
	out = binary.BigEndian.AppendUint16(out, uint16(len(content)+2))
	return append(append(out, content...), data[2:]...)
}

// render draws one page at 72 dpi with poppler.
func render(t testing.TB, path string) image.Image {
	t.Helper()
	out := tooltest.Run(t, "pdftoppm", "-r", "72", "-png", "-singlefile", path)
	m, err := png.Decode(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func near(a color.Color, b color.NRGBA, most int) bool {
	c := color.NRGBAModel.Convert(a).(color.NRGBA)
	for _, d := range []int{int(c.R) - int(b.R), int(c.G) - int(b.G), int(c.B) - int(b.B)} {
		if d > most || d < -most {
			return false
		}
	}
	return true
}

// Each of the eight orientations must show the quarters as Exif 2.32 says.
func TestJPEGOrientation(t *testing.T) {
	t.Parallel()
	stored := jpegOf(t, quarters(64, 48))
	const a, b, c, d = 0, 1, 2, 3 // quarters of the stored picture
	seen := map[uint16][4]int{
		1: {a, b, c, d}, 2: {b, a, d, c}, 3: {d, c, b, a}, 4: {c, d, a, b},
		5: {a, c, b, d}, 6: {c, a, d, b}, 7: {d, b, c, a}, 8: {b, d, a, c},
	}
	for orientation, want := range seen {
		t.Run(fmt.Sprint(orientation), func(t *testing.T) {
			t.Parallel()
			var order binary.AppendByteOrder = binary.BigEndian
			if orientation%2 == 0 {
				order = binary.LittleEndian
			}
			picture, err := DecodeImage(withExif(stored, orientation, order))
			if err != nil {
				t.Fatal(err)
			}
			width, height := picture.Size()
			if turned := orientation >= 5; (width == 48) != turned || (height == 64) != turned {
				t.Errorf("Size() = %d, %d", width, height)
			}
			doc := New(testInfo())
			doc.Page(100, 100).Image(10, 20, 60, 40, picture)
			path := write(t, doc)
			checkPDF(t, path)
			page := render(t, path)
			for i, centre := range [4][2]float64{{25, 30}, {55, 30}, {25, 50}, {55, 50}} {
				got := at(page, centre[0], centre[1])
				if !near(got, quarterColours[want[i]], 12) {
					t.Errorf("quarter %d shows %v, want %v", i, got, quarterColours[want[i]])
				}
			}
		})
	}
}

func TestJPEGIsCarriedCleanly(t *testing.T) {
	t.Parallel()
	stored := jpegOf(t, quarters(64, 48))
	dirty := withExif(stored, 1, binary.BigEndian)
	dirty = insertSegment(dirty, markerCOM, []byte("a comment"))
	dirty = insertSegment(dirty, 0xED, []byte("Photoshop 3.0"))
	dirty = append(dirty, "a film behind the picture"...)
	picture, err := DecodeImage(dirty)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(picture.data, stored) {
		t.Errorf("the carried picture has %d bytes, want the %d of the bare one", len(picture.data), len(stored))
	}
}

func TestPicturesShow(t *testing.T) {
	t.Parallel()
	grey := image.NewGray(image.Rect(0, 0, 40, 40))
	for i := range grey.Pix {
		grey.Pix[i] = 77
	}
	palette := image.NewPaletted(image.Rect(0, 0, 40, 40), color.Palette{color.NRGBA{10, 120, 250, 255}})
	deep := image.NewNRGBA64(image.Rect(0, 0, 40, 40))
	glass := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	for y := range 40 {
		for x := range 40 {
			deep.SetNRGBA64(x, y, color.NRGBA64{0x1234, 0xABCD, 0x8000, 0xFFFF})
			glass.SetNRGBA(x, y, color.NRGBA{255, 0, 0, 128})
		}
	}
	tests := []struct {
		name string
		data []byte
		want color.NRGBA
	}{
		{"grey JPEG", jpegOf(t, grey), color.NRGBA{77, 77, 77, 255}},
		{"grey PNG", pngOf(t, grey), color.NRGBA{77, 77, 77, 255}},
		{"palette PNG", pngOf(t, palette), color.NRGBA{10, 120, 250, 255}},
		{"16-bit PNG", pngOf(t, deep), color.NRGBA{0x12, 0xAB, 0x80, 255}},
		{"half transparent PNG on white", pngOf(t, glass), color.NRGBA{255, 127, 127, 255}},
		{"RGB PNG", pngOf(t, quarters(40, 40)), quarterColours[3]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			picture, err := DecodeImage(test.data)
			if err != nil {
				t.Fatal(err)
			}
			doc := New(testInfo())
			page := doc.Page(50, 50)
			page.Image(5, 5, 40, 40, picture)
			page.Image(0, 0, 4, 4, picture) // twice on the page, once in the file
			path := write(t, doc)
			checkPDF(t, path)
			if got := render(t, path).At(100, 100); !near(got, test.want, 3) {
				t.Errorf("the page shows %v, want %v", got, test.want)
			}
			masks := strings.Count(tooltest.Run(t, "pdfimages", "-list", path), "smask")
			if wanted := strings.Contains(test.name, "transparent"); (masks > 0) != wanted {
				t.Errorf("%d soft masks", masks)
			}
		})
	}
}

func TestDecodeImageRefuses(t *testing.T) {
	t.Parallel()
	good := jpegOf(t, quarters(64, 48))
	frame := bytes.Index(good, []byte{0xFF, markerSOF0})
	if frame < 0 {
		t.Fatal("no frame header in the JPEG")
	}
	patched := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	hugePNG := pngOf(t, quarters(4, 4))
	binary.BigEndian.PutUint32(hugePNG[16:], 100_000)
	binary.BigEndian.PutUint32(hugePNG[20:], 100_000)
	binary.BigEndian.PutUint32(hugePNG[29:], crc32.ChecksumIEEE(hugePNG[12:29]))
	cmyk := []byte{0xFF, 0xD8, 0xFF, markerSOF0, 0, 20, 8, 0, 8, 0, 8, 4,
		1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0, 0xFF, markerSOS, 0, 2, 0xFF, markerEOI}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "neither JPEG nor PNG"},
		{"a GIF", []byte("GIF89a"), "neither JPEG nor PNG"},
		{"too many bytes", append(bytes.Clone(good), make([]byte, MaxImageBytes)...), "more than"},
		{"JPEG bomb", patched(frame+5, 0xFF, 0xFF, 0xFF, 0xFF), "65535 × 65535 pixels"},
		{"PNG bomb", hugePNG, "100000 × 100000 pixels"},
		{"no pixels", patched(frame+5, 0, 0, 0, 0), "pixels"},
		{"CMYK", cmyk, "CMYK"},
		{"JPEG header only", good[:frame], "EOF"},
		{"JPEG without its end", good[:len(good)-2], "breaks off"},
		{"JPEG cut in a scan", good[:len(good)-40], "breaks off"},
		{"lossless JPEG", patched(frame+1, 0xC3), "unsupported"},
		{"arithmetic JPEG", patched(frame+1, 0xC9), "unsupported"},
		{"PNG cut", pngOf(t, quarters(4, 4))[:60], "not enough pixel data"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeImage(test.data)
			if !errors.Is(err, ErrImage) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("DecodeImage = %v, want ErrImage with %q", err, test.want)
			}
		})
	}
}

func FuzzDecodeImage(f *testing.F) {
	f.Add(jpegOf(f, quarters(16, 8)))
	f.Add(withExif(jpegOf(f, quarters(8, 8)), 6, binary.LittleEndian))
	f.Add(jpegOf(f, image.NewGray(image.Rect(0, 0, 8, 8))))
	f.Add(pngOf(f, quarters(8, 8)))
	f.Add(jpegOf(f, quarters(16, 8))[:100])
	f.Add([]byte("\xFF\xD8\xFF\xD9"))
	f.Fuzz(func(t *testing.T, data []byte) {
		picture, err := DecodeImage(data)
		if err != nil {
			if !errors.Is(err, ErrImage) {
				t.Fatalf("DecodeImage: %v is not an ErrImage", err)
			}
			return
		}
		if width, height := picture.Size(); width <= 0 || height <= 0 || width*height > MaxImagePixels {
			t.Fatalf("a picture of %d × %d pixels passed", width, height)
		}
		if bytes.Contains(picture.data, []byte("Exif\x00\x00MM")) {
			t.Fatal("the Exif segment is still there")
		}
	})
}
