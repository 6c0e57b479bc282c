package pdf

import (
	"math"
	"testing"
)

// TestSheet maps places to the page and back.
func TestSheet(t *testing.T) {
	t.Parallel()
	for _, tc := range sheets {
		s, err := open(t, tc.sample.bytes()).sheet(1)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := [4]float64{12, 34, 50, 20}
		r := s.ToPage(want[0], want[1], want[2], want[3])
		if r.X0 < s.Box.X0 || r.Y0 < s.Box.Y0 || r.X1 > s.Box.X1 || r.Y1 > s.Box.Y1 {
			t.Errorf("%s: %v lies outside of the page %v", tc.name, r, s.Box)
		}
		x, y, w, h := s.ToDisplay(r)
		for i, got := range []float64{x, y, w, h} {
			if math.Abs(got-want[i]) > 1e-9 {
				t.Errorf("%s: came back as %v, want %v", tc.name, []float64{x, y, w, h}, want)
				break
			}
		}
	}
}
