package impression

import (
	"math"
	"slices"

	"github.com/elicence/elicence/internal/typeface"
)

const (
	// flatness is how far a chord between two samples may leave the curve, in units. It is
	// part of the tolerance.
	flatness = 0.06
	// stride is the longest way between two samples, in units: a curve that passes for a
	// part of the outline must not find room between them.
	stride = 4.0
	// knotted is the longest way between two knots on a curve, in units.
	knotted = 12.0
	// patience is after how many ends in a row that cannot be reached a beginning is given
	// up: a longer segment seldom fits where shorter ones do not.
	patience = 2
	// mostKnots and mostSamples are what a segment passes at most, so that no outline takes
	// long; between two neighbours there may be more.
	mostKnots   = 64
	mostSamples = 2048
)

// A sample is a place on the true outline, in units.
type sample struct {
	spot
	knot bool // a segment of the drawing may begin and end here
}

// A ring is a closed contour as samples, the first of which is not repeated.
type ring []sample

// rings samples an outline after a transform to units. Each ring begins where its
// longest straight run ends, so that this run closes the contour and costs nothing.
func rings(outline typeface.Outline, t transform) []ring {
	var list []ring
	var r ring
	var at spot
	first, longest := 0, 0.0
	end := func() {
		if n := len(r); n > 1 && r[0].minus(r[n-1].spot).length() < flatness {
			r = r[:n-1] // it ends where it began
		}
		if len(r) > 2 {
			first %= len(r)
			list = append(list, append(append(ring(nil), r[first:]...), r[:first]...))
		}
		r, first, longest = nil, 0, 0
	}
	for _, segment := range outline {
		to := t.spot(segment.To)
		switch segment.Op {
		case typeface.MoveTo:
			end()
			r = append(r, sample{to, true})
		case typeface.LineTo:
			way := to.minus(at)
			r = append(r, between(way.length(), 1, func(part float64) spot { return at.plus(way.times(part)) })...)
			r = append(r, sample{to, true})
			if l := way.length(); l > longest {
				first, longest = len(r)-1, l
			}
		default:
			control := t.spot(segment.Control)
			way := control.minus(at).length() + to.minus(control).length()
			pieces := max(int(math.Ceil(max(math.Sqrt(bend(at, control, to)/flatness), way/knotted))), 1)
			r = append(r, between(way, pieces, func(part float64) spot { return quadratic(at, control, to, part) })...)
			r = append(r, sample{to, true})
		}
		at = to
	}
	end()
	return list
}

// between samples a segment of a length between its ends, and ties so many pieces of it
// together with knots.
func between(length float64, pieces int, place func(part float64) spot) []sample {
	each := max(int(math.Ceil(length/stride/float64(pieces))), 1)
	n := pieces * each
	var list []sample
	for i := 1; i < n; i++ {
		list = append(list, sample{place(float64(i) / float64(n)), i%each == 0})
	}
	return list
}

// quadratic is a place on a quadratic Bézier curve.
func quadratic(from, control, to spot, part float64) spot {
	rest := 1 - part
	return from.times(rest * rest).plus(control.times(2 * part * rest)).plus(to.times(part * part))
}

// bend is how far a quadratic Bézier curve leaves its chord.
func bend(from, control, to spot) float64 {
	return from.minus(control.times(2)).plus(to).length() / 4
}

// A reach is the cheapest way found from the beginning of a ring to a knot.
type reach struct {
	cost float64 // in the file, about, in bits
	from int     // the knot before
	last step
}

