package pdf

import (
	"math"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
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
		r := s.toPage(want[0], want[1], want[2], want[3])
		if r.x0 < s.box.x0 || r.y0 < s.box.y0 || r.x1 > s.box.x1 || r.y1 > s.box.y1 {
			t.Errorf("%s: %v lies outside of the page %v", tc.name, r, s.box)
		}
		x, y, w, h := s.toDisplay(r)
		for i, got := range []float64{x, y, w, h} {
			if math.Abs(got-want[i]) > 1e-9 {
				t.Errorf("%s: came back as %v, want %v", tc.name, []float64{x, y, w, h}, want)
				break
			}
		}
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	a := rect{10, 10, 20, 20}
	for _, tc := range []struct {
		b    rect
		want bool
	}{
		{rect{15, 15, 30, 30}, true},
		{rect{12, 12, 13, 13}, true},
		{rect{0, 0, 30, 30}, true},
		{rect{20, 10, 30, 20}, false},
		{rect{19.99, 10, 30, 20}, false},
		{rect{10, 21, 20, 30}, false},
		{rect{15, 15, 15, 15}, false},
	} {
		if got := a.overlaps(tc.b); got != tc.want {
			t.Errorf("%v and %v overlap: %v, want %v", a, tc.b, got, tc.want)
		}
	}
}

func TestDecimalReal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   float64
		want string
	}{
		{0, "0"}, {1, "1"}, {-2, "-2"}, {0.5, "0.5"}, {1.0 / 3, "0.3333"}, {119.05511811, "119.0551"},
		{0.00001, "0"}, {-0.00001, "0"}, {1e6, "1000000"}, {123456.78901, "123456.789"},
	} {
		if got := string(syntax.AppendValue(nil, syntax.Decimal(tc.in))); got != tc.want {
			t.Errorf("%v was written as %s, want %s", tc.in, got, tc.want)
		}
	}
}
