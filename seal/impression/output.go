package impression

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"

	"golang.org/x/image/vector"

	"github.com/elicence/elicence/seal/svgz"
)

// The colour of every impression, sRGB.
const (
	red   = 0xD7
	green = 0x00
	blue  = 0x0F
)

// SVG is the impression as a file that stands alone, with its true size.
func (d *Drawing) SVG() []byte {
	return d.file(d.head(), bare)
}

// SVGZ is [Drawing.SVG] in the compressed form that a seal carries.
func (d *Drawing) SVGZ() []byte { return svgz.Compress(d.SVG()) }

// head is what an SVG begins with, up to the path.
func (d *Drawing) head() []byte {
	units := func(mm float64) float64 { return math.Round(1000*float64(d.perMM)*mm) / 1000 }
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %g %g"><path fill="#%02X%02X%02X" d="`,
		d.width, d.height, units(d.width), units(d.height), red, green, blue)
}

func (d *Drawing) file(head []byte, n notation) []byte {
	return append(d.shape.path(head, n), tail...)
}

// tail is what an SVG ends with, after the path.
const tail = `"/></svg>` + "\n"

// A notation is how a shape is written as an SVG path. Pictures that were made stay in theirs.
type notation uint8

const (
	// bare leaves out what the one before implies: letters of commands, and the end of a
	// contour, which filling closes (SVG 1.1, 11.3). A move is from where the pen is.
	bare notation = iota
	// brief closes contours, and knows lines along an axis. Outlines of designs are written so.
	brief
	// spelled has a letter before each command.
	spelled
)

// path appends the shape as an SVG path in relative coordinates.
func (s shape) path(b []byte, n notation) []byte {
	var at, start point
	last := byte(0)
	command := func(letter byte, numbers ...int) {
		implied := n != spelled && (letter == last && letter != 'm' || letter == 'l' && last == 'm')
		last = letter
		if !implied {
			b = append(b, letter)
		}
		for i, v := range numbers {
			b = appendInt(b, v, i > 0 || implied)
		}
	}
	for _, step := range s {
		x, y := step.to.x-at.x, step.to.y-at.y
		switch {
		case step.op == shut && n == bare:
			continue
		case step.op == shut:
			command('z')
			at = start
			continue
		case step.op == move:
			command('m', x, y)
			start = step.to
		case step.op == quad:
			command('q', step.control.x-at.x, step.control.y-at.y, x, y)
		case n == brief && y == 0:
			command('h', x)
		case n == brief && x == 0:
			command('v', y)
		default:
			command('l', x, y)
		}
		at = step.to
	}
	return b
}

// appendInt writes a number; between two numbers a minus sign is space enough.
func appendInt(b []byte, v int, follows bool) []byte {
	if follows && v >= 0 {
		b = append(b, ' ')
	}
	return strconv.AppendInt(b, int64(v), 10)
}

// hundredths of a millimetre are the unit of PDF operators.
const hundredths = 100

// PDF is the impression as content operators with y upwards, and the box they
// draw in, in points: left, bottom, right, top. The operators are balanced and use
// no resources.
func (d *Drawing) PDF() ([]byte, [4]float64) {
	const points = 72 / 25.4
	box := [4]float64{2: d.width * points, 3: d.height * points}
	b := fmt.Appendf(nil, "q %.3f %.3f %.3f rg %.8f 0 0 %.8f 0 %.4f cm\n",
		red/255.0, green/255.0, blue/255.0, points/hundredths, -points/hundredths, box[3])
	each := hundredths / d.perMM
	var at point
	operator := func(name string, numbers ...int) {
		for _, v := range numbers {
			b = append(strconv.AppendInt(b, int64(v), 10), ' ')
		}
		b = append(append(b, name...), '\n')
	}
	for _, s := range d.shape {
		s.to, s.control = s.to.times(each), s.control.times(each)
		switch s.op {
		case move:
			operator("m", s.to.x, s.to.y)
		case line:
			operator("l", s.to.x, s.to.y)
		case quad: // PDF knows cubic curves only
			third := func(from, control int) int { return int(math.Round(float64(from+2*control) / 3)) }
			operator("c", third(at.x, s.control.x), third(at.y, s.control.y),
				third(s.to.x, s.control.x), third(s.to.y, s.control.y), s.to.x, s.to.y)
		case shut:
			operator("h")
		}
		if s.op != shut {
			at = s.to
		}
	}
	return append(b, "f Q"...), box
}

// MaxDPI bounds the resolution of a PNG: 60 mm at 1,200 dpi are 8 million pixels.
const MaxDPI = 1200

// PNG is the impression on a transparent ground at the given resolution, 20 to
// [MaxDPI] dots an inch. Errors wrap [ErrSpec].
func (d *Drawing) PNG(dpi float64) ([]byte, error) {
	if !(dpi >= 20 && dpi <= MaxDPI) {
		return nil, fmt.Errorf("%w: %g dpi, possible are 20 to %d", ErrSpec, dpi, MaxDPI)
	}
	perUnit := dpi / 25.4 / float64(d.perMM)
	size := func(mm float64) int { return int(math.Ceil(mm * dpi / 25.4)) }
	width, height := size(d.width), size(d.height)
	raster := vector.NewRasterizer(width, height)
	raster.DrawOp = draw.Src
	place := func(p point) (float32, float32) {
		return float32(float64(p.x) * perUnit), float32(float64(p.y) * perUnit)
	}
	for _, s := range d.shape {
		x, y := place(s.to)
		switch s.op {
		case move:
			raster.MoveTo(x, y)
		case line:
			raster.LineTo(x, y)
		case quad:
			cx, cy := place(s.control)
			raster.QuadTo(cx, cy, x, y)
		case shut:
			raster.ClosePath()
		}
	}
	cover := image.NewAlpha(image.Rect(0, 0, width, height))
	raster.Draw(cover, cover.Bounds(), image.Opaque, image.Point{})

	// The same red in 256 degrees of cover is a palette.
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.NRGBA{red, green, blue, uint8(i)}
	}
	picture := &image.Paletted{Pix: cover.Pix, Stride: cover.Stride, Rect: cover.Rect, Palette: palette}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("write the impression as PNG: %w", err)
	}
	return b.Bytes(), nil
}
