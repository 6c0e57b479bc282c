package impression

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a scan may be one
	_ "image/png"
	"math"
	"slices"

	"github.com/elicence/elicence/internal/raster"
)

// Limits of a picture of a seal, checked on its header before it is unfolded.
const (
	MaxPictureBytes  = 16 << 20
	MaxPicturePixels = 25_000_000
)

const (
	lookPixels   = 3_000_000 // are enough to find the impression among
	dustPart     = 2_000     // of the ink: smaller spots say nothing about where the impression ends
	seen         = 2.0       // mm of paper around the impression that say what paper is
	coarsest     = 8.0       // pixels a millimetre; below that strokes run together
	finest       = 24.0      // pixels a millimetre; more is noise
	softness     = 0.035     // mm, deviation of the blur that takes noise away
	leastArea    = 0.015     // mm²; smaller spots and holes are dust
	smoothing    = 0.012     // mm that an outline may leave the edge of the ink
	tracedWithin = 0.035     // mm that the drawing may leave the outline, two fifths of a dot at 300 dpi
	crowded      = 5_000     // mm of edges; a seal of 40 characters has 1,000
	widestEdge   = 0.25      // mm between ink and paper on average; where it is wider, there are shades
	crispEdge    = 0.10      // mm; where it is wider, what is finer is dots of a print, or noise
	softer       = 0.05      // mm, deviation of the blur that takes these away
	aspectSlack  = 0.06
	traceSteps   = 100_000 // of an outline
	traceLength  = 100_000 // mm of an outline
)

// Trace makes the design of a seal from a picture of its impression, such as a scan of
// paper that was stamped: the red ink is separated from paper, shadow and black print,
// noise and dust are removed, what is left is cut to its bounds, sized in millimetres and
// outlined. The drawing of the design is vectors in the colour of every impression, and as
// small as that of a seal that was never on paper.
//
// The edge is where half of the ink is, to a part of a pixel; the drawing stays within
// 55 µm of it. What black print hides is taken to be as what is beside it. The ink has one
// strength: shades are none of a seal's, and would be lost.
//
// Pictures are PNG or JPEG, up to [MaxPictureBytes] and [MaxPicturePixels]; a transparent
// ground counts as white. Errors wrap [ErrSpec]: no picture, too large, too coarse, no
// red in it, proportions that are not those of the size, shades, more edges than a seal has.
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
	spec.Outline, err = traced(ink, bounds, widthMM, heightMM)
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
	spec.Outline, err = traced(ink, bounds, width, height)
	if err != nil {
		return Spec{}, err
	}
	return spec, nil
}

func refusePicture(format string, args ...any) error {
	return fmt.Errorf("%w: picture: %s", ErrSpec, fmt.Sprintf(format, args...))
}

// impressionOn finds the red ink on a picture: the picture, and the ink's bounds.
func impressionOn(picture []byte) (image.Image, image.Rectangle, error) {
	var none image.Rectangle
	if len(picture) > MaxPictureBytes {
		return nil, none, refusePicture("%d bytes, possible are %d", len(picture), MaxPictureBytes)
	}
	switch _, _, err := raster.Header(picture, MaxPicturePixels); {
	case errors.Is(err, raster.ErrLarge):
		return nil, none, refusePicture("%v", err)
	case err != nil:
		return nil, none, refusePicture("neither PNG nor JPEG: %v", err)
	}
	decoded, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, none, refusePicture("%v", err)
	}
	whole := decoded.Bounds()
	times := int(math.Ceil(math.Sqrt(float64(whole.Dx()) * float64(whole.Dy()) / lookPixels)))
	width, height := max(whole.Dx()/times, 1), max(whole.Dy()/times, 1)
	red := reduced(decoded, whole, width, height).redness()
	ink := red.above(red.parting())
	ink.sweep(max(ink.size()/dustPart, 4))
	found := ink.bounds()
	if found.Dx() < 2 || found.Dy() < 2 {
		return nil, none, refusePicture("no red impression in it")
	}
	scaled := func(p image.Point) image.Point {
		return whole.Min.Add(image.Pt(p.X*whole.Dx()/width, p.Y*whole.Dy()/height))
	}
	return decoded, image.Rectangle{scaled(found.Min), scaled(found.Max)}, nil
}

