package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// text is of the length of a typical code on paper: an address and 420 digits.
var text = "https://localhost/v#" + strings.Repeat("31415926535897932384", 21)

func newSymbol(tb testing.TB, text string, level Level) *Symbol {
	tb.Helper()
	s, err := Draw(text, level)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		text  string
		level Level
		scale int
	}{
		{"paper", text, Paper, 4},
		{"paper, one pixel a module", text, Paper, 1},
		{"screen, bare digits", text[len("https://localhost/v#"):], Screen, 3},
		{"largest on paper", "https://localhost/v#" + strings.Repeat("7", 1693), Paper, 3},
		{"largest on a screen", strings.Repeat("8", 991), Screen, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file, err := newSymbol(t, tt.text, tt.level).PNG(tt.scale)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Read(file)
			if err != nil || got != tt.text {
				t.Errorf("Read = %q, %v, want %q", got, err, tt.text)
			}
		})
	}
}

// TestCleanPicturesAreAlwaysRead: one that is read almost always stops somebody at a
// counter every day.
func TestCleanPicturesAreAlwaysRead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 80 {
		digits := make([]byte, 300+r.IntN(400))
		for j := range digits {
			digits[j] = '0' + byte(r.IntN(10))
		}
		want := "https://localhost/v#" + string(digits)
		file, err := newSymbol(t, want, Paper).PNG(3 + 3*(i%2))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(file); err != nil || got != want {
			t.Errorf("symbol %d of %d digits: %v", i, len(digits), err)
		}
	}
}

// TestScreenVersion: the most bytes that a screen may show fit version 15.
func TestScreenVersion(t *testing.T) {
	t.Parallel()
	if v := newSymbol(t, strings.Repeat("8", 991), Screen).Version(); v != 15 {
		t.Errorf("991 digits take version %d at level M, want 15", v)
	}
}

func TestZbarReads(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "zbarimg")
	file, err := newSymbol(t, text, Paper).PNG(4)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(tooltest.Run(t, "zbarimg", "-q", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", path)); got != text {
		t.Errorf("zbarimg reads %q, want %q", got, text)
	}
}

