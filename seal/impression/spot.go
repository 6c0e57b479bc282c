package impression

import "math"

// A spot is a place that need not be whole: in pixels on a trace, in units on a drawing.
type spot struct{ x, y float64 }

func (a spot) plus(b spot) spot     { return spot{a.x + b.x, a.y + b.y} }
func (a spot) minus(b spot) spot    { return spot{a.x - b.x, a.y - b.y} }
func (a spot) times(f float64) spot { return spot{a.x * f, a.y * f} }
func (a spot) squared() float64     { return a.x*a.x + a.y*a.y }
func (a spot) length() float64      { return math.Sqrt(a.squared()) }
func (a spot) rounded() point       { return point{int(math.Round(a.x)), int(math.Round(a.y))} }

// along is the part of the way from a to b at which a spot is nearest to that line.
func (p spot) along(a, b spot) float64 {
	way, here := b.minus(a), p.minus(a)
	squared := way.x*way.x + way.y*way.y
	if squared == 0 {
		return 0
	}
	return min(max((way.x*here.x+way.y*here.y)/squared, 0), 1)
}

// apart is the distance of a spot from the line between two others.
func (p spot) apart(a, b spot) float64 {
	return p.minus(a.plus(b.minus(a).times(p.along(a, b)))).length()
}