// fit draws a ring with the fewest bits that stay within the tolerance of it: the shortest
// path through its knots, along lines and curves between places in whole units, which are
// then made cheaper one by one. What is not larger than the tolerance, in units, is left out.
// corner is the lower right one of the drawing.
func (r ring) fit(tolerance float64, corner point) loop {
	// Rounding to whole units takes up to 0.71 of them.
	tolerance = max(tolerance, 0.71+2*flatness) - flatness
	closed := append(r[:len(r):len(r)], r[0])
	var knots []int
	for i, s := range closed {
		if s.knot {
			knots = append(knots, i)
		}
	}
	reached := make([]reach, len(knots))
	for i := range reached[1:] {
		reached[i+1].cost = math.Inf(1)
	}
	end := len(knots) - 1
	parts := make([]float64, len(closed))
	for i := range knots[:end] {
		from := closed[knots[i]].rounded()
		noLine, noCurve := 0, 0
		for j := i + 1; j <= min(i+mostKnots, end) && (noLine < patience || noCurve < patience); j++ {
			part := closed[knots[i] : knots[j]+1]
			if len(part) > mostSamples && j > i+1 {
				break
			}
			to := part[len(part)-1].rounded()
			try := func(s step, off, cost float64) {
				cost += reached[i].cost + 1.5*off*off // of two that cost about the same, the truer one
				if cost < reached[j].cost {
					reached[j] = reach{cost, i, s}
				}
			}
			if noLine++; noLine <= patience {
				if off, ok := part.line(from, to, tolerance); ok {
					noLine, noCurve = 0, 0
					cost := bits(from, to)
					if j == end || from == to {
						cost = 0
					}
					try(step{op: line, to: to}, off, cost)
					continue // a curve costs more
				}
			}
			if noCurve++; noCurve <= patience && len(part) > 2 {
				if control, off, ok := part.curve(from, to, tolerance, parts[:len(part)]); ok {
					noCurve = 0
					try(step{quad, control, to}, off, bits(from, control)+bits(from, to)+another)
				}
			}
		}
	}
	drawn := make(loop, 0, len(knots))
	for i := end; i > 0; i = reached[i].from {
		part := closed[knots[reached[i].from] : knots[i]+1]
		if last := reached[i].last; last.op == quad || last.to != part[0].rounded() {
			drawn = append(drawn, piece{last, part})
		}
	}
	if len(drawn) < 3 && !slices.ContainsFunc(drawn, func(p piece) bool { return p.op == quad }) {
		return nil
	}
	slices.Reverse(drawn)
	drawn.tighten(tolerance, corner, parts)
	return drawn
}

// line says whether a line between two places in whole units passes for a part of a ring,
// and how far they are apart at most.
func (r ring) line(from, to point, tolerance float64) (float64, bool) {
	a, b := from.spot(), to.spot()
	worst := 0.0
	for _, s := range r {
		if worst = max(worst, s.apart(a, b)); worst > tolerance {
			return worst, false
		}
	}
	return worst, true
}

// curve finds the control point of the quadratic curve that passes for a part of a ring:
// the least squares of the samples, each at its part of the way. parts is room for those.
func (r ring) curve(from, to point, tolerance float64, parts []float64) (point, float64, bool) {
	a, b := from.spot(), to.spot()
	parts[0] = 0
	for i := range r[1:] {
		parts[i+1] = parts[i] + r[i+1].minus(r[i].spot).length()
	}
	way := parts[len(parts)-1]
	if way == 0 || way > 2*b.minus(a).length() { // it stands still, or turns back
		return point{}, 0, false
	}
	for i := range parts {
		parts[i] /= way
	}
	for try := range 2 {
		var sum spot
		squares := 0.0
		for i, s := range r[1 : len(r)-1] {
			part := parts[i+1]
			weight := 2 * part * (1 - part)
			sum = sum.plus(s.minus(quadratic(a, spot{}, b, part)).times(weight))
			squares += weight * weight
		}
		if squares == 0 {
			break
		}
		control := sum.times(1 / squares).rounded()
		off := 0.0
		for i, s := range r {
			off = max(off, s.minus(quadratic(a, control.spot(), b, parts[i])).squared())
		}
		if off = math.Sqrt(off); off <= tolerance {
			return control, off, true
		}
		if off > 4*tolerance || try == 1 {
			break
		}
		// Chords are measured here, which leave the curve as well.
		if off = r.apart(a, control.spot(), b, parts) + flatness; off <= tolerance {
			return control, off, true
		}
	}
	return point{}, 0, false
}

// apart is how far a ring's samples are from a curve at most. It looks for the nearest
// place on the curve, and leaves in parts where that is.
func (r ring) apart(from, control, to spot, parts []float64) float64 {
	var chords [33]spot
	pieces := min(max(int(math.Ceil(math.Sqrt(bend(from, control, to)/flatness))), 1), len(chords)-1)
	chord := chords[:pieces+1]
	for i := range chord {
		chord[i] = quadratic(from, control, to, float64(i)/float64(pieces))
	}
	worst, at := 0.0, 0
	for i, s := range r {
		distance := s.apart(chord[at], chord[at+1])
		for at+2 <= pieces {
			next := s.apart(chord[at+1], chord[at+2])
			if next > distance {
				break
			}
			distance = next
			at++
		}
		worst = max(worst, distance)
		parts[i] = (float64(at) + s.along(chord[at], chord[at+1])) / float64(pieces)
	}
	return worst
}
