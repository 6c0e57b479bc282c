package scan

import "math"

// point is a place in a picture, in pixels, or in a symbol, in modules.
type point struct{ x, y float64 }

func (p point) plus(q point) point     { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point    { return point{p.x - q.x, p.y - q.y} }
func (p point) times(k float64) point  { return point{p.x * k, p.y * k} }
func (p point) cross(q point) float64  { return p.x*q.y - p.y*q.x }
func (p point) length() float64        { return math.Hypot(p.x, p.y) }
func (p point) along(a, b point) point { return point{p.x*a.x + p.y*b.x, p.x*a.y + p.y*b.y} }

// in returns p in the coordinates of two vectors: p = x·a + y·b.
func (p point) in(a, b point) point {
	area := a.cross(b)
	return point{p.cross(b) / area, a.cross(p) / area}
}

// projection maps a symbol's plane, in modules, to the picture, in pixels, as a camera
// does: x = (h0·u + h1·v + h2) / (h6·u + h7·v + 1), and y likewise.
type projection [8]float64

func (h *projection) at(u, v float64) point {
	w := h[6]*u + h[7]*v + 1
	return point{(h[0]*u + h[1]*v + h[2]) / w, (h[3]*u + h[4]*v + h[5]) / w}
}

// match says which point of the picture shows a point of the symbol.
type match struct {
	symbol, picture point
	weight          float64
}

// solve solves eight linear equations by Gaussian elimination with pivots.
func solve(a [8][9]float64) (projection, bool) {
	for c := range 8 {
		pivot := c
		for r := c + 1; r < 8; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[pivot][c]) {
				pivot = r
			}
		}
		a[c], a[pivot] = a[pivot], a[c]
		if !(math.Abs(a[c][c]) > 1e-14) {
			return projection{}, false
		}
		for r := c + 1; r < 8; r++ {
			k := a[r][c] / a[c][c]
			for i := c; i < 9; i++ {
				a[r][i] -= k * a[c][i]
			}
		}
	}
	var h projection
	for r := 7; r >= 0; r-- {
		h[r] = a[r][8]
		for i := r + 1; i < 8; i++ {
			h[r] -= a[r][i] * h[i]
		}
		h[r] /= a[r][r]
	}
	return h, true
}
