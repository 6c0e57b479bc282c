package typeface

// A Point is a position in font units, y upwards.
type Point struct{ X, Y float64 }

func (p Point) mid(q Point) Point { return Point{(p.X + q.X) / 2, (p.Y + q.Y) / 2} }

// An Op says what a [Segment] does.
type Op uint8

// The operations of an outline. A TrueType outline has no CubeTo, and a [Face] gives none.
const (
	MoveTo Op = iota // begin a contour at To
	LineTo           // straight to To
	QuadTo           // quadratic Bézier curve to To with one control point
	CubeTo           // cubic Bézier curve to To with two control points, of a CFF outline
)

// A Segment is one step of an outline.
type Segment struct {
	Op      Op
	Control Point // of curves only
	To      Point
	Second  Point // the other control point of CubeTo
}

// Cubic gives the two control points of the cubic Bézier curve that is exactly
// the quadratic segment s drawn from the given point; PDF and SVG paths have
// cubic curves in common.
func (s Segment) Cubic(from Point) (Point, Point) {
	third := func(p Point) Point {
		return Point{p.X + (s.Control.X-p.X)*2/3, p.Y + (s.Control.Y-p.Y)*2/3}
	}
	return third(from), third(s.To)
}

// An Outline is a glyph's shape: contours that each begin with MoveTo and end at
// the point where they began. It is filled by the non-zero winding rule;
// contours may overlap.
type Outline []Segment

// Bounds returns the corners of the smallest upright box around all points of
// the outline, control points included. It is false for an empty outline.
func (o Outline) Bounds() (Point, Point, bool) {
	if len(o) == 0 {
		return Point{}, Point{}, false
	}
	low, high := o[0].To, o[0].To
	for _, s := range o {
		points := []Point{s.To, s.Control, s.Second}
		switch s.Op {
		case MoveTo, LineTo:
			points = points[:1]
		case QuadTo:
			points = points[:2]
		}
		for _, p := range points {
			low = Point{min(low.X, p.X), min(low.Y, p.Y)}
			high = Point{max(high.X, p.X), max(high.Y, p.Y)}
		}
	}
	return low, high, true
}

// A contourPoint is a point of a TrueType contour: on the curve, or a control
// point beside it.
type contourPoint struct {
	Point
	on bool
}

// appendContour turns one closed ring of points into segments. Between two
// control points in a row lies an implied point on the curve, half-way.
func (o Outline) appendContour(ring []contourPoint) Outline {
	if len(ring) == 0 {
		return o
	}
	start := ring[0].Point
	rest := ring[1:]
	if !ring[0].on {
		last := ring[len(ring)-1]
		if last.on {
			start, rest = last.Point, ring[:len(ring)-1]
		} else {
			start, rest = ring[0].mid(last.Point), ring
		}
	}
	o = append(o, Segment{Op: MoveTo, To: start})
	var control Point
	curving := false
	for _, p := range rest {
		switch {
		case p.on && curving:
			o = append(o, Segment{Op: QuadTo, Control: control, To: p.Point})
		case p.on:
			o = append(o, Segment{Op: LineTo, To: p.Point})
		case curving:
			o = append(o, Segment{Op: QuadTo, Control: control, To: control.mid(p.Point)})
		}
		control, curving = p.Point, !p.on
	}
	if curving {
		return append(o, Segment{Op: QuadTo, Control: control, To: start})
	}
	return append(o, Segment{Op: LineTo, To: start})
}
