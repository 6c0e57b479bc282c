// Package picture draws the QR symbol of a code and reads one from a picture.
//
// A symbol is drawn as plain black squares with the four-module quiet zone that
// ISO/IEC 18004 asks for: as a PNG of one bit per pixel, as SVG, and, through
// [Symbol.Modules], as vectors in a PDF. On paper the symbol has error correction
// level Q and should be printed at least 35 mm wide; on screens level M.
//
// [Read] takes PNG or JPEG of bounded size and has package scan find one symbol. It does
// not judge what the symbol says.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/skip2/go-qrcode"
)

// Level is the error correction of a symbol.
type Level int

// The levels in use: M on screens, Q on paper (recovers a quarter of the symbol).
const (
	Screen Level = iota
	Paper
)

// Symbol is a QR symbol.
type Symbol struct {
	modules [][]bool // with the quiet zone; true is dark
	version int
}

// Draw makes the symbol of a text. Runs of digits are packed in numeric mode.
func Draw(text string, level Level) (*Symbol, error) {
	recovery := qrcode.Medium
	if level == Paper {
		recovery = qrcode.High // level Q in the standard's naming
	}
	code, err := qrcode.New(text, recovery)
	if err != nil {
		return nil, fmt.Errorf("drawing a code of %d characters: %w", len(text), err)
	}
	return &Symbol{modules: code.Bitmap(), version: code.VersionNumber}, nil
}

// Modules returns the rows of the symbol with its quiet zone; true is dark. The
// caller must not change them.
func (s *Symbol) Modules() [][]bool { return s.modules }

// Version returns the symbol's version, 1 to 40.
func (s *Symbol) Version() int { return s.version }

// PNG returns a picture with the given number of pixels per module.
func (s *Symbol) PNG(scale int) ([]byte, error) {
	size := len(s.modules) * scale
	if scale < 1 || size > 8192 {
		return nil, fmt.Errorf("drawing a code: %d pixels per module are not possible", scale)
	}
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range size {
		row := img.Pix[y*img.Stride:]
		for x := range size {
			if s.modules[y/scale][x/scale] {
				row[x] = 1
			}
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("drawing a code: %w", err)
	}
	return out.Bytes(), nil
}

// SVG returns a drawing with the given width in millimetres, quiet zone
// included.
func (s *Symbol) SVG(widthMM float64) []byte {
	n := len(s.modules)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, widthMM, widthMM, n, n)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#fff"/><path d="`, n, n)
	for y, row := range s.modules {
		for x := 0; x < n; x++ {
			if !row[x] {
				continue
			}
			end := x
			for end < n && row[end] {
				end++
			}
			fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", x, y, end-x, end-x)
			x = end
		}
	}
	out.WriteString("\"/></svg>\n")
	return []byte(out.String())
}
