package likeness

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/emmansun/gmsm/sm3"
)

// A point is a place, in the units of whatever it is a place on.
type point struct{ x, y float64 }

func (p point) plus(q point) point         { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point        { return point{p.x - q.x, p.y - q.y} }
func (p point) times(factor float64) point { return point{p.x * factor, p.y * factor} }
func (p point) cross(q point) float64      { return p.x*q.y - p.y*q.x }
func (p point) length() float64            { return math.Hypot(p.x, p.y) }
func (m Matrix) place(p point) point       { x, y := m.Apply(p.x, p.y); return point{x, y} }
func (m Matrix) grows() float64            { return max(math.Hypot(m[0], m[1]), math.Hypot(m[2], m[3])) }
func (m Matrix) each(line []point) []point {
	out := make([]point, len(line))
	for i, p := range line {
		out[i] = m.place(p)
	}
	return out
}

// A polyline is an outline of straight pieces. Filled it is closed in any case.
type polyline struct {
	points []point
	closed bool
}

// straight returns the path as straight pieces, which leave the curves by at most so much.
func (p *Path) straight(off float64) ([]polyline, error) {
	f := &flattener{off: off}
	for _, s := range p.steps {
		for _, v := range s.at {
			if !(math.Abs(v) <= farthest) { // NaN fails too
				return nil, fmt.Errorf("an outline that leads far away: %w", ErrNotDrawn)
			}
		}
		if f.step(s); f.total > MaxSteps {
			return nil, fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
		}
	}
	f.end()
	return f.out, nil
}

const (
	farthest  = 1e6 // of a coordinate
	maxPieces = 400 // of one curve
)

// A flattener turns a path into straight pieces.
type flattener struct {
	off   float64
	out   []polyline
	now   polyline
	total int // of points
}

// end ends an outline. One without a piece is none.
func (f *flattener) end() {
	if len(f.now.points) > 1 {
		f.out = append(f.out, f.now)
	}
	f.now = polyline{}
}

func (f *flattener) add(p point) {
	f.now.points = append(f.now.points, p)
	f.total++
}

func (f *flattener) step(s step) {
	var last point
	if n := len(f.now.points); n > 0 {
		last = f.now.points[n-1]
	}
	a, b, c := point{s.at[0], s.at[1]}, point{s.at[2], s.at[3]}, point{s.at[4], s.at[5]}
	switch s.op {
	case moveTo:
		f.end()
		f.add(a)
	case lineTo:
		f.add(a)
	case quadTo:
		// So many pieces that none leaves the curve by more: it is off by an eighth of
		// the second derivative, divided by the square of their number.
		f.curve(last.minus(a.times(2)).plus(b).length()/4, func(t, u float64) point {
			return last.times(u * u).plus(a.times(2 * t * u)).plus(b.times(t * t))
		})
	case cubeTo:
		f.curve(0.75*max(last.minus(a.times(2)).plus(b).length(), a.minus(b.times(2)).plus(c).length()), func(t, u float64) point {
			return last.times(u * u * u).plus(a.times(3 * u * u * t)).plus(b.times(3 * u * t * t)).plus(c.times(t * t * t))
		})
	case closed:
		if len(f.now.points) == 0 {
			return
		}
		first := f.now.points[0]
		f.now.closed = true
		f.end()
		f.add(first) // what follows goes on from there
	}
}

// curve adds a curve that one piece would leave by so much.
func (f *flattener) curve(leaves float64, at func(t, u float64) point) {
	n := int(min(maxPieces, 1+math.Sqrt(leaves/f.off)))
	for i := 1; i <= n; i++ {
		t := float64(i) / float64(n)
		f.add(at(t, 1-t))
	}
}

// around is the box around outlines; false where there are none.
func around(outlines [][]point) (Box, bool) {
	b := Box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, line := range outlines {
		for _, p := range line {
			b = Box{min(b.X0, p.x), min(b.Y0, p.y), max(b.X1, p.x), max(b.Y1, p.y)}
		}
	}
	return b, b.X0 <= b.X1
}

const (
	// scans is how many lines of a cell are looked at from its top to its bottom, one somewhere
	// in each eighth of it; from left to right what is covered is exact.
	scans = 8
	// maxCrossings bounds how often the outlines of one sheet cross those lines.
	maxCrossings = 20_000_000
)

// an edge is a straight piece that crosses scan lines, from its top to its bottom.
type edge struct {
	top, bottom float64 // in scan lines
	x, slope    float64 // at the top, and a scan line, in cells
	turn        int     // +1 downwards in the outline, else -1
}

// fillLines puts ink inside outlines, in millimetres of the sheet, by the non-zero winding
// rule or the even-odd rule, where clip lets it.
func (s *Sheet) fillLines(outlines [][]point, evenOdd bool, clip Box, ink float64, through bool) error {
	if s.fills++; s.fills > MaxFills {
		return fmt.Errorf("more than %d fills: %w", MaxFills, ErrNotDrawn)
	}
	area := s.within(clip)
	edges := edgesOn(outlines, area)
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.top, b.top) })
	type crossing struct {
		x    float64
		turn int
	}
	var active []edge
	var crossings []crossing
	row, where := newCover(s.width), scattered(outlines)
	left, right := float64(area.Min.X), float64(area.Max.X)
	for scan := area.Min.Y * scans; scan < area.Max.Y*scans; scan++ {
		y := float64(scan) + where.Float64()
		for len(edges) > 0 && edges[0].top <= y {
			active, edges = append(active, edges[0]), edges[1:]
		}
		active = slices.DeleteFunc(active, func(e edge) bool { return e.bottom <= y })
		if s.crossings += len(active); s.crossings > maxCrossings {
			return fmt.Errorf("outlines too crowded to be filled: %w", ErrNotDrawn)
		}
		// What is crossed on the left of the area says whether that begins inside.
		turns, crossed := 0, 0
		crossings = crossings[:0]
		for _, e := range active {
			x := e.x + (y-e.top)*e.slope
			switch {
			case x <= left:
				turns, crossed = turns+e.turn, crossed+1
			case x < right:
				crossings = append(crossings, crossing{x, e.turn})
			}
		}
		slices.SortFunc(crossings, func(a, b crossing) int { return cmp.Compare(a.x, b.x) })
		inside := func() bool { return evenOdd && crossed%2 == 1 || !evenOdd && turns != 0 }
		from := left
		for _, c := range crossings {
			if inside() {
				row.add(from, c.x)
			}
			from, turns, crossed = c.x, turns+c.turn, crossed+1
		}
		if inside() {
			row.add(from, right)
		}
		if scan%scans == scans-1 {
			row.put(s, scan/scans, area, clip, float32(ink), through)
		}
	}
	return s.hidesAll()
}

