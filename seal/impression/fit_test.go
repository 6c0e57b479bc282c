package impression

import (
	"math"
	"testing"

	"github.com/elicence/elicence/internal/typeface"
)

// TestFit: whatever character, however large and turned, no place of the drawing is further
// than 20 µm from the true outline, and no place of that from the drawing.
func TestFit(t *testing.T) {
	t.Parallel()
	worst, steps, segments := 0.0, 0, 0
	text := []rune(longName + "安徽样例（合肥）科技有限公司0123456789ABCXYZ龘䶮欧阳明印财务专用章合同发票税务国徽")
	for r := rune(0x4E00); r < 0x9FA5; r += 311 {
		text = append(text, r)
	}
	list, err := letters(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range list {
		height := []float64{1.3, 2.1, 3.4, 4.6, 6.3}[i%5]
		angle := float64(i%11) * 0.7
		sin, cos := math.Sincos(angle)
		x, y := 0.8*height/unitsPerEm, height/unitsPerEm
		on := transform{xx: cos * x, xy: sin * x, yx: sin * y, yy: -cos * y, dx: 21, dy: 21}
		p := plan{{outline: l.outline, on: on, height: height}}
		bound := p[0].tolerance()
		s := p.shape(p.units(), point{42, 42}.times(p.units()))
		want, got := traces(l.outline, on), traces(s.outline(), transform{xx: 1, yy: 1}.times(1/float64(p.units())))
		if len(got) != len(want) {
			t.Errorf("%c, %.1f mm high: %d of %d contours are drawn", text[i], height, len(got), len(want))
			continue
		}
		drawn := make(map[int]bool) // in another order
		for c := range want {
			off, which := math.Inf(1), 0
			least, most := box(want[c])
			for i := range got {
				if a, b := box(got[i]); a.minus(least).length() > 3*bound || b.minus(most).length() > 3*bound {
					continue
				}
				if distance := max(farthest(want[c], got[i]), farthest(got[i], want[c])); distance < off {
					off, which = distance, i
				}
			}
			if drawn[which] {
				t.Errorf("%c, %.1f mm high, contour %d: another is drawn in its place", text[i], height, c)
			}
			drawn[which] = true
			if worst = max(worst, off); off > bound {
				t.Errorf("%c, %.1f mm high, contour %d: %.1f µm off", text[i], height, c, 1000*off)
			}
		}
		steps += len(s) - len(got)
		segments += len(l.outline)
	}
	t.Logf("%.1f µm at most; %d segments are drawn with %d", 1000*worst, segments, steps)
	if steps > segments*9/10 {
		t.Errorf("%d segments are drawn with %d", segments, steps)
	}
}

// outline is a shape in its units.
func (s shape) outline() typeface.Outline {
	at := func(p point) typeface.Point { return typeface.Point{X: float64(p.x), Y: float64(p.y)} }
	var o typeface.Outline
	var start typeface.Point
	for _, step := range s {
		switch step.op {
		case move:
			start = at(step.to)
			o = append(o, typeface.Segment{Op: typeface.MoveTo, To: start})
		case line:
			o = append(o, typeface.Segment{Op: typeface.LineTo, To: at(step.to)})
		case quad:
			o = append(o, typeface.Segment{Op: typeface.QuadTo, Control: at(step.control), To: at(step.to)})
		case shut:
			o = append(o, typeface.Segment{Op: typeface.LineTo, To: start})
		}
	}
	return o
}

// traces are the contours of an outline, as places on them that are near each other.
func traces(o typeface.Outline, on transform) [][]spot {
	const pieces = 32
	var list [][]spot
	var at spot
	for _, s := range o {
		to := on.spot(s.To)
		if s.Op == typeface.MoveTo {
			list = append(list, []spot{to})
			at = to
			continue
		}
		control := at.plus(to).times(0.5)
		if s.Op == typeface.QuadTo {
			control = on.spot(s.Control)
		}
		for i := 1; i <= pieces; i++ {
			list[len(list)-1] = append(list[len(list)-1], quadratic(at, control, to, float64(i)/pieces))
		}
		at = to
	}
	return list
}

// farthest is how far any place of a contour is from another contour.
func farthest(from, to []spot) float64 {
	worst := 0.0
	for _, p := range from {
		nearest := math.Inf(1)
		for i := range to[1:] {
			nearest = min(nearest, p.apart(to[i], to[i+1]))
			if nearest <= worst {
				break
			}
		}
		worst = max(worst, nearest)
	}
	return worst
}

// TestRim: the edges of a round or oval seal are within 20 µm of ellipses, and a star's
// points where they belong.
func TestRim(t *testing.T) {
	t.Parallel()
	const bound = 0.02 // mm
	for _, radius := range []spot{{10, 10}, {20, 20}, {21, 21}, {19.8, 19.8}, {20, 15}, {30, 30}, {30, 18}} {
		var p plan
		p.ellipse(30, 30, radius.x, radius.y, true)
		p.ellipse(30, 30, radius.x-1.2, radius.y-1.2, false)
		for i, contour := range traces(p.shape(coarse, point{60, 60}.times(coarse)).outline(), transform{xx: 1, yy: 1}.times(1.0/coarse)) {
			rx, ry := radius.x-1.2*float64(i), radius.y-1.2*float64(i)
			for _, at := range contour {
				x, y := at.x-30, at.y-30
				// How far off along the normal, to first order.
				off := (x*x/(rx*rx) + y*y/(ry*ry) - 1) / 2 / math.Hypot(x/(rx*rx), y/(ry*ry))
				if math.Abs(off) > bound {
					t.Errorf("an ellipse of %g × %g mm: (%.2f, %.2f) is %.1f µm off", rx, ry, x, y, 1000*off)
				}
			}
		}
	}
	var p plan
	p.star(20, 20, 7)
	for _, s := range p.shape(coarse, point{40, 40}.times(coarse)) {
		at := s.to.spot().times(1.0 / coarse).minus(spot{20, 20})
		inner := 7 * math.Sin(math.Pi/10) / math.Sin(3*math.Pi/10)
		if r := at.length(); s.op != shut && math.Abs(r-7) > bound && math.Abs(r-inner) > bound {
			t.Errorf("a corner of the star is %.3f mm from its middle, not 7 or %.3f", r, inner)
		}
	}
}
