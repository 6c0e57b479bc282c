package scan

import "math"

// surface maps a symbol, in modules, to the picture, in pixels: a plane as a camera sees
// it, and how far bent paper lies off that plane.
type surface struct {
	projection
	size   float64 // of the symbol, in modules
	curved bool
	bend   [6]point // coefficients of 1, u, v, u², uv, v² for u and v from -1 to 1
}

// at returns where the picture shows a point of the symbol.
func (s *surface) at(u, v float64) point {
	p := s.projection.at(u, v)
	if !s.curved {
		return p
	}
	for i, t := range s.terms(u, v) {
		p.x += t * s.bend[i].x
		p.y += t * s.bend[i].y
	}
	return p
}

func (s *surface) terms(u, v float64) [6]float64 {
	u, v = 2*u/s.size-1, 2*v/s.size-1
	return [6]float64{1, u, v, u * u, u * v, v * v}
}

// flat returns the plane that agrees best with matches. It reports false where they do
// not determine one.
func flat(matches []match, size int) (surface, bool) {
	h, ok := project(matches)
	return surface{projection: h, size: float64(size)}, ok
}

// stiffness keeps paper flat where matches tell nothing of it.
const stiffness = 1e-3

// bent returns the surface that agrees best with matches.
func bent(matches []match, size int) (surface, bool) {
	s, ok := flat(matches, size)
	if !ok {
		return s, false
	}
	// The normal equations of both coordinates; the last two unknowns are not used.
	var x, y [8][9]float64
	for i := range 8 {
		x[i][i], y[i][i] = stiffness, stiffness
	}
	for _, m := range matches {
		off := m.picture.minus(s.projection.at(m.symbol.x, m.symbol.y))
		terms := s.terms(m.symbol.x, m.symbol.y)
		for i, t := range terms {
			for j, o := range terms {
				x[i][j] += m.weight * t * o
				y[i][j] += m.weight * t * o
			}
			x[i][8] += m.weight * t * off.x
			y[i][8] += m.weight * t * off.y
		}
	}
	cx, okX := solve(x)
	cy, okY := solve(y)
	s.curved = true
	for i := range s.bend {
		s.bend[i] = point{cx[i], cy[i]}
	}
	return s, okX && okY
}

// project finds the projection that agrees best with matches, of which there must be
// four or more. It reports false where they do not determine one.
func project(matches []match) (projection, bool) {
	// Coordinates near 1 keep the equations well conditioned.
	su, sx := 1.0, 1.0
	for _, m := range matches {
		su = max(su, math.Abs(m.symbol.x), math.Abs(m.symbol.y))
		sx = max(sx, math.Abs(m.picture.x), math.Abs(m.picture.y))
	}
	var a [8][9]float64 // the normal equations, with their right sides
	equation := func(row [9]float64, weight float64) {
		for i := range 8 {
			for j := range 9 {
				a[i][j] += weight * row[i] * row[j]
			}
		}
	}
	for _, m := range matches {
		u, v, x, y := m.symbol.x/su, m.symbol.y/su, m.picture.x/sx, m.picture.y/sx
		equation([9]float64{u, v, 1, 0, 0, 0, -u * x, -v * x, x}, m.weight)
		equation([9]float64{0, 0, 0, u, v, 1, -u * y, -v * y, y}, m.weight)
	}
	h, ok := solve(a)
	for i := range 6 {
		h[i] *= sx
	}
	for _, i := range []int{0, 1, 3, 4, 6, 7} {
		h[i] /= su
	}
	return h, ok
}
