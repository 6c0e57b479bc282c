package scan_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/picture/picturetest"
	"github.com/elicence/elicence/qr/picture/scan"
)

// draw draws a symbol with some pixels a module.
func draw(modules [][]bool, scale int) scan.Luminance {
	n := len(modules) * scale
	img := scan.Luminance{Pix: make([]uint8, n*n), Stride: n, Width: n, Height: n}
	for i := range img.Pix {
		if !modules[i/n/scale][i%n/scale] {
			img.Pix[i] = 255
		}
	}
	return img
}

// TestEveryVersion: symbols of all sizes that a text can have, drawn as small as can be
// and larger, and some so large that they fill a picture.
func TestEveryVersion(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for n := 1; len(seen) < 40; n += 1 + n/40 {
		level := picture.Screen
		if n%2 == 1 && n < 3900 { // digits that version 40 holds at level Q
			level = picture.Paper
		}
		text := strings.Repeat("8675309141", n/10+1)[:n]
		symbol, err := picture.Draw(text, level)
		if err != nil {
			t.Fatal(err)
		}
		if seen[symbol.Version()] {
			continue
		}
		seen[symbol.Version()] = true
		scales := []int{1, 3}
		if symbol.Version() <= 6 {
			scales = append(scales, 20)
		}
		for _, scale := range scales {
			if got, err := scan.Read(draw(symbol.Modules(), scale)); err != nil || got != text {
				t.Errorf("version %d, level %d, %d pixels a module: %.20q, %v", symbol.Version(), level, scale, got, err)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	grey := make([]uint8, 100*100)
	for _, tt := range []struct {
		name string
		img  scan.Luminance
		want error
	}{
		{"nothing in it", scan.Luminance{Pix: grey, Stride: 100, Width: 100, Height: 100}, scan.ErrNoCode},
		{"last row without padding", scan.Luminance{Pix: grey[:99*100+50], Stride: 100, Width: 50, Height: 100}, scan.ErrNoCode},
		{"one pixel", scan.Luminance{Pix: grey[:1], Stride: 1, Width: 1, Height: 1}, scan.ErrNoCode},
		{"a line", scan.Luminance{Pix: grey, Stride: len(grey), Width: len(grey), Height: 1}, scan.ErrNoCode},
		{"a column", scan.Luminance{Pix: grey, Stride: 1, Width: 1, Height: len(grey)}, scan.ErrNoCode},
		{"zero", scan.Luminance{}, scan.ErrLuminance},
		{"a byte less", scan.Luminance{Pix: grey[:len(grey)-1], Stride: 100, Width: 100, Height: 100}, scan.ErrLuminance},
		{"rows overlap", scan.Luminance{Pix: grey, Stride: 99, Width: 100, Height: 100}, scan.ErrLuminance},
		{"negative", scan.Luminance{Pix: grey, Stride: 100, Width: -100, Height: -100}, scan.ErrLuminance},
		{"product overflows", scan.Luminance{Pix: grey, Stride: 1 << 40, Width: 1 << 40, Height: 1 << 40}, scan.ErrLuminance},
		{"stride overflows", scan.Luminance{Pix: grey, Stride: 1 << 62, Width: 10, Height: 9}, scan.ErrLuminance},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := scan.Read(tt.img); !errors.Is(err, tt.want) {
				t.Errorf("Read = %q, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestOrientations: the eight ways in which a camera's file can lie, so that nobody has
// to look at what EXIF says.
func TestOrientations(t *testing.T) {
	t.Parallel()
	sheet := picturetest.NewSheet(t, rand.New(rand.NewPCG(9, 10)), 0)
	upright := draw(sheet.Modules, 3)
	n := upright.Width
	for way := range 8 {
		turned := upright
		turned.Pix = make([]uint8, n*n)
		for i, v := range upright.Pix {
			x, y := i%n, i/n
			if way&1 != 0 {
				x = n - 1 - x
			}
			if way&2 != 0 {
				y = n - 1 - y
			}
			if way&4 != 0 {
				x, y = y, x
			}
			turned.Pix[y*n+x] = v
		}
		if got, err := scan.Read(turned); err != nil || got != sheet.Text {
			t.Errorf("orientation %d: %.20q, %v", way, got, err)
		}
	}
}

// TestFilm: after a frame for each way of looking a film has read what a picture tells.
func TestFilm(t *testing.T) {
	t.Parallel()
	p := picturetest.New(t, []picturetest.Fault{picturetest.Invert, picturetest.Blur}, 0)
	var film scan.Film
	for range 5 {
		switch got, err := film.Read(luminance(p.Image)); {
		case err == nil && got == p.Text:
			return
		case !errors.Is(err, scan.ErrNoCode):
			t.Fatalf("Read = %q, %v", got, err)
		}
	}
	t.Error("five frames of a light symbol on dark ground are not read")
}

// TestRGBA: a canvas in colour is read as the same picture in grey.
func TestRGBA(t *testing.T) {
	t.Parallel()
	symbol, err := picture.Draw("elicence", picture.Screen)
	if err != nil {
		t.Fatal(err)
	}
	grey := draw(symbol.Modules(), 4)
	pix := make([]uint8, 0, 4*len(grey.Pix))
	for _, v := range grey.Pix {
		pix = append(pix, 255-v/2, v, v/3+9, 255) // dark red on yellow
	}
	if got, err := scan.Read(scan.RGBA(pix, grey.Width, grey.Height)); err != nil || got != "elicence" {
		t.Errorf("Read = %q, %v", got, err)
	}
	white := scan.RGBA([]byte{255, 255, 255, 255, 0, 0, 0, 255}, 2, 1)
	if white.Pix[0] != 255 || white.Pix[1] != 0 {
		t.Errorf("white and black become %v", white.Pix)
	}
}
