package typeface

import "fmt"

// Limits of a single glyph. The largest glyph of the embedded faces has 872
// points and one level of composition.
const (
	maxComponentDepth = 8
	maxGlyphPoints    = 1 << 14
)

// Flags of a simple glyph's points and of a composite's components
// (OpenType, "glyf — Glyph Data").
const (
	pointOnCurve = 1 << 0
	pointShortX  = 1 << 1
	pointShortY  = 1 << 2
	pointRepeat  = 1 << 3
	pointSameX   = 1 << 4 // with pointShortX: the short value is positive
	pointSameY   = 1 << 5

	componentWords        = 1 << 0
	componentOffsets      = 1 << 1
	componentScale        = 1 << 3
	componentMore         = 1 << 5
	componentScaleXY      = 1 << 6
	componentTwoByTwo     = 1 << 7
	componentScaledOffset = 1 << 11
)

// Outline returns the shape of glyph g in font units. A glyph without ink, such
// as a space, has an empty outline. An error wraps [ErrFormat]; the embedded
// faces give none.
func (f *Face) Outline(g GlyphID) (Outline, error) {
	points := 0
	return f.appendOutline(nil, g, identity, 0, &points)
}

// An affine is the map (x, y) → (xx·x + yx·y + dx, xy·x + yy·y + dy).
type affine struct{ xx, xy, yx, yy, dx, dy float64 }

var identity = affine{xx: 1, yy: 1}

func (m affine) apply(p Point) Point {
	return Point{m.xx*p.X + m.yx*p.Y + m.dx, m.xy*p.X + m.yy*p.Y + m.dy}
}

// after is the map that applies inner first and m to the result.
func (m affine) after(inner affine) affine {
	origin := m.apply(Point{inner.dx, inner.dy})
	return affine{
		xx: m.xx*inner.xx + m.yx*inner.xy, xy: m.xy*inner.xx + m.yy*inner.xy,
		yx: m.xx*inner.yx + m.yx*inner.yy, yy: m.xy*inner.yx + m.yy*inner.yy,
		dx: origin.X, dy: origin.Y,
	}
}

// data is the glyf entry of glyph g, empty for a glyph without ink.
func (f *Face) data(g GlyphID) ([]byte, error) {
	if int(g) >= f.glyphCount {
		return nil, fmt.Errorf("%w: glyph %d of %d", ErrFormat, g, f.glyphCount)
	}
	return f.glyf.slice(int(f.offsets[g]), int(f.offsets[g+1])), nil
}

// appendOutline adds glyph g, mapped by m, to o. The depth bounds composites of
// composites, which would otherwise loop; points counts all points and parts of the
// whole glyph, because a few bytes of nested composites could ask for billions.
func (f *Face) appendOutline(o Outline, g GlyphID, m affine, depth int, points *int) (Outline, error) {
	data, err := f.data(g)
	if err != nil || len(data) == 0 {
		return o, err
	}
	c := &cursor{data: data}
	contours := int(c.i16())
	c.skip(8) // bounding box
	if contours >= 0 {
		return appendSimple(o, c, g, contours, m, points)
	}
	if depth == maxComponentDepth {
		return nil, fmt.Errorf("%w: glyph %d is composed more than %d levels deep", ErrFormat, g, maxComponentDepth)
	}
	parts, err := readComponents(c, g)
	if err != nil {
		return nil, err
	}
	if *points += len(parts); *points > maxGlyphPoints {
		return nil, tooManyPoints(g)
	}
	for _, part := range parts {
		if o, err = f.appendOutline(o, part.glyph, m.after(part.place), depth+1, points); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func tooManyPoints(g GlyphID) error {
	return fmt.Errorf("%w: glyph %d has more than %d points", ErrFormat, g, maxGlyphPoints)
}

func appendSimple(o Outline, c *cursor, g GlyphID, contours int, m affine, points *int) (Outline, error) {
	broken := fmt.Errorf("%w: glyph %d is broken", ErrFormat, g)
	ends := make([]int, 0, min(contours, len(c.data)/2))
	count := 0
	for range contours {
		end := int(c.u16()) + 1
		if c.failed || end < count {
			return nil, broken
		}
		ends = append(ends, end)
		count = end
	}
	if *points += count; *points > maxGlyphPoints {
		return nil, tooManyPoints(g)
	}
	c.skip(int(c.u16())) // instructions

	flags := make([]byte, 0, count)
	for len(flags) < count && !c.failed {
		flag := c.u8()
		repeat := 1
		if flag&pointRepeat != 0 {
			repeat += int(c.u8())
		}
		for range repeat {
			flags = append(flags, flag)
		}
	}
	if c.failed || len(flags) != count {
		return nil, broken
	}
	ring := make([]contourPoint, count)
	xs := readCoordinates(c, flags, pointShortX, pointSameX)
	ys := readCoordinates(c, flags, pointShortY, pointSameY)
	if c.failed {
		return nil, broken
	}
	for i := range ring {
		ring[i] = contourPoint{m.apply(Point{xs[i], ys[i]}), flags[i]&pointOnCurve != 0}
	}
	start := 0
	for _, end := range ends {
		o = o.appendContour(ring[start:end])
		start = end
	}
	return o, nil
}

// readCoordinates reads one coordinate of all points; each is stored as its
// difference from the one before.
func readCoordinates(c *cursor, flags []byte, short, same byte) []float64 {
	values := make([]float64, len(flags))
	at := 0
	for i, flag := range flags {
		switch {
		case flag&short != 0 && flag&same != 0:
			at += int(c.u8())
		case flag&short != 0:
			at -= int(c.u8())
		case flag&same == 0:
			at += int(c.i16())
		}
		values[i] = float64(at)
	}
	return values
}

// A component is one part of a composite glyph.
type component struct {
	glyph GlyphID
	place affine
	at    int // where in the glyph's data its glyph number stands
}

func readComponents(c *cursor, g GlyphID) ([]component, error) {
	var parts []component
	for more := true; more; {
		flags := c.u16()
		part := component{at: c.at, place: identity}
		part.glyph = GlyphID(c.u16())
		if flags&componentOffsets == 0 {
			return nil, fmt.Errorf("%w: composite glyph %d matches points", ErrFormat, g)
		}
		if flags&componentScaledOffset != 0 {
			return nil, fmt.Errorf("%w: composite glyph %d scales its offsets", ErrFormat, g)
		}
		if flags&componentWords != 0 {
			part.place.dx, part.place.dy = float64(c.i16()), float64(c.i16())
		} else {
			part.place.dx, part.place.dy = float64(int8(c.u8())), float64(int8(c.u8()))
		}
		fraction := func() float64 { return float64(c.i16()) / (1 << 14) }
		switch {
		case flags&componentScale != 0:
			part.place.xx = fraction()
			part.place.yy = part.place.xx
		case flags&componentScaleXY != 0:
			part.place.xx, part.place.yy = fraction(), fraction()
		case flags&componentTwoByTwo != 0:
			part.place.xx, part.place.xy = fraction(), fraction()
			part.place.yx, part.place.yy = fraction(), fraction()
		}
		if c.failed {
			return nil, fmt.Errorf("%w: composite glyph %d is cut short", ErrFormat, g)
		}
		parts = append(parts, part)
		more = flags&componentMore != 0
	}
	return parts, nil
}
