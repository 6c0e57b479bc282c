package typeset

import "github.com/elicence/elicence/internal/typeface"

// A Path is a shape in millimetres from the top left of the page or form it is
// drawn on. The zero value is an empty path.
type Path struct {
	steps  []pathStep
	points []float64 // x, y, x, y, …
}

// A pathStep is a PDF path operator; it takes the next points of the path.
type pathStep byte

const (
	stepMove  pathStep = 'm'
	stepLine  pathStep = 'l'
	stepCurve pathStep = 'c'
	stepClose pathStep = 'h'
)

// operands is how many numbers each step takes.
func (s pathStep) operands() int {
	switch s {
	case stepCurve:
		return 6
	case stepClose:
		return 0
	}
	return 2
}

func (p *Path) add(step pathStep, points ...float64) {
	p.steps = append(p.steps, step)
	p.points = append(p.points, points...)
}

// Move begins a new part of the path.
func (p *Path) Move(x, y float64) { p.add(stepMove, x, y) }

// Line goes straight to a point.
func (p *Path) Line(x, y float64) { p.add(stepLine, x, y) }

// Curve goes to (x, y) on a cubic Bézier curve with two control points.
func (p *Path) Curve(x1, y1, x2, y2, x, y float64) { p.add(stepCurve, x1, y1, x2, y2, x, y) }

// Close goes straight back to where the part began.
func (p *Path) Close() { p.add(stepClose) }

// Rect adds a rectangle with its top left corner at (x, y).
func (p *Path) Rect(x, y, width, height float64) {
	p.Move(x, y)
	p.Line(x+width, y)
	p.Line(x+width, y+height)
	p.Line(x, y+height)
	p.Close()
}

// quarter is how far, in radii, the control points of a quarter circle lie from
// its ends.
const quarter = 0.5522847498

// RoundRect adds a rectangle with corners rounded by the given radius.
func (p *Path) RoundRect(x, y, width, height, radius float64) {
	r := min(radius, width/2, height/2)
	k := r * (1 - quarter)
	right, bottom := x+width, y+height
	p.Move(x+r, y)
	p.Line(right-r, y)
	p.Curve(right-k, y, right, y+k, right, y+r)
	p.Line(right, bottom-r)
	p.Curve(right, bottom-k, right-k, bottom, right-r, bottom)
	p.Line(x+r, bottom)
	p.Curve(x+k, bottom, x, bottom-k, x, bottom-r)
	p.Line(x, y+r)
	p.Curve(x, y+k, x+k, y, x+r, y)
	p.Close()
}

// Circle adds a circle around (x, y).
func (p *Path) Circle(x, y, radius float64) {
	p.RoundRect(x-radius, y-radius, 2*radius, 2*radius, radius)
}

// outline adds a glyph whose points a function brings to the page.
func (p *Path) outline(o typeface.Outline, at func(typeface.Point) (x, y float64)) {
	var from typeface.Point
	for i, s := range o {
		x, y := at(s.To)
		switch s.Op {
		case typeface.MoveTo:
			if i > 0 {
				p.Close()
			}
			p.Move(x, y)
		case typeface.LineTo:
			p.Line(x, y)
		case typeface.QuadTo:
			a, b := s.Cubic(from)
			x1, y1 := at(a)
			x2, y2 := at(b)
			p.Curve(x1, y1, x2, y2, x, y)
		}
		from = s.To
	}
	if len(o) > 0 {
		p.Close()
	}
}
