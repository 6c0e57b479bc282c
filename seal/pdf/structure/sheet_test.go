package structure

import "testing"

func TestOverlaps(t *testing.T) {
	t.Parallel()
	a := Rect{X0: 10, Y0: 10, X1: 20, Y1: 20}
	for _, tc := range []struct {
		b    Rect
		want bool
	}{
		{Rect{X0: 15, Y0: 15, X1: 30, Y1: 30}, true},
		{Rect{X0: 12, Y0: 12, X1: 13, Y1: 13}, true},
		{Rect{X0: 0, Y0: 0, X1: 30, Y1: 30}, true},
		{Rect{X0: 20, Y0: 10, X1: 30, Y1: 20}, false},
		{Rect{X0: 19.99, Y0: 10, X1: 30, Y1: 20}, false},
		{Rect{X0: 10, Y0: 21, X1: 20, Y1: 30}, false},
		{Rect{X0: 15, Y0: 15, X1: 15, Y1: 15}, false},
	} {
		if got := a.Overlaps(tc.b); got != tc.want {
			t.Errorf("%v and %v overlap: %v, want %v", a, tc.b, got, tc.want)
		}
	}
}