// TestOneBit: the PNG has one bit per pixel and the quiet zone is white.
func TestOneBit(t *testing.T) {
	t.Parallel()
	file, err := newSymbol(t, text, Paper).PNG(2)
	if err != nil {
		t.Fatal(err)
	}
	// IHDR: bit depth at byte 24, colour type at byte 25.
	if depth, kind := file[24], file[25]; depth != 1 || kind != 3 {
		t.Errorf("bit depth %d, colour type %d, want 1 and 3 (palette)", depth, kind)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for i := range img.Bounds().Dx() {
		for d := range 8 {
			if r, _, _, _ := img.At(i, d).RGBA(); r != 0xffff {
				t.Fatalf("pixel %d,%d of the quiet zone is dark", i, d)
			}
		}
	}
}

func TestSVG(t *testing.T) {
	t.Parallel()
	s := newSymbol(t, "1", Screen)
	svg := string(s.SVG(35))
	if !strings.Contains(svg, `width="35mm"`) || !strings.Contains(svg, `viewBox="0 0 29 29"`) {
		t.Errorf("SVG is not 35 mm wide over 29 modules: %.200s", svg)
	}
	// The finder pattern's top row: seven dark modules after the quiet zone.
	if !strings.Contains(svg, "M4 4h7v1h-7z") {
		t.Errorf("SVG lacks the top row of the first finder pattern: %.300s", svg)
	}
}

// TestKindsOfFiles: whatever a camera, a scanner or a screen writes.
func TestKindsOfFiles(t *testing.T) {
	t.Parallel()
	file, err := newSymbol(t, text, Paper).PNG(4)
	if err != nil {
		t.Fatal(err)
	}
	symbol, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	// Dark red on light blue; half of the light modules are transparent instead.
	clear := image.NewNRGBA64(symbol.Bounds())
	solid := image.NewRGBA(symbol.Bounds())
	grey16 := image.NewGray16(symbol.Bounds())
	for y := range symbol.Bounds().Dy() {
		for x := range symbol.Bounds().Dx() {
			ink := color.NRGBA{200, 220, 255, 255}
			if r, _, _, _ := symbol.At(x, y).RGBA(); r == 0 {
				ink = color.NRGBA{120, 0, 0, 255}
			} else if x%2 == 0 {
				clear.Set(x, y, color.NRGBA{})
			}
			if x%2 == 1 || ink.R == 120 {
				clear.Set(x, y, ink)
			}
			solid.Set(x, y, ink)
			grey16.Set(x, y, ink)
		}
	}
	for _, tt := range []struct {
		name string
		img  image.Image
		jpeg bool
	}{
		{"palette", symbol, false},
		{"colour", solid, false},
		{"transparent, 16 bits", clear, false},
		{"grey, 16 bits", grey16, false},
		{"JPEG in colour", solid, true},
		{"JPEG in grey", grey16, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := png.Encode(&out, tt.img)
			if tt.jpeg {
				out.Reset()
				err = jpeg.Encode(&out, tt.img, &jpeg.Options{Quality: 40})
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Read(out.Bytes()); err != nil || got != text {
				t.Errorf("Read = %.40q, %v", got, err)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	blank := func(w, h int) []byte {
		var out bytes.Buffer
		img := image.NewGray(image.Rect(0, 0, w, h))
		for i := range img.Pix {
			img.Pix[i] = 0xff
		}
		img.Set(w/2, h/2, color.Black)
		if err := png.Encode(&out, img); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	code, err := newSymbol(t, text, Paper).PNG(2)
	if err != nil {
		t.Fatal(err)
	}
	// A bomb: the header says 60000 × 60000.
	bomb := bytes.Clone(blank(8, 8))
	copy(bomb[16:24], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	for _, tt := range []struct {
		name string
		file []byte
		want error
	}{
		{"no code", blank(200, 200), ErrNoCode},
		{"tiny", blank(1, 1), ErrNoCode},
		{"empty", nil, ErrNotPicture},
		{"text", []byte("12345"), ErrNotPicture},
		{"half a file", code[:len(code)/2], ErrNotPicture},
		{"too many pixels", bomb, ErrNotPicture},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := Read(tt.file); !errors.Is(err, tt.want) {
				t.Errorf("Read = %q, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestSeveralCodes: of two codes none is answered for the other, and the same code
// twice is one.
func TestSeveralCodes(t *testing.T) {
	t.Parallel()
	other := "https://localhost/v#" + strings.Repeat("27182818284590452353", 21)
	for _, tt := range []struct {
		name  string
		texts [2]string
		below bool // one below the other, else side by side
		small bool // the second is small and lies within the height of the first
		want  error
	}{
		{"side by side", [2]string{text, other}, false, false, ErrSeveralCodes},
		{"one below the other", [2]string{other, text}, true, false, ErrSeveralCodes},
		{"a small one beside", [2]string{text, other}, false, true, ErrSeveralCodes},
		{"the same twice", [2]string{text, text}, false, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sheet := image.NewGray(image.Rect(0, 0, 1000, 1000))
			draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
			for i, text := range tt.texts {
				scale := 5
				if tt.small && i == 1 {
					scale = 3
				}
				file, err := newSymbol(t, text, Paper).PNG(scale)
				if err != nil {
					t.Fatal(err)
				}
				symbol, err := png.Decode(bytes.NewReader(file))
				if err != nil {
					t.Fatal(err)
				}
				at := image.Pt(10+i*490, 40)
				if tt.below {
					at = image.Pt(at.Y, at.X)
				}
				draw.Draw(sheet, symbol.Bounds().Add(at), symbol, image.Point{}, draw.Src)
			}
			var out bytes.Buffer
			if err := png.Encode(&out, sheet); err != nil {
				t.Fatal(err)
			}
			got, err := Read(out.Bytes())
			if !errors.Is(err, tt.want) || (tt.want == nil) != (got == tt.texts[0]) {
				t.Errorf("Read = %q, %v, want the error %v", got, err, tt.want)
			}
		})
	}
}

// FuzzRead reads any file.
func FuzzRead(f *testing.F) {
	file, err := newSymbol(f, "elicence", Screen).PNG(2)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		// Large pictures are slow, and nothing else.
		if config, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && config.Width*config.Height > 1<<18 {
			t.Skip()
		}
		if text, err := Read(file); err != nil && text != "" {
			t.Errorf("Read = %q, %v", text, err)
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	for b.Loop() {
		s, err := Draw(text, Paper)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.PNG(4); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	file, err := newSymbol(b, text, Paper).PNG(4)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Read(file); err != nil {
			b.Fatal(err)
		}
	}
}
