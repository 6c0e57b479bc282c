package impression

import "math"

// outline follows the edges of the ink (marching squares: between a pixel of more than
// half and one of less the edge is where half would be), with the ink on the left, so
// that holes wind the other way round than what they are in.
//
// Its units are hundredths of a millimetre, as those of [Spec.Outline].
func (c *coverage) outline(widthMM, heightMM float64) shape {
	next := make(map[edge]edge) // of the sides that a cell's corners are parted on
	for y := -1; y < c.height; y++ {
		for x := -1; x < c.width; x++ {
			c.cell(x, y, next)
		}
	}
	perX, perY := widthMM/float64(c.width), heightMM/float64(c.height)
	pixel := size{perX, perY}
	var s shape
	for y := -1; y <= c.height; y++ { // in order, so that the same picture gives the same outline
		for x := -1; x <= c.width; x++ {
			for _, down := range []bool{false, true} {
				start := edge{x, y, down}
				if _, open := next[start]; !open {
					continue
				}
				var ring []spot
				for at, open := start, true; open; {
					ring = append(ring, c.crossing(at))
					following, found := next[at]
					delete(next, at)
					at = following
					_, open = next[at]
					open = open && found
				}
				s.contour(simplified(ring, smoothing/perX), pixel)
			}
		}
	}
	return s
}

// size is that of a pixel in millimetres.
type size struct{ x, y float64 }

// contour adds a ring, unless it is dust.
func (s *shape) contour(ring []spot, pixel size) {
	area := 0.0
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		area += a.x*b.y - b.x*a.y
	}
	if len(ring) < 3 || math.Abs(area)/2*pixel.x*pixel.y < leastArea {
		return
	}
	for i, p := range ring {
		to := spot{tracedPerMM * pixel.x * p.x, tracedPerMM * pixel.y * p.y}.rounded()
		kind := line
		if i == 0 {
			kind = move
		}
		*s = append(*s, step{op: kind, to: to})
	}
	*s = append(*s, step{op: shut})
}

// edge is the side between a pixel and the one to its right, or below it.
type edge struct {
	x, y int
	down bool
}

// crossing is where the ink ends on a side, by interpolation between the two pixels'
// middles.
func (c *coverage) crossing(e edge) spot {
	a := c.at(e.x, e.y)
	if e.down {
		b := c.at(e.x, e.y+1)
		return spot{float64(e.x) + 0.5, float64(e.y) + 0.5 + part(a, b)}
	}
	b := c.at(e.x+1, e.y)
	return spot{float64(e.x) + 0.5 + part(a, b), float64(e.y) + 0.5}
}

func part(a, b float32) float64 { return float64((0.5 - a) / (b - a)) }

// cell adds the pieces of outline among the four pixels whose first is (x, y).
func (c *coverage) cell(x, y int, next map[edge]edge) {
	inside := func(dx, dy int) bool { return c.at(x+dx, y+dy) >= 0.5 }
	a, b, d, e := inside(0, 0), inside(1, 0), inside(1, 1), inside(0, 1)
	top, right := edge{x, y, false}, edge{x + 1, y, true}
	bottom, left := edge{x, y + 1, false}, edge{x, y, true}
	// Going round the cell's sides from its first corner: where the corners change from
	// ink to paper a piece ends, where they change back one begins.
	var from, to []edge
	for _, side := range []struct {
		edge          edge
		before, after bool
	}{{top, a, b}, {right, b, d}, {bottom, d, e}, {left, e, a}} {
		switch {
		case side.before && !side.after:
			from = append(from, side.edge)
		case !side.before && side.after:
			to = append(to, side.edge)
		}
	}
	switch len(from) {
	case 1:
		next[from[0]] = to[0]
	case 2: // a saddle: two corners across from each other are ink, and stay apart
		if a {
			next[top], next[bottom] = left, right
		} else {
			next[right], next[left] = top, bottom
		}
	}
}

// simplified leaves out the points of a ring that are nearer than a distance to the
// line between those that stay (Ramer, Douglas and Peucker).
func simplified(ring []spot, within float64) []spot {
	if len(ring) < 4 {
		return ring
	}
	keep := make([]bool, len(ring)+1)
	closed := append(ring[:len(ring):len(ring)], ring[0])
	half := len(ring) / 2
	keep[0], keep[half], keep[len(ring)] = true, true, true
	type span struct{ from, to int }
	for work := []span{{0, half}, {half, len(ring)}}; len(work) > 0; {
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
	for i, p := range ring {
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
