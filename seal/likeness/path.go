package likeness

import (
	"fmt"
	"math"
)

type op uint8

const (
	moveTo op = iota
	lineTo
	cubeTo
	quadTo
	closed
)

type step struct {
	op op
	at [6]float64 // the control points and the end
}

// A Path is outlines to be filled. The zero value is an empty one.
type Path struct {
	steps      []step
	x, y       float64 // where it is
	startX     float64
	startY     float64
	rectangles int
}

func (p *Path) add(o op, at ...float64) {
	s := step{op: o}
	copy(s.at[:], at)
	p.steps = append(p.steps, s)
	if len(at) > 1 {
		p.x, p.y = at[len(at)-2], at[len(at)-1]
	}
}

// Move begins an outline.
func (p *Path) Move(x, y float64) { p.add(moveTo, x, y); p.startX, p.startY = x, y }

// Line goes straight on.
func (p *Path) Line(x, y float64) { p.add(lineTo, x, y) }

// Cubic goes on along a cubic Bézier curve.
func (p *Path) Cubic(ax, ay, bx, by, x, y float64) { p.add(cubeTo, ax, ay, bx, by, x, y) }

// Quadratic goes on along a quadratic one.
func (p *Path) Quadratic(ax, ay, x, y float64) { p.add(quadTo, ax, ay, x, y) }

// Close goes back to where the outline began.
func (p *Path) Close() { p.add(closed); p.x, p.y = p.startX, p.startY }

// Rectangle adds a whole outline.
func (p *Path) Rectangle(x, y, width, height float64) {
	p.rectangles++
	p.Move(x, y)
	p.Line(x+width, y)
	p.Line(x+width, y+height)
	p.Line(x, y+height)
	p.Close()
}

// Current returns where the path is.
func (p *Path) Current() (x, y float64) { return p.x, p.y }

// Steps is how many pieces the path has.
func (p *Path) Steps() int { return len(p.steps) }

// Upright returns the path's box after a map, if the path is a single rectangle that
// stands upright there.
func (p *Path) Upright(m Matrix) (Box, bool) {
	const tiny = 1e-9
	if p.rectangles != 1 || len(p.steps) != 5 || !(math.Abs(m[1])+math.Abs(m[2]) < tiny || math.Abs(m[0])+math.Abs(m[3]) < tiny) {
		return Box{}, false
	}
	ax, ay := m.Apply(p.steps[0].at[0], p.steps[0].at[1])
	bx, by := m.Apply(p.steps[2].at[0], p.steps[2].at[1])
	return Box{min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)}, true
}

// on returns the path as outlines on a sheet, in millimetres. What lies far outside of it is drawn at its edge.
func (p *Path) on(m Matrix) ([][]point, error) {
	const far, off = 1e4, 0.01 // millimetres
	lines, err := p.straight(off / max(m.grows(), 1e-9))
	if err != nil {
		return nil, err
	}
	out := make([][]point, 0, len(lines))
	for _, l := range lines {
		for i, at := range l.points {
			q := m.place(at)
			if math.IsNaN(q.x) || math.IsNaN(q.y) {
				return nil, fmt.Errorf("a point that is no number: %w", ErrNotDrawn)
			}
			l.points[i] = point{min(max(q.x, -far), far), min(max(q.y, -far), far)}
		}
		out = append(out, l.points)
	}
	return out, nil
}
