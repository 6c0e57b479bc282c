package sample

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
)

// Pictures stand for the photographs and drawings that applicants send in:
// an outline of a person, and a plan. They are drawn here, so that they are
// nobody's.
type Pictures struct {
	portrait []byte
	drawing  []byte
}

// Draw draws the pictures.
func Draw() (Pictures, error) {
	portrait, err := encodeJPEG(358, 441, portraitPixel)
	if err != nil {
		return Pictures{}, err
	}
	drawing, err := encodeJPEG(480, 360, planPixel)
	return Pictures{portrait, drawing}, err
}

func encodeJPEG(width, height int, pixel func(x, y, width, height float64) color.NRGBA) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, pixel(float64(x), float64(y), float64(width), float64(height)))
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 82}); err != nil {
		return nil, fmt.Errorf("drawing a sample picture: %w", err)
	}
	return out.Bytes(), nil
}

// portraitPixel draws head and shoulders before a light blue ground.
func portraitPixel(x, y, width, height float64) color.NRGBA {
	within := func(cx, cy, rx, ry float64) bool {
		dx, dy := (x-cx*width)/(rx*width), (y-cy*height)/(ry*height)
		return dx*dx+dy*dy <= 1
	}
	switch {
	case within(0.5, 0.36, 0.2, 0.2) && y > 0.3*height:
		return color.NRGBA{236, 206, 180, 255}
	case within(0.5, 0.33, 0.22, 0.19):
		return color.NRGBA{52, 46, 44, 255}
	case within(0.5, 0.6, 0.085, 0.12):
		return color.NRGBA{226, 192, 164, 255}
	case within(0.5, 1.02, 0.42, 0.38):
		return color.NRGBA{60, 78, 112, 255}
	default:
		shade := uint8(20 * y / height)
		return color.NRGBA{214 - shade, 228 - shade, 242 - shade, 255}
	}
}

// planPixel draws a plot of land with a house on it.
func planPixel(x, y, width, height float64) color.NRGBA {
	u, v := x/width, y/height
	edge := func(left, top, right, bottom float64) bool {
		inside := u >= left && u <= right && v >= top && v <= bottom
		deep := u >= left+0.008 && u <= right-0.008 && v >= top+0.011 && v <= bottom-0.011
		return inside && !deep
	}
	switch {
	case edge(0.08, 0.1, 0.92, 0.9), edge(0.3, 0.35, 0.7, 0.7), edge(0.3, 0.35, 0.5, 0.7):
		return color.NRGBA{40, 60, 90, 255}
	case u > 0.3 && u < 0.7 && v > 0.35 && v < 0.7:
		return color.NRGBA{226, 232, 240, 255}
	case v > 0.93:
		return color.NRGBA{196, 196, 196, 255}
	default:
		return color.NRGBA{250, 250, 246, 255}
	}
}

// Portrait returns the bytes of a JPEG that passes for a photograph.
func (p Pictures) Portrait() []byte { return p.portrait }
