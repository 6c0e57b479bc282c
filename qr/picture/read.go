package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/image/draw"
)

// Limits of a picture that is read.
const (
	MaxFileSize = 32 << 20
	maxPixels   = 50_000_000
)

// Errors that callers decide on.
var (
	// ErrNotPicture: not a PNG or JPEG picture of acceptable size.
	ErrNotPicture = errors.New("not a PNG or JPEG picture")
	// ErrNoCode: no QR symbol was found, or it could not be read.
	ErrNoCode = errors.New("no QR code was found in the picture")
)

// Read finds a QR symbol in a PNG or JPEG file and returns its text.
func Read(file []byte) (string, error) {
	if len(file) > MaxFileSize {
		return "", fmt.Errorf("%d bytes, at most %d are read: %w", len(file), MaxFileSize, ErrNotPicture)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return "", fmt.Errorf("%d × %d pixels: %w", config.Width, config.Height, ErrNotPicture)
	}
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	return find(img)
}

// attempts are the ways of looking for a symbol, in order. A picture that is
// nothing but an upright symbol is read module by module; the detector for
// photographs would miss some of these. The hybrid way of telling dark from light
// copes with shadows, the global one with noise.
var attempts = []struct {
	hints     map[gozxing.DecodeHintType]any
	binarizer func(gozxing.LuminanceSource) gozxing.Binarizer
}{
	{map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}, gozxing.NewGlobalHistgramBinarizer},
	{nil, gozxing.NewHybridBinarizer},
	{nil, gozxing.NewGlobalHistgramBinarizer},
	{map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}, gozxing.NewHybridBinarizer},
	{map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}, gozxing.NewGlobalHistgramBinarizer},
}

// find looks at the picture as it is, and then at half and a third of its size: a
// large photograph is easier to read when it is made smaller.
func find(img image.Image) (string, error) {
	for shrink := 1; shrink <= 3; shrink++ {
		bounds := img.Bounds()
		if shrink > 1 && bounds.Dx()/shrink < smallest {
			break
		}
		source := gozxing.NewLuminanceSourceFromImage(smaller(img, shrink))
		for _, a := range attempts {
			bitmap, err := gozxing.NewBinaryBitmap(a.binarizer(source))
			if err != nil {
				return "", fmt.Errorf("%w: %w", ErrNoCode, err)
			}
			if result, err := qrcode.NewQRCodeReader().Decode(bitmap, a.hints); err == nil {
				return result.GetText(), nil
			}
		}
	}
	return "", ErrNoCode
}

// smallest is the width in pixels below which a picture is not made smaller.
const smallest = 200

// smaller returns the picture at 1/n of its size, smoothed.
func smaller(img image.Image, n int) image.Image {
	if n == 1 {
		return img
	}
	b := img.Bounds()
	small := image.NewGray(image.Rect(0, 0, b.Dx()/n, b.Dy()/n))
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, image.Rect(b.Min.X, b.Min.Y, b.Min.X+small.Bounds().Dx()*n, b.Min.Y+small.Bounds().Dy()*n), draw.Src, nil)
	return small
}
