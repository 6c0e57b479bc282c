package impression

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // a scan may be one
	_ "image/png"
	"math"
)

// Limits of a picture of a seal, checked on its header before it is unfolded.
const (
	MaxPictureBytes  = 16 << 20
	MaxPicturePixels = 25_000_000
)

const (
	leastRed    = 0.12  // of full scale: what is less red is paper, shadow or black ink
	coarsest    = 8.0   // pixels a millimetre; below that strokes run together
	finest      = 24.0  // pixels a millimetre; more is noise
	leastArea   = 0.015 // mm²; smaller spots are dust
	smoothing   = 0.02  // mm that an outline may leave its pixels
	aspectSlack = 0.06
	traceSteps  = 100_000 // of an outline
	traceLength = 100_000 // mm of an outline, twenty times that of a crowded seal
)

// Trace makes the design of a seal from a picture of its impression, such as a scan of
// paper that was stamped: the red ink is separated from paper, shadow and black print,
// dust is removed, what is left is cut to its bounds, sized in millimetres and outlined.
// The drawing of the design is vectors in the colour of every impression.
//
// Pictures are PNG or JPEG, up to [MaxPictureBytes] and [MaxPicturePixels]; a transparent
// ground counts as white. Errors wrap [ErrSpec]: no picture, too large, too coarse, no
// red in it, proportions that are not those of the size.
func Trace(picture []byte, name string, widthMM, heightMM float64) (Spec, error) {
	spec := Spec{Kind: Traced, WidthMM: widthMM, HeightMM: heightMM, Text: name, Outline: "z"}
	if err := spec.check(); err != nil {
		return Spec{}, err
	}
	ink, bounds, err := impressionOn(picture)
	if err != nil {
		return Spec{}, err
	}
	if got, want := float64(bounds.Dx())/float64(bounds.Dy()), widthMM/heightMM; math.Abs(got/want-1) > aspectSlack {
		return Spec{}, refusePicture("the impression is %d × %d pixels, which is not the shape of %g × %g mm", bounds.Dx(), bounds.Dy(), widthMM, heightMM)
	}
	spec.Outline, err = ink.traced(bounds, widthMM, heightMM)
	if err != nil {
		return Spec{}, err
	}
	return spec, nil
}

// TraceEmblem puts the national emblem into the centre of a seal that has it. The picture
// is the official drawing, in red; this program holds none, because its use is regulated.
// Limits and errors are those of [Trace].
func TraceEmblem(spec Spec, picture []byte) (Spec, error) {
	if spec.Centre != Emblem {
		return Spec{}, fmt.Errorf("%w: centre: this seal has no emblem", ErrSpec)
	}
	ink, bounds, err := impressionOn(picture)
	if err != nil {
		return Spec{}, err
	}
	width, tallest := emblemBox(spec.WidthMM)
	height := width * float64(bounds.Dy()) / float64(bounds.Dx())
	if height > tallest || height < 0.9*width {
		return Spec{}, refusePicture("what is red on it is %d × %d pixels, which is not the shape of the emblem", bounds.Dx(), bounds.Dy())
	}
	spec.Outline, err = ink.traced(bounds, width, height)
	if err != nil {
		return Spec{}, err
	}
	return spec, nil
}

func refusePicture(format string, args ...any) error {
	return fmt.Errorf("%w: picture: %s", ErrSpec, fmt.Sprintf(format, args...))
}

// impressionOn finds the red ink on a picture, and its bounds.
func impressionOn(picture []byte) (*coverage, image.Rectangle, error) {
	var none image.Rectangle
	if len(picture) > MaxPictureBytes {
		return nil, none, refusePicture("%d bytes, possible are %d", len(picture), MaxPictureBytes)
	}
	header, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, none, refusePicture("neither PNG nor JPEG: %v", err)
	}
	if header.Width <= 0 || header.Height <= 0 || int64(header.Width)*int64(header.Height) > MaxPicturePixels {
		return nil, none, refusePicture("%d × %d pixels, possible are %d", header.Width, header.Height, MaxPicturePixels)
	}
	decoded, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, none, refusePicture("%v", err)
	}
	ink := redness(decoded)
	ink.threshold()
	ink.sweep(int(float64(ink.width*ink.height) * 2e-6))
	bounds := ink.bounds()
	if bounds.Dx() < 2 || bounds.Dy() < 2 {
		return nil, none, refusePicture("no red impression in it")
	}
	return ink, bounds, nil
}

