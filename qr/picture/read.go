package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder

	"github.com/elicence/elicence/internal/raster"
	"github.com/elicence/elicence/qr/picture/scan"
)

// Limits of a picture that is read.
const (
	MaxFileSize = 32 << 20
	maxPixels   = scan.MaxPixels
)

// Errors that callers decide on.
var (
	// ErrNotPicture: not a PNG or JPEG picture of acceptable size.
	ErrNotPicture = errors.New("not a PNG or JPEG picture")
	// ErrNoCode: no QR symbol was found, or it could not be read.
	ErrNoCode = scan.ErrNoCode
	// ErrSeveralCodes: an answer would be about one of them, and nobody could tell which.
	ErrSeveralCodes = scan.ErrSeveralCodes
)

// Read finds the QR symbol in a PNG or JPEG file and returns its text. Whichever way a
// camera was held does not matter.
func Read(file []byte) (string, error) {
	if len(file) > MaxFileSize {
		return "", fmt.Errorf("%d bytes, at most %d are read: %w", len(file), MaxFileSize, ErrNotPicture)
	}
	if _, _, err := raster.Header(file, maxPixels); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	return scan.Read(luminance(img))
}

// luminance makes a picture grey. What is transparent lies on white, as a page shows
// it.
func luminance(img image.Image) scan.Luminance {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	switch img := img.(type) {
	case *image.YCbCr:
		return scan.Luminance{Pix: img.Y, Stride: img.YStride, Width: w, Height: h}
	case *image.Gray:
		return scan.Luminance{Pix: img.Pix, Stride: img.Stride, Width: w, Height: h}
	}
	whole := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(whole, whole.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(whole, whole.Rect, img, b.Min, draw.Over)
	return scan.RGBA(whole.Pix, w, h)
}
