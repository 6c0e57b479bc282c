package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder
	"math"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
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
	// ErrSeveralCodes: an answer would be about one of them, and nobody could tell which.
	ErrSeveralCodes = errors.New("more than one QR code is in the picture")
)

// Read finds the QR symbol in a PNG or JPEG file and returns its text.
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

// attempt is a way of looking for a symbol.
type attempt struct {
	hints     map[gozxing.DecodeHintType]any
	binarizer func(gozxing.LuminanceSource) gozxing.Binarizer
}

// pure reports whether the whole picture is taken for one symbol.
func (a attempt) pure() bool {
	_, pure := a.hints[gozxing.DecodeHintType_PURE_BARCODE]
	return pure
}

// attempts are the ways of looking for a symbol, in order. A picture that is
// nothing but an upright symbol is read module by module; the detector for
// photographs would miss some of these. The hybrid way of telling dark from light
// copes with shadows, the global one with noise.
var attempts = []attempt{
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
		picture := smaller(img, shrink)
		source := gozxing.NewLuminanceSourceFromImage(picture)
		for _, a := range attempts {
			bitmap, err := gozxing.NewBinaryBitmap(a.binarizer(source))
			if err != nil {
				return "", fmt.Errorf("%w: %w", ErrNoCode, err)
			}
			result, err := qrcode.NewQRCodeReader().Decode(bitmap, a.hints)
			if err != nil {
				continue
			}
			if a.pure() {
				if !lone(bitmap) {
					continue
				}
			} else if another(picture, result) {
				return "", ErrSeveralCodes
			}
			return result.GetText(), nil
		}
	}
	return "", ErrNoCode
}

// lone reports whether all that is dark fills a square, as one upright symbol does.
func lone(bitmap *gozxing.BinaryBitmap) bool {
	matrix, err := bitmap.GetBlackMatrix()
	if err != nil {
		return false
	}
	dark := matrix.GetEnclosingRectangle() // left, top, width, height
	return dark != nil && dark[2] == dark[3]
}

// another reports whether a picture holds a symbol with another text beside the one
// that was found. It paints that one over and looks again.
func another(img image.Image, found *gozxing.Result) bool {
	points := found.GetResultPoints() // centres of the finder patterns: bottom left, top left, top right
	if len(points) < 3 {
		return false
	}
	finder, ok := points[1].(*detector.FinderPattern)
	if !ok {
		return false
	}
	at := func(p gozxing.ResultPoint) [2]float64 { return [2]float64{p.GetX(), p.GetY()} }
	left, corner, right := at(points[0]), at(points[1]), at(points[2])
	b := img.Bounds()
	rest := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(rest, rest.Bounds(), img, b.Min, draw.Src)
	// In the coordinates of the two sides that meet in the corner the centres lie at 0
	// and 1, and the symbol reaches 3.5 modules farther.
	sx, sy := right[0]-corner[0], right[1]-corner[1]
	tx, ty := left[0]-corner[0], left[1]-corner[1]
	area := sx*ty - sy*tx
	if area == 0 {
		return false
	}
	more := 4 * finder.GetEstimatedModuleSize()
	moreS, moreT := more/math.Hypot(sx, sy), more/math.Hypot(tx, ty)
	for y := range b.Dy() {
		for x := range b.Dx() {
			dx, dy := float64(x)-corner[0], float64(y)-corner[1]
			if s, t := (dx*ty-dy*tx)/area, (sx*dy-sy*dx)/area; s >= -moreS && s <= 1+moreS && t >= -moreT && t <= 1+moreT {
				rest.Pix[y*rest.Stride+x] = 0xff
			}
		}
	}
	source := gozxing.NewLuminanceSourceFromImage(rest)
	for _, a := range attempts {
		bitmap, err := gozxing.NewBinaryBitmap(a.binarizer(source))
		if err != nil {
			return false
		}
		second, err := qrcode.NewQRCodeReader().Decode(bitmap, a.hints)
		if err == nil {
			return second.GetText() != found.GetText()
		}
	}
	return false
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