// traced outlines the ink within bounds as a path of the size in millimetres.
func (c *coverage) traced(bounds image.Rectangle, widthMM, heightMM float64) (string, error) {
	resolution := float64(bounds.Dx()) / widthMM
	if resolution < coarsest {
		return "", refusePicture("%.1f pixels a millimetre, at least %.0f are needed: scan it with 300 dpi or more", resolution, coarsest)
	}
	outline := c.scaled(bounds, min(resolution, finest)/resolution).outline(widthMM, heightMM)
	if len(outline) == 0 || len(outline) > traceSteps {
		return "", refusePicture("its outline has %d pieces, possible are 1 to %d", len(outline), traceSteps)
	}
	return string(outline.path(nil, true)), nil
}

// coverage is how much of each pixel is ink, 0 to 1, row by row.
type coverage struct {
	width, height int
	ink           []float32
}

func (c *coverage) at(x, y int) float32 {
	if x < 0 || y < 0 || x >= c.width || y >= c.height {
		return 0
	}
	return c.ink[y*c.width+x]
}

// redness is how much redder each pixel is than grey, on white paper.
func redness(m image.Image) *coverage {
	b := m.Bounds()
	c := &coverage{b.Dx(), b.Dy(), make([]float32, b.Dx()*b.Dy())}
	for y := range c.height {
		for x := range c.width {
			p := color.NRGBA64Model.Convert(m.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA64)
			alpha := float32(p.A) / 0xffff
			red := (float32(p.R) - max(float32(p.G), float32(p.B))) / 0xffff
			c.ink[y*c.width+x] = max(red, 0) * alpha
		}
	}
	return c
}

// threshold finds the redness that parts ink from paper best (Otsu's method), and makes
// of it coverage with soft edges.
func (c *coverage) threshold() {
	const bins = 256
	var histogram [bins]float64
	for _, v := range c.ink {
		histogram[int(v*(bins-1))]++
	}
	var all, sum float64
	for i, n := range histogram {
		all += n
		sum += float64(i) * n
	}
	best, at := -1.0, 0
	below, belowSum := 0.0, 0.0
	for i, n := range histogram {
		below += n
		belowSum += float64(i) * n
		if below == 0 || below == all {
			continue
		}
		difference := belowSum/below - (sum-belowSum)/(all-below)
		if between := below * (all - below) * difference * difference; between > best {
			best, at = between, i
		}
	}
	middle := max(float32(at)/(bins-1), leastRed)
	for i, v := range c.ink {
		c.ink[i] = min(max((v-middle/2)/middle, 0), 1)
	}
}

// sweep removes connected spots of ink of fewer pixels than least.
func (c *coverage) sweep(least int) {
	seen := make([]bool, len(c.ink))
	var spot []int
	for start, v := range c.ink {
		if v < 0.5 || seen[start] {
			continue
		}
		spot = append(spot[:0], start)
		seen[start] = true
		for i := 0; i < len(spot); i++ {
			x, y := spot[i]%c.width, spot[i]/c.width
			for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				nx, ny := x+d[0], y+d[1]
				if c.at(nx, ny) >= 0.5 && !seen[ny*c.width+nx] {
					seen[ny*c.width+nx] = true
					spot = append(spot, ny*c.width+nx)
				}
			}
		}
		if len(spot) < max(least, 4) {
			for _, i := range spot {
				c.ink[i] = 0
			}
		}
	}
}

// bounds is the box of the ink; where there is none its sides are negative.
func (c *coverage) bounds() image.Rectangle {
	r := image.Rectangle{Min: image.Pt(c.width, c.height)} // image.Rect would put it right
	for y := range c.height {
		for x := range c.width {
			if c.at(x, y) >= 0.5 {
				r.Min.X, r.Min.Y = min(r.Min.X, x), min(r.Min.Y, y)
				r.Max.X, r.Max.Y = max(r.Max.X, x+1), max(r.Max.Y, y+1)
			}
		}
	}
	return r
}

// scaled cuts out a box and reduces it by a factor of at most 1, each new pixel the mean
// of what it covers.
func (c *coverage) scaled(box image.Rectangle, by float64) *coverage {
	s := &coverage{width: int(math.Round(float64(box.Dx()) * by)), height: int(math.Round(float64(box.Dy()) * by))}
	s.ink = make([]float32, s.width*s.height)
	edge := func(i, n, from, length int) int { return from + i*length/n }
	for y := range s.height {
		top, bottom := edge(y, s.height, box.Min.Y, box.Dy()), edge(y+1, s.height, box.Min.Y, box.Dy())
		for x := range s.width {
			left, right := edge(x, s.width, box.Min.X, box.Dx()), edge(x+1, s.width, box.Min.X, box.Dx())
			var sum float32
			for v := top; v < bottom; v++ {
				for u := left; u < right; u++ {
					sum += c.at(u, v)
				}
			}
			s.ink[y*s.width+x] = sum / float32((bottom-top)*(right-left))
		}
	}
	return s
}