// traced outlines the ink within bounds as a path of the size in millimetres.
func traced(picture image.Image, bounds image.Rectangle, widthMM, heightMM float64) (string, error) {
	resolution := float64(bounds.Dx()) / widthMM
	if resolution < coarsest {
		return "", refusePicture("%.1f pixels a millimetre, at least %.0f are needed: scan it with 300 dpi or more", resolution, coarsest)
	}
	perMM := min(resolution, finest)
	around := bounds.Inset(-int(math.Ceil(seen * resolution))).Intersect(picture.Bounds())
	scaled := func(pixels int) int { return max(int(float64(pixels)*perMM/resolution), 1) }
	ink := reduced(picture, around, scaled(around.Dx()), scaled(around.Dy())).inked(perMM).blurred(softness * perMM)
	contours, width, err := ink.edges(perMM)
	if err != nil {
		return "", err
	}
	if width > widestEdge {
		return "", refusePicture("it has shades, or places with little ink (%.2f mm on average between ink and paper, possible are %.2f): a seal has one colour, stamp it evenly and scan that", width, widestEdge)
	}
	if width > crispEdge {
		if contours, _, err = ink.blurred(softer * perMM).edges(perMM); err != nil {
			return "", err
		}
	}
	within := func(p image.Point) spot {
		return spot{float64(p.X - around.Min.X), float64(p.Y - around.Min.Y)}.times(perMM / resolution)
	}
	s, err := sized(cleaned(contours, within(bounds.Min), within(bounds.Max), perMM), perMM, widthMM, heightMM)
	if err != nil {
		return "", err
	}
	return string(s.path(nil, brief)), nil
}

// cleaned leaves out dust: contours that enclose little, and those outside of the bounds of
// the impression.
func cleaned(contours [][]spot, from, to spot, perMM float64) [][]spot {
	return slices.DeleteFunc(contours, func(contour []spot) bool {
		least, most := box(contour)
		return len(contour) < 3 || math.Abs(area(contour)) < leastArea*perMM*perMM ||
			most.x < from.x || most.y < from.y || least.x > to.x || least.y > to.y
	})
}

// edges follows the edges of the ink, and says how wide they are in millimetres on average:
// from a fifth of ink to four.
func (c *coverage) edges(perMM float64) ([][]spot, float64, error) {
	// A contour has four places for three pixels of its length, about.
	contours, ok := c.contours(int(crowded * perMM * 4 / 3))
	if !ok {
		return nil, 0, refusePicture("more than %d m of edges, as no seal has: is it a photograph?", crowded/1000)
	}
	length := 0.0
	for _, contour := range contours {
		for i, p := range contour {
			length += p.minus(contour[(i+1)%len(contour)]).length()
		}
	}
	if length == 0 {
		return nil, 0, refusePicture("no red impression in it")
	}
	area := 0
	for _, v := range c.ink {
		if v > 0.2 && v < 0.8 {
			area++
		}
	}
	return contours, float64(area) / (length * perMM), nil
}

// sized makes of contours an outline that fills a size, in the units of [Spec.Outline].
func sized(contours [][]spot, perMM, widthMM, heightMM float64) (shape, error) {
	if len(contours) == 0 {
		return nil, refusePicture("no red impression in it")
	}
	least, most := box(slices.Concat(contours...))
	perX, perY := tracedPerMM*widthMM/(most.x-least.x), tracedPerMM*heightMM/(most.y-least.y)
	var s shape
	for _, contour := range contours {
		op := move
		for _, p := range simplified(contour, smoothing*perMM) {
			s = append(s, step{op: op, to: spot{perX * (p.x - least.x), perY * (p.y - least.y)}.rounded()})
			op = line
		}
		s = append(s, step{op: shut})
		if len(s) > traceSteps {
			return nil, refusePicture("its outline has more than %d pieces", traceSteps)
		}
	}
	return s, nil
}
