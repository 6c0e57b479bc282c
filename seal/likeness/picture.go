package likeness

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // the formats of GB/T 38540
	_ "image/jpeg"
	_ "image/png"
	"strings"

	_ "golang.org/x/image/bmp"

	"github.com/elicence/elicence/internal/raster"
	"github.com/elicence/elicence/seal/svgz"
)

// Picture lays out the picture of a seal at its size in millimetres: kind is the type
// that the seal names, in any case. Errors wrap [ErrNotDrawn].
func Picture(kind string, data []byte, widthMM, heightMM float64) (*Sheet, error) {
	s, err := NewSheet(widthMM, heightMM)
	if err != nil {
		return nil, err
	}
	switch strings.ToUpper(kind) {
	case "SVG":
		plain, err := svgz.Expand(data)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotDrawn, err)
		}
		return s, s.svg(plain)
	case "OFD":
		return s, s.ofd(data)
	case "PNG", "JPG", "JPEG", "GIF", "BMP":
		picture, err := Decode(data)
		if err != nil {
			return nil, err
		}
		return s, s.Image(picture, Matrix{widthMM, 0, 0, -heightMM, 0, heightMM}, Everywhere(), false)
	}
	return nil, fmt.Errorf("a picture of the type %q: %w", kind, ErrNotDrawn)
}

// Decode reads a PNG, JPEG, GIF or BMP picture of at most [MaxPixels].
func Decode(data []byte) (image.Image, error) { return decode(data, MaxPixels) }

func decode(data []byte, most int) (image.Image, error) {
	_, format, err := raster.Header(data, most)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	rest := bufio.NewReader(bytes.NewReader(data))
	picture, _, err := image.Decode(rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	if moves(format, data, rest) {
		return nil, fmt.Errorf("a picture that moves: %w", ErrNotDrawn)
	}
	return picture, nil
}

// moves reports that a picture shows others after the first one: a GIF that does not end
// behind that, or a PNG with the chunk that announces them (PNG, third edition, 11.3.6.1).
func moves(format string, data []byte, rest *bufio.Reader) bool {
	switch format {
	case "gif":
		const trailer = 0x3b
		next, err := rest.ReadByte()
		return err == nil && next != trailer
	case "png":
		before, _, _ := bytes.Cut(data, []byte("IDAT"))
		return bytes.Contains(before, []byte("acTL"))
	}
	return false
}
