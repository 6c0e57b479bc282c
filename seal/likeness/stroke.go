package likeness

import (
	"fmt"
	"math"
)

// A pen is how a line is drawn (GB/T 33190-2016, 8.2; the same as ISO 32000-1, 8.4.3).
type pen struct {
	width float64
	cap   string // Butt, Round or Square
	join  string // Miter, Round or Bevel
	miter float64
}

// strokes returns the outlines of a line, to be filled by the non-zero winding rule. All
// turn the same way, so that where they overlap there is ink. Rounds leave theirs by at
// most so much.
func (p pen) strokes(lines []polyline, off float64) ([][]point, error) {
	s := &stroker{pen: p, half: p.width / 2, off: off}
	for _, line := range lines {
		s.line(distinct(line))
		if s.total > MaxSteps {
			return nil, fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
		}
	}
	return s.out, nil
}

type stroker struct {
	pen
	half  float64
	off   float64
	out   [][]point
	total int // of points
}

// distinct leaves out places that are where the one before them is.
func distinct(line polyline) polyline {
	const tiny = 1e-9
	out := polyline{closed: line.closed}
	for _, p := range line.points {
		if n := len(out.points); n == 0 || p.minus(out.points[n-1]).length() > tiny {
			out.points = append(out.points, p)
		}
	}
	if n := len(out.points); out.closed && n > 1 && out.points[0].minus(out.points[n-1]).length() <= tiny {
		out.points = out.points[:n-1]
	}
	return out
}

func (s *stroker) add(polygon ...point) {
	area := 0.0
	for i, p := range polygon {
		area += polygon[(i+len(polygon)-1)%len(polygon)].cross(p)
	}
	if area < 0 {
		for i, j := 0, len(polygon)-1; i < j; i, j = i+1, j-1 {
			polygon[i], polygon[j] = polygon[j], polygon[i]
		}
	}
	s.out = append(s.out, polygon)
	s.total += len(polygon)
}

// line draws one line. A line without length draws nothing.
func (s *stroker) line(line polyline) {
	n := len(line.points)
	if n < 2 {
		return
	}
	ways := make([]point, 0, n) // directions of the pieces
	for i, p := range line.points {
		if i == n-1 && !line.closed {
			break
		}
		way := line.points[(i+1)%n].minus(p)
		ways = append(ways, way.times(1/way.length()))
	}
	for i, way := range ways {
		a, b := line.points[i], line.points[(i+1)%n]
		if !line.closed && s.cap == "Square" {
			if i == 0 {
				a = a.minus(way.times(s.half))
			}
			if i == len(ways)-1 {
				b = b.plus(way.times(s.half))
			}
		}
		side := across(way).times(s.half)
		s.add(a.plus(side), b.plus(side), b.minus(side), a.minus(side))
		if i > 0 || line.closed {
			s.corner(line.points[i], ways[(i+len(ways)-1)%len(ways)], way)
		}
	}
	if !line.closed && s.cap == "Round" {
		s.round(line.points[0])
		s.round(line.points[n-1])
	}
}

// across is a direction turned by a right angle.
func across(way point) point { return point{way.y, -way.x} }

// corner fills the outer side of a corner.
func (s *stroker) corner(at, before, after point) {
	turn := before.cross(after)
	cosine := before.x*after.x + before.y*after.y
	if math.Abs(turn) < 1e-6 && cosine > 0 {
		return
	}
	if s.join == "Round" {
		s.round(at)
		return
	}
	side := s.half
	if turn < 0 {
		side = -side
	}
	a, b := across(before).times(side), across(after).times(side)
	if s.join == "Miter" && math.Sqrt(2/(1+cosine)) <= s.miter {
		s.add(at, at.plus(a), at.plus(a.plus(b).times(1/(1+cosine))), at.plus(b))
		return
	}
	s.add(at, at.plus(a), at.plus(b))
}

// round puts a disc.
func (s *stroker) round(at point) {
	n := int(min(64, 8+math.Pi/math.Sqrt(2*s.off/max(s.half, s.off))))
	disc := make([]point, n)
	for i := range disc {
		sine, cosine := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		disc[i] = at.plus(point{cosine * s.half, sine * s.half})
	}
	s.add(disc...)
}
