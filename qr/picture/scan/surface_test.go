package scan

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestProject: of exact matches the projection is found again, and bent paper to within
// a tenth of how far it is bent.
func TestProject(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		want := surface{
			projection: projection{
				4 + r.Float64(), r.Float64() - 0.5, 300 * r.Float64(),
				r.Float64() - 0.5, 4 + r.Float64(), 300 * r.Float64(),
				0.002 * (r.Float64() - 0.5), 0.002 * (r.Float64() - 0.5),
			},
			size: 61,
		}
		for _, bend := range []float64{0, 10} {
			through := flat
			if bend > 0 {
				through = bent
				want.curved = true
				want.bend[3] = point{0, bend} // so far at the left and right ends
			}
			var matches []match
			for range 30 {
				u, v := 61*r.Float64(), 61*r.Float64()
				matches = append(matches, match{point{u, v}, want.at(u, v), 1})
			}
			got, ok := through(matches, 61)
			if !ok {
				t.Fatalf("%v is not found", want)
			}
			for range 30 {
				u, v := 61*r.Float64(), 61*r.Float64()
				// A projection through bent paper takes a part of the bend.
				if off := got.at(u, v).minus(want.at(u, v)).length(); off > 0.01+0.1*bend {
					t.Errorf("%g, %g of paper bent by %g lies %g pixels off", u, v, bend, off)
				}
			}
		}
	}
}

func TestProjectRefuses(t *testing.T) {
	t.Parallel()
	for name, matches := range map[string][]match{
		"none":    nil,
		"on line": {{point{0, 0}, point{0, 0}, 1}, {point{1, 1}, point{2, 2}, 1}, {point{2, 2}, point{4, 4}, 1}, {point{3, 3}, point{6, 6}, 1}},
		"not a number": {
			{point{0, 0}, point{math.NaN(), 0}, 1}, {point{1, 0}, point{1, 0}, 1}, {point{0, 1}, point{0, 1}, 1}, {point{1, 1}, point{1, 1}, 1},
		},
	} {
		if h, ok := project(matches); ok {
			t.Errorf("%s: %v", name, h)
		}
	}
}

// TestAtAnywhere: no point is outside of a picture.
func TestAtAnywhere(t *testing.T) {
	t.Parallel()
	p := newPlane([]uint8{10, 20, 30, 40}, 2, 2)
	for _, tt := range []struct{ x, y, want float64 }{
		{0.5, 0.5, 10}, {1.5, 0.5, 20}, {0.5, 1.5, 30}, {1.5, 1.5, 40}, {1, 1, 25},
		{-1e300, 0, 10}, {1e300, 1e300, 40}, {math.Inf(1), math.Inf(-1), 20}, {math.NaN(), math.NaN(), 10},
	} {
		if got := p.at(tt.x, tt.y); got != tt.want {
			t.Errorf("at(%g, %g) = %g, want %g", tt.x, tt.y, got, tt.want)
		}
		if c := p.contrast(tt.x, tt.y); !(c >= -1 && c <= 1) {
			t.Errorf("contrast(%g, %g) = %g", tt.x, tt.y, c)
		}
	}
}