// scattered says where in its room each scan line lies. It follows from the outlines, so that the same are filled alike, and
// nobody can draw what lies between the lines: other outlines have others.
func scattered(outlines [][]point) *rand.Rand {
	h := sm3.New()
	var b []byte
	for _, line := range outlines {
		b = b[:0]
		for _, p := range line {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(p.x))
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(p.y))
		}
		h.Write(b) //nolint:errcheck // a hash takes everything
	}
	return rand.New(rand.NewChaCha8([32]byte(h.Sum(nil)))) //nolint:gosec // it is to be found again
}

// edgesOn returns the pieces that cross scan lines of an area, or of what is left of it.
func edgesOn(outlines [][]point, area image.Rectangle) []edge {
	var out []edge
	top, bottom, right := float64(area.Min.Y*scans), float64(area.Max.Y*scans), float64(area.Max.X)
	for _, line := range outlines {
		for i, b := range line {
			a := line[(i+len(line)-1)%len(line)]
			ax, ay, bx, by, turn := a.x*perMM, a.y*perMM*scans, b.x*perMM, b.y*perMM*scans, 1
			if ay > by {
				ax, ay, bx, by, turn = bx, by, ax, ay, -1
			}
			if ay == by || by <= top || ay >= bottom || min(ax, bx) >= right { // level, or not in the area
				continue
			}
			out = append(out, edge{ay, by, ax, (bx - ax) / (by - ay), turn})
		}
	}
	return out
}

// A cover is how much of each cell of a row is covered.
type cover struct {
	part []float32 // of cells at the ends of a span
	full []float32 // whole cells, as differences from one to the next
}

func newCover(width int) *cover {
	return &cover{make([]float32, width+1), make([]float32, width+2)}
}

// add covers one scan line from x0 to x1, in cells.
func (c *cover) add(x0, x1 float64) {
	width := float64(len(c.part) - 1)
	x0, x1 = min(max(x0, 0), width), min(max(x1, 0), width)
	if x1 <= x0 {
		return
	}
	i, j := int(x0), int(x1)
	if i == j {
		c.part[i] += float32(x1 - x0)
		return
	}
	c.part[i] += float32(float64(i+1) - x0)
	c.part[j] += float32(x1 - float64(j))
	c.full[i+1]++
	c.full[j]--
}

// put puts the row on the sheet, where it was added to within the area, and begins the next one.
func (c *cover) put(s *Sheet, y int, area image.Rectangle, clip Box, ink float32, through bool) {
	full := float32(0)
	for x := area.Min.X; x < area.Max.X; x++ {
		full += c.full[x]
		if covered := (full + c.part[x]) / scans; covered > 0 {
			s.put(x, y, s.covered(x, y, min(covered, 1), ink, clip), ink, through)
		}
	}
	clear(c.part)
	clear(c.full)
}
