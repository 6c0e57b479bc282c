package impression

import (
	"math"

	"github.com/elicence/elicence/internal/typeface"
)

// A plan is what a drawing shows, in true outlines and millimetres, before it is drawn in
// whole units.
type plan []figure

// A figure is an outline on a plan.
type figure struct {
	outline typeface.Outline
	on      transform
	height  float64 // of a letter in millimetres, 0: the figure is none
	round   bool    // an ellipse, whose curves are few and long as they are
	within  float64 // of the true outline in millimetres; 0: as the height says
}

// How many units a millimetre has. 20 µm are a third of a dot at 400 dpi, and small whole
// numbers keep the files small; small letters want finer ones.
const (
	coarse = 50
	fine   = 100
)

// smallLetter is the height in millimetres below which letters are drawn in fine units: the
// thin strokes of the Song face are a thirtieth of it.
const smallLetter = 3.0

// units is how many units a millimetre of the plan's drawing has.
func (p plan) units() int {
	for _, f := range p {
		if f.height > 0 && f.height < smallLetter {
			return fine
		}
	}
	return coarse
}

// shape draws the plan, up to a lower right corner.
func (p plan) shape(perMM int, corner point) shape {
	var s shape
	for _, f := range p {
		on := f.on.times(float64(perMM))
		if f.round {
			s = append(s, rounded(f.outline, on)...)
			continue
		}
		var loops []loop
		for _, r := range rings(f.outline, on) {
			if l := r.fit(f.tolerance()*float64(perMM), corner); l != nil {
				loops = append(loops, l)
			}
		}
		s = s.draw(loops)
	}
	return s
}

// tolerance is how far the drawing may leave the true outline, in millimetres: 20 µm, of
// letters below 3.6 mm less, a fifth of their thin strokes, unless the figure says it.
func (f figure) tolerance() float64 {
	const least, most = 0.009, 0.020 // what fine units allow, what nobody sees
	switch {
	case f.within > 0:
		return f.within
	case f.height == 0:
		return most
	}
	return min(max(f.height/180, least), most)
}

// rounded is an outline segment by segment.
func rounded(outline typeface.Outline, on transform) shape {
	var s shape
	for _, segment := range outline {
		to := on.spot(segment.To).rounded()
		switch segment.Op {
		case typeface.MoveTo:
			s = append(s, step{op: move, to: to})
		case typeface.LineTo:
			s = append(s, step{op: line, to: to})
		case typeface.QuadTo:
			s = append(s, step{quad, on.spot(segment.Control).rounded(), to})
		}
	}
	return append(s, step{op: shut})
}

// A transform turns font units or millimetres into millimetres or units on the drawing:
// (x, y) → (xx·x + yx·y + dx, xy·x + yy·y + dy).
type transform struct{ xx, xy, yx, yy, dx, dy float64 }

// spot is where a point lies.
func (t transform) spot(p typeface.Point) spot {
	return spot{t.xx*p.X + t.yx*p.Y + t.dx, t.xy*p.X + t.yy*p.Y + t.dy}
}

// times is the transform followed by a scale.
func (t transform) times(f float64) transform {
	return transform{f * t.xx, f * t.xy, f * t.yx, f * t.yy, f * t.dx, f * t.dy}
}

// upright adds an outline in millimetres as it is, moved.
func (p *plan) upright(outline typeface.Outline, dx, dy float64) {
	*p = append(*p, figure{outline: outline, on: transform{xx: 1, yy: 1, dx: dx, dy: dy}})
}

// polygon adds a closed contour of straight lines, in millimetres.
func (p *plan) polygon(points ...[2]float64) {
	outline := typeface.Outline{{Op: typeface.MoveTo, To: typeface.Point{X: points[0][0], Y: points[0][1]}}}
	for i := range points {
		next := points[(i+1)%len(points)]
		outline = append(outline, typeface.Segment{Op: typeface.LineTo, To: typeface.Point{X: next[0], Y: next[1]}})
	}
	p.upright(outline, 0, 0)
}

// ellipse adds an ellipse of twelve quadratic arcs, which is true to 9 µm on the largest
// seal. Clockwise and anticlockwise contours inside one another make a ring.
func (p *plan) ellipse(cx, cy, rx, ry float64, clockwise bool) {
	const arcs = 12
	turn := 2 * math.Pi / arcs
	// Between their ends arcs of tangents are outside of the ellipse: half of that is taken
	// back everywhere.
	half := math.Cos(turn / 2)
	inwards := 1 - ((half+1/half)/2-1)/2
	rx, ry = rx*inwards, ry*inwards
	if !clockwise {
		turn = -turn
	}
	at := func(angle, stretch float64) typeface.Point {
		return typeface.Point{X: cx + rx*stretch*math.Cos(angle), Y: cy + ry*stretch*math.Sin(angle)}
	}
	outline := typeface.Outline{{Op: typeface.MoveTo, To: at(0, 1)}}
	for i := range arcs {
		angle := turn * float64(i)
		outline = append(outline, typeface.Segment{
			Op:      typeface.QuadTo,
			Control: at(angle+turn/2, 1/math.Cos(turn/2)),
			To:      at(angle+turn, 1),
		})
	}
	*p = append(*p, figure{outline: outline, on: transform{xx: 1, yy: 1}, round: true})
}

// star adds a five-pointed star with one point up.
func (p *plan) star(cx, cy, radius float64) {
	// Where the sides of a pentagram cross: sin 18° / sin 54° of the radius.
	inner := radius * math.Sin(math.Pi/10) / math.Sin(3*math.Pi/10)
	points := make([][2]float64, 10)
	for i := range points {
		r := radius
		if i%2 == 1 {
			r = inner
		}
		angle := float64(i)*math.Pi/5 - math.Pi/2
		points[i] = [2]float64{cx + r*math.Cos(angle), cy + r*math.Sin(angle)}
	}
	p.polygon(points...)
}
