package likeness

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // the formats of GB/T 38540
	_ "image/jpeg"
	_ "image/png"
	"strings"

	_ "golang.org/x/image/bmp"

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
		return s, s.Image(picture, Matrix{widthMM, 0, 0, -heightMM, 0, heightMM}, Everywhere())
	}
	return nil, fmt.Errorf("a picture of the type %q: %w", kind, ErrNotDrawn)
}

// Decode reads a PNG, JPEG, GIF or BMP picture of at most [MaxPixels].
func Decode(data []byte) (image.Image, error) { return decode(data, MaxPixels) }

func decode(data []byte, most int) (image.Image, error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	if config.Width < 1 || config.Height < 1 || config.Width > most/config.Height {
		return nil, fmt.Errorf("%d × %d pixels, at most %d in all: %w", config.Width, config.Height, most, ErrNotDrawn)
	}
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	return picture, nil
}
