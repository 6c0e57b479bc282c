package impression

import "math"

// A rim is the ellipse on which the feet of the letters stand, measured by the
// way along it, clockwise from its top. A circle is the plain case.
type rim struct {
	cx, cy, rx, ry float64
	way            []float64 // way[i] is the length from the top to angle i·2π/rimSteps
}

const rimSteps = 1440

func newRim(cx, cy, rx, ry float64) *rim {
	r := &rim{cx: cx, cy: cy, rx: rx, ry: ry, way: make([]float64, rimSteps+1)}
	px, py := r.at(0)
	for i := 1; i <= rimSteps; i++ {
		x, y := r.at(float64(i) * 2 * math.Pi / rimSteps)
		r.way[i] = r.way[i-1] + math.Hypot(x-px, y-py)
		px, py = x, y
	}
	return r
}

// at is the point at an angle of the ellipse's parameter, clockwise from the top.
func (r *rim) at(angle float64) (float64, float64) {
	return r.cx + r.rx*math.Sin(angle), r.cy - r.ry*math.Cos(angle)
}

// length is the whole way around.
func (r *rim) length() float64 { return r.way[rimSteps] }

// angle is the parameter after a way from the top; backwards where it is negative.
func (r *rim) angle(way float64) float64 {
	if way < 0 {
		return -r.angle(-way)
	}
	i := 1
	for i < rimSteps && r.way[i] < way {
		i++
	}
	part := (way - r.way[i-1]) / (r.way[i] - r.way[i-1])
	return (float64(i-1) + part) * 2 * math.Pi / rimSteps
}

// outward is the unit normal at an angle.
func (r *rim) outward(angle float64) (float64, float64) {
	nx, ny := math.Sin(angle)/r.rx, -math.Cos(angle)/r.ry
	length := math.Hypot(nx, ny)
	return nx / length, ny / length
}

// write places letters around the top of the rim, heads outwards: em is the way
// one ideograph takes, width and height its size.
func (p *plan) write(r *rim, list []letter, em, width, height float64) {
	at := centres(list)
	half := at[len(at)-1] / 2
	for i, l := range list {
		angle := r.angle((at[i] - half) * em)
		x, y := r.at(angle)
		ux, uy := r.outward(angle)
		p.place(l, x, y, width, height, ux, uy)
	}
}

// writeBelow places letters around the bottom of the rim, heads inwards, read
// from left to right.
func (p *plan) writeBelow(r *rim, list []letter, em, width, height float64) {
	at := centres(list)
	half := at[len(at)-1] / 2
	for i, l := range list {
		angle := r.angle(r.length()/2 - (at[i]-half)*em)
		x, y := r.at(angle)
		ux, uy := r.outward(angle)
		p.place(l, x, y, width, height, -ux, -uy)
	}
}
