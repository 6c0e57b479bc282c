package impression

import (
	"math"

	"github.com/elicence/elicence/internal/typeface"
)

// A point is a place on the drawing in hundredths of a millimetre, from the top
// left, y downwards. 10 µm is a sixth of a dot at 400 dpi, and whole numbers keep
// the files small.
type point struct{ x, y int }

// A step is one segment of the shape, or the end of a contour.
type step struct {
	op      op
	control point // of a quadratic curve
	to      point
}

type op uint8

const (
	move op = iota
	line
	quad
	shut // back to the last move
)

// A transform turns font units or millimetres into millimetres on the drawing:
// (x, y) → (xx·x + yx·y + dx, xy·x + yy·y + dy).
type transform struct{ xx, xy, yx, yy, dx, dy float64 }

func (t transform) point(x, y float64) point {
	return point{
		int(math.Round(100 * (t.xx*x + t.yx*y + t.dx))),
		int(math.Round(100 * (t.xy*x + t.yy*y + t.dy))),
	}
}

// A shape is contours filled by the non-zero winding rule.
type shape []step

// glyph adds an outline. Segments that rounding has made to nothing are dropped.
func (s *shape) glyph(outline typeface.Outline, t transform) {
	var at point
	for _, segment := range outline {
		to := t.point(segment.To.X, segment.To.Y)
		switch {
		case segment.Op == typeface.MoveTo:
			if len(*s) > 0 {
				*s = append(*s, step{op: shut})
			}
			*s = append(*s, step{op: move, to: to})
		case to == at:
		case segment.Op == typeface.LineTo:
			*s = append(*s, step{op: line, to: to})
		default:
			*s = append(*s, step{quad, t.point(segment.Control.X, segment.Control.Y), to})
		}
		at = to
	}
}

// polygon adds a closed contour of straight lines, in millimetres.
func (s *shape) polygon(points ...[2]float64) {
	here := transform{xx: 1, yy: 1}
	outline := make(typeface.Outline, len(points))
	for i, p := range points {
		outline[i] = typeface.Segment{Op: typeface.LineTo, To: typeface.Point{X: p[0], Y: p[1]}}
	}
	outline[0].Op = typeface.MoveTo
	s.glyph(outline, here)
}

// ellipse adds an ellipse of sixteen quadratic arcs, which is true to 2 µm on the
// largest seal. Clockwise and anticlockwise contours inside one another make a
// ring.
func (s *shape) ellipse(cx, cy, rx, ry float64, clockwise bool) {
	const arcs = 16
	turn := 2 * math.Pi / arcs
	if !clockwise {
		turn = -turn
	}
	at := func(angle, stretch float64) typeface.Point {
		return typeface.Point{X: cx + rx*stretch*math.Cos(angle), Y: cy + ry*stretch*math.Sin(angle)}
	}
	outline := typeface.Outline{{Op: typeface.MoveTo, To: at(0, 1)}}
	for i := range arcs {
		angle := turn * float64(i)
		outline = append(outline, typeface.Segment{
			Op:      typeface.QuadTo,
			Control: at(angle+turn/2, 1/math.Cos(turn/2)),
			To:      at(angle+turn, 1),
		})
	}
	s.glyph(outline, transform{xx: 1, yy: 1})
}

// star adds a five-pointed star with one point up.
func (s *shape) star(cx, cy, radius float64) {
	// Where the sides of a pentagram cross: sin 18° / sin 54° of the radius.
	inner := radius * math.Sin(math.Pi/10) / math.Sin(3*math.Pi/10)
	points := make([][2]float64, 10)
	for i := range points {
		r := radius
		if i%2 == 1 {
			r = inner
		}
		angle := float64(i)*math.Pi/5 - math.Pi/2
		points[i] = [2]float64{cx + r*math.Cos(angle), cy + r*math.Sin(angle)}
	}
	s.polygon(points...)
}

// height is how far down the shape reaches, in millimetres.
func (s shape) height() float64 {
	lowest := 0
	for _, step := range s {
		lowest = max(lowest, step.to.y)
	}
	return float64(lowest) / 100
}

// moved is a shape of straight lines at another place, given in millimetres.
func (s shape) moved(dx, dy float64) shape {
	by := transform{dx: dx, dy: dy}.point(0, 0)
	moved := make(shape, len(s))
	for i, step := range s {
		step.to.x += by.x
		step.to.y += by.y
		moved[i] = step
	}
	return moved
}
