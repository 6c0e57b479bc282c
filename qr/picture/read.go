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

// find tries two ways of telling dark from light, first as the picture is and
// then harder: the hybrid one copes with shadows, the global one with noise.
func find(img image.Image) (string, error) {
	source := gozxing.NewLuminanceSourceFromImage(img)
	for _, harder := range []bool{false, true} {
		hints := make(map[gozxing.DecodeHintType]any)
		if harder {
			hints[gozxing.DecodeHintType_TRY_HARDER] = true
		}
		for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
			bitmap, err := gozxing.NewBinaryBitmap(binarizer)
			if err != nil {
				return "", fmt.Errorf("%w: %w", ErrNoCode, err)
			}
			if result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
				return result.GetText(), nil
			}
		}
	}
	return "", ErrNoCode
}
