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

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/qr/picture/picturetest"
	"github.com/elicence/elicence/qr/picture/scan"
)

// luminance is a picture as the scanner takes it.
func luminance(img *image.Gray) scan.Luminance {
	return scan.Luminance{Pix: img.Pix, Stride: img.Stride, Width: img.Rect.Dx(), Height: img.Rect.Dy()}
}

// picturesOfClass is how many pictures of each class are read: one of each form, or
// twenty times that if ELICENCE_LONG is set, which takes minutes.
func picturesOfClass() int {
	if os.Getenv("ELICENCE_LONG") != "" {
		return 100
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

// TestBesideZbar reads the same pictures with zbar.
func TestBesideZbar(t *testing.T) {
	if os.Getenv("ELICENCE_LONG") == "" {
		t.Skip("zbar takes minutes; set ELICENCE_LONG")
	}
	t.Parallel()
	zbar := tooltest.Need(t, "zbarimg")
	path := filepath.Join(t.TempDir(), "picture.png")
	ours, theirs, all := 0, 0, 0
	for _, class := range picturetest.Classes() {
		before := [2]int{ours, theirs}
		const n = 20
		for i := range n {
			p := picturetest.New(t, class, i)
			var file bytes.Buffer
			if err := png.Encode(&file, p.Image); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := scan.Read(luminance(p.Image)); err == nil && got == p.Text {
				ours++
			}
			// zbarimg exits with 4 where it finds nothing.
			out, err := exec.Command(zbar, "-q", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", path).Output()
			if err == nil && strings.TrimSpace(string(out)) == p.Text {
				theirs++
			}
			all++
		}
		t.Logf("%-18s ours %d, zbar %d of %d", picturetest.Name(class), ours-before[0], theirs-before[1], n)
	}
	t.Logf("ours %d, zbar %d of %d", ours, theirs, all)
	if ours < theirs {
		t.Errorf("zbar reads %d pictures and we %d", theirs, ours)
	}
}
