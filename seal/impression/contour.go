package impression

import "math"

// A mesh is the sides between pixels, each with the side on which the edge of the ink goes
// on (marching squares: between a pixel of more than half and one of less the edge is where
// half would be). The ink is on the left, so that holes wind the other way round than what
// they are in.
type mesh struct {
	ink  *coverage
	next []int32 // by index; 0: no edge crosses
}

// side is that between a pixel and the one to its right, or below it. A pixel outside the
// picture is paper.
type side struct {
	x, y int
	down bool
}

func (m *mesh) index(s side) int32 {
	i := 2 * ((s.y+1)*(m.ink.width+2) + s.x + 1)
	if s.down {
		i++
	}
	return int32(i)
}

func (m *mesh) side(index int32) side {
	i := int(index)
	return side{i/2%(m.ink.width+2) - 1, i/2/(m.ink.width+2) - 1, i%2 == 1}
}

func (c *coverage) mesh() *mesh {
	m := &mesh{ink: c, next: make([]int32, 2*(c.width+2)*(c.height+2))}
	for y := -1; y < c.height; y++ {
		for x := -1; x < c.width; x++ {
			m.cell(x, y)
		}
	}
	return m
}

// cell ties the pieces of edge among the four pixels whose first is (x, y).
func (m *mesh) cell(x, y int) {
	inside := func(dx, dy int) bool { return m.ink.at(x+dx, y+dy) >= 0.5 }
	a, b, d, e := inside(0, 0), inside(1, 0), inside(1, 1), inside(0, 1)
	if a == b && b == d && d == e {
		return
	}
	top, right := m.index(side{x, y, false}), m.index(side{x + 1, y, true})
	bottom, left := m.index(side{x, y + 1, false}), m.index(side{x, y, true})
	// Going round the cell's sides from its first corner: where the corners change from
	// ink to paper a piece ends, where they change back one begins.
	var from, to [2]int32
	ends, begins := 0, 0
	for _, s := range [4]struct {
		at            int32
		before, after bool
	}{{top, a, b}, {right, b, d}, {bottom, d, e}, {left, e, a}} {
		switch {
		case s.before && !s.after:
			from[ends] = s.at
			ends++
		case !s.before && s.after:
			to[begins] = s.at
			begins++
		}
	}
	switch {
	case ends == 1:
		m.next[from[0]] = to[0]
	case a: // a saddle: two corners across from each other are ink, and stay apart
		m.next[top], m.next[bottom] = left, right
	default:
		m.next[right], m.next[left] = top, bottom
	}
}

// crossing is where the ink ends on a side, by interpolation between the two pixels'
// middles.
func (m *mesh) crossing(s side) spot {
	part := func(a, b float32) float64 { return float64((0.5 - a) / (b - a)) }
	a := m.ink.at(s.x, s.y)
	if s.down {
		return spot{float64(s.x) + 0.5, float64(s.y) + 0.5 + part(a, m.ink.at(s.x, s.y+1))}
	}
	return spot{float64(s.x) + 0.5 + part(a, m.ink.at(s.x+1, s.y)), float64(s.y) + 0.5}
}

// contours follows the edges of the ink, each once around, in pixels. They come in order of
// their first rows, so that the same picture gives the same ones. It stops at more than
// most places.
func (c *coverage) contours(most int) ([][]spot, bool) {
	m := c.mesh()
	var list [][]spot
	places := 0
	for i := range m.next {
		var contour []spot
		for at := int32(i); m.next[at] != 0; {
			contour = append(contour, m.crossing(m.side(at)))
			m.next[at], at = 0, m.next[at]
		}
		if contour == nil {
			continue
		}
		if places += len(contour); places > most {
			return nil, false
		}
		list = append(list, contour)
	}
	return list, true
}

// area is what a contour encloses, negative around a hole.
func area(contour []spot) float64 {
	sum := 0.0
	for i, a := range contour {
		b := contour[(i+1)%len(contour)]
		sum += a.x*b.y - b.x*a.y
	}
	return sum / 2
}

// box is the least and the most of both coordinates of a contour.
func box(contour []spot) (spot, spot) {
	least, most := spot{math.Inf(1), math.Inf(1)}, spot{math.Inf(-1), math.Inf(-1)}
	for _, p := range contour {
		least = spot{min(least.x, p.x), min(least.y, p.y)}
		most = spot{max(most.x, p.x), max(most.y, p.y)}
	}
	return least, most
}

// simplified leaves out the points of a contour that are nearer than a distance to the
// line between those that stay (Ramer, Douglas and Peucker).
func simplified(contour []spot, within float64) []spot {
	if len(contour) < 4 {
		return contour
	}
	keep := make([]bool, len(contour)+1)
	closed := append(contour[:len(contour):len(contour)], contour[0])
	half := len(contour) / 2
	keep[0], keep[half], keep[len(contour)] = true, true, true
	type span struct{ from, to int }
	for work := []span{{0, half}, {half, len(contour)}}; len(work) > 0; {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		far, at := within, -1
		for i := s.from + 1; i < s.to; i++ {
			if d := distance(closed[i], closed[s.from], closed[s.to]); d > far {
				far, at = d, i
			}
		}
		if at > 0 {
			keep[at] = true
			work = append(work, span{s.from, at}, span{at, s.to})
		}
	}
	var left []spot
	for i, p := range contour {
		if keep[i] {
			left = append(left, p)
		}
	}
	return left
}

// distance of a point from a line through two others.
func distance(p, a, b spot) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	length := math.Hypot(dx, dy)
	if length == 0 {
		return math.Hypot(p.x-a.x, p.y-a.y)
	}
	return math.Abs(dx*(a.y-p.y)-dy*(a.x-p.x)) / length
}
