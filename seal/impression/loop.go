package impression

import (
	"math"
	"slices"
)

// A piece is a segment of the drawing, and the part of the true outline that it passes for.
type piece struct {
	step
	part ring
}

// A loop is a contour of the drawing, whose last piece ends where the first begins.
type loop []piece

// before is the piece before another, at whose end that begins.
func (l loop) before(i int) *piece { return &l[(i+len(l)-1)%len(l)] }

// another is what a command costs that is not the one before, in bits, as far as curves and
// lines are mixed.
const another = 3

// digitBits is what digits cost in a compressed path, in bits; small numbers are the most,
// and so are small first digits.
var digitBits = [10]float64{4.8, 3.0, 3.4, 3.9, 4.0, 4.25, 4.5, 4.5, 4.5, 4.5}

// number is what a number costs in a compressed path, in bits, with the sign or the space
// before it.
func number(v int) float64 {
	const sign, space = 2.5, 2.8
	cost := space
	if v < 0 {
		v, cost = -v, sign
	}
	for cost += digitBits[v%10]; v > 9; {
		v /= 10
		cost += digitBits[v%10]
	}
	return cost
}

// bits is what a place costs in a compressed path, relative to another.
func bits(from, to point) float64 { return number(to.x-from.x) + number(to.y-from.y) }

// cost is that of a segment from a place.
func (s step) cost(from point) float64 {
	if s.op == quad {
		return bits(from, s.control) + bits(from, s.to)
	}
	return bits(from, s.to)
}

// tighten moves the ends of pieces by a unit where that is cheaper and both pieces that meet
// there stay within the tolerance, and the end within the drawing. parts is room for
// [ring.curve].
func (l loop) tighten(tolerance float64, corner point, parts []float64) {
	const passes = 2 // a third finds hardly anything
	for range passes {
		for i := range l {
			here, next := &l[i], &l[(i+1)%len(l)]
			from, to, joint := l.before(i).to, here.to, next.part[0]
			if here.part[len(here.part)-1] != joint {
				continue // what is between them is not drawn
			}
			least := here.cost(from) + next.cost(to)
			for dx := -1; dx <= 1; dx++ {
				for dy := -1; dy <= 1; dy++ {
					at := point{to.x + dx, to.y + dy}
					if at.x < 0 || at.y < 0 || at.x > corner.x || at.y > corner.y {
						continue
					}
					if at == from || at == next.to || at.spot().minus(joint.spot).length() > tolerance {
						continue
					}
					if here.op == line && next.op == line && bits(from, at)+bits(at, next.to) >= least {
						continue // as most are
					}
					a, fits := here.between(from, at, tolerance, parts)
					if !fits {
						continue
					}
					b, fits := next.between(at, next.to, tolerance, parts)
					if cost := a.cost(from) + b.cost(at); fits && cost < least {
						least, here.step, next.step = cost, a, b
					}
				}
			}
		}
	}
}

// between is the piece between two other places, and whether it passes for its part.
func (p *piece) between(from, to point, tolerance float64, parts []float64) (step, bool) {
	if p.op == line {
		_, fits := p.part.line(from, to, tolerance)
		return step{op: line, to: to}, fits
	}
	control, _, fits := p.part.curve(from, to, tolerance, parts[:len(p.part)])
	return step{quad, control, to}, fits
}

// An entry is a place at which the pen comes to a loop: that before the piece at.
type entry struct{ loop, at int }

// visit is what it costs to draw a loop from a place of it, and where the pen is then: a line
// that closes a contour is not drawn.
func (l loop) visit(pen point, at int) (float64, point) {
	last := l.before(at)
	cost := bits(pen, last.to)
	if last.op == quad {
		return cost, last.to
	}
	end := l.before(at + len(l) - 1).to
	return cost - last.cost(end), end
}

// many is how many loops are looked at for the next one.
const many = 32

// trail goes from a loop to whatever is cheapest next, until all are drawn: first the one
// with an index, or if that is negative the cheapest.
func trail(loops []loop, pen point, first int) ([]entry, float64) {
	left := make([]int, len(loops))
	for i := range left {
		left[i] = i
	}
	var entries []entry
	sum := 0.0
	for len(left) > 0 {
		least, which, best, to := math.Inf(1), 0, entry{}, point{}
		for i, n := range left[:min(len(left), many)] {
			if first >= 0 && n != first {
				continue
			}
			for at := range loops[n] {
				if cost, end := loops[n].visit(pen, at); cost < least {
					least, which, best, to = cost, i, entry{n, at}, end
				}
			}
		}
		first = -1
		entries, sum, pen = append(entries, best), sum+least, to
		left = slices.Delete(left, which, which+1)
	}
	return entries, sum
}

// draw appends loops to the shape, in the order that costs least of those that begin with
// each of them, or if they are many with the cheapest: a move is from where the pen is.
func (s shape) draw(loops []loop) shape {
	pen := point{}
	if len(s) > 1 {
		pen = s[len(s)-2].to // before the last contour was shut
	}
	best, least := trail(loops, pen, -1)
	for first := range loops {
		if len(loops) > many {
			break
		}
		if entries, cost := trail(loops, pen, first); cost < least {
			best, least = entries, cost
		}
	}
	for _, e := range best {
		l := loops[e.loop]
		s = append(s, step{op: move, to: l.before(e.at).to})
		for i := range l {
			if p := l[(e.at+i)%len(l)]; i < len(l)-1 || p.op == quad {
				s = append(s, p.step)
			}
		}
		s = append(s, step{op: shut})
	}
	return s
}
