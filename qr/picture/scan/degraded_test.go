package scan_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/qr/picture/picturetest"
	"github.com/elicence/elicence/qr/picture/scan"
)

// luminance is a picture as the scanner takes it.
func luminance(img *image.Gray) scan.Luminance {
	return scan.Luminance{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}
}

// picturesOfClass is how many pictures of each class are read: one of each form, or
// ten times that if ELICENCE_LONG is set, which takes minutes.
func picturesOfClass() int {
	if os.Getenv("ELICENCE_LONG") != "" {
		return 50
	}
	return 5
}

// TestDegraded: of pictures with each fault alone and each two together at least 97 of
// 100 are read, and never wrongly.
func TestDegraded(t *testing.T) {
	t.Parallel()
	readClasses(t, picturetest.Classes(), 0.97)
}

// TestHarder: faults that nobody asked for, three and more together among them.
func TestHarder(t *testing.T) {
	t.Parallel()
	readClasses(t, picturetest.Harder(), 0.95)
}

func readClasses(t *testing.T, classes [][]picturetest.Fault, least float64) {
	t.Helper()
	n := picturesOfClass()
	var read, all atomic.Int64
	t.Run("classes", func(t *testing.T) {
		for _, class := range classes {
			t.Run(picturetest.Name(class), func(t *testing.T) {
				t.Parallel()
				good := 0
				for i := range n {
					p := picturetest.New(t, class, i)
					switch got, err := scan.Read(luminance(p.Image)); {
					case err != nil:
						t.Logf("picture %d: %v", i, err)
					case got != p.Text:
						t.Errorf("picture %d is read as %q, want %q", i, got, p.Text)
					default:
						good++
					}
				}
				t.Logf("%d of %d", good, n)
				read.Add(int64(good))
				all.Add(int64(n))
			})
		}
	})
	t.Logf("%d of %d", read.Load(), all.Load())
	if float64(read.Load()) < least*float64(all.Load()) {
		t.Errorf("%d of %d pictures are read, want %g %%", read.Load(), all.Load(), 100*least)
	}
}

// TestBesidePeers reads the same pictures with zbar and with gozxing's own detector.
func TestBesidePeers(t *testing.T) {
	if os.Getenv("ELICENCE_LONG") == "" {
		t.Skip("zbar takes minutes; set ELICENCE_LONG")
	}
	t.Parallel()
	zbar := tooltest.Need(t, "zbarimg")
	path := filepath.Join(t.TempDir(), "picture.png")
	readers := []struct {
		name string
		read func(*image.Gray) string
	}{
		{"ours", func(img *image.Gray) string {
			text, err := scan.Read(luminance(img))
			if err != nil {
				return ""
			}
			return text
		}},
		{"gozxing", func(img *image.Gray) string {
			source := gozxing.NewLuminanceSourceFromImage(img)
			for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
				bitmap, err := gozxing.NewBinaryBitmap(binarizer)
				if err != nil {
					t.Fatal(err)
				}
				hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
				if result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
					return result.GetText()
				}
			}
			return ""
		}},
		{"zbar", func(img *image.Gray) string {
			var file bytes.Buffer
			if err := png.Encode(&file, img); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			// It exits with 4 where it finds nothing.
			out, err := exec.Command(zbar, "-q", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", path).Output()
			if err != nil {
				return ""
			}
			return strings.TrimSpace(string(out))
		}},
	}
	const n = 20
	var sums [3]int
	for _, class := range picturetest.Classes() {
		var good [3]int
		for i := range n {
			p := picturetest.New(t, class, i)
			for j, r := range readers {
				if r.read(p.Image) == p.Text {
					good[j]++
					sums[j]++
				}
			}
		}
		t.Logf("%-18s of %d: ours %d, gozxing %d, zbar %d", picturetest.Name(class), n, good[0], good[1], good[2])
	}
	t.Logf("all: ours %d, gozxing %d, zbar %d", sums[0], sums[1], sums[2])
	for j, r := range readers {
		if sums[j] > sums[0] {
			t.Errorf("%s reads %d pictures and we %d", r.name, sums[j], sums[0])
		}
	}
}
