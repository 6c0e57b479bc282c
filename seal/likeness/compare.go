package likeness

import (
	"fmt"
	"math"
)

// A Likeness is what a comparison found.
type Likeness struct {
	// Alike: the page shows the seal, or a slice of it.
	Alike bool
	// Slice: only a part of the seal is shown, as of a straddle seal.
	Slice bool
	// Differs is how much of the ink has none opposite, from 0 to 1, in all of the
	// picture; Worst is the same in the part where it is most.
	Differs, Worst float64
}

// Bounds of what counts as the same seal. In the tests two renderings of one seal stay
// below 0.1 in their worst part, and below 0.2 where one is a picture of 200 dpi; one
// other character is above 0.35, in a name of 33 characters too, where it is 2 mm high.
const (
	maxDiffers = 0.10
	maxWorst   = 0.28
)

// Compare says whether shown is the seal, or a slice of it that reaches from edge to
// edge. Both are at one scale. A drawing of another shape than the seal's is
// [ErrNotDrawn]: there is more than the seal in it, or less.
func Compare(seal, shown *Sheet) (Likeness, error) {
	near := func(a, b int) bool { return max(a, b)-min(a, b) <= 2 }
	switch {
	case near(seal.width, shown.width) && near(seal.height, shown.height):
		return judge(seal, shown, 0, 0), nil
	case near(seal.height, shown.height) && shown.width < seal.width:
		return slide(seal, shown, seal.width-shown.width, func(i int) (int, int) { return i, 0 }), nil
	case near(seal.width, shown.width) && shown.height < seal.height:
		return slide(seal, shown, seal.height-shown.height, func(i int) (int, int) { return 0, i }), nil
	}
	w, h := shown.Size()
	sw, sh := seal.Size()
	return Likeness{}, fmt.Errorf("the drawing of %.0f × %.0f mm has not the shape of the seal, %.0f × %.0f mm: %w", w, h, sw, sh, ErrNotDrawn)
}

// slide looks for the slice of the seal that is most like what is shown.
func slide(seal, shown *Sheet, places int, offset func(int) (int, int)) Likeness {
	best := Likeness{Worst: math.Inf(1), Slice: true}
	for i := 0; i <= places; i++ {
		x, y := offset(i)
		found := judge(seal, shown, x, y)
		found.Slice = true
		if found.Worst < best.Worst {
			best = found
		}
	}
	return best
}

// window is the side of the parts that are compared by themselves, in cells: about a
// character.
const window = 3 * perMM

// tolerated is how far the ink of a cell may be off: that much comes of where the cells
// of two renderings lie.
const tolerated = 0.3

// judge compares shown with the seal's cells from (x0, y0) on.
func judge(seal, shown *Sheet, x0, y0 int) Likeness {
	w, h := min(shown.width, seal.width-x0), min(shown.height, seal.height-y0)
	// Sums over all cells above and to the left, so that any window costs four look-ups.
	stride := w + 1
	alone, ink := make([]float64, stride*(h+1)), make([]float64, stride*(h+1))
	for y := range h {
		var rowAlone, rowInk float64
		for x := range w {
			a, b := float64(seal.ink[(y0+y)*seal.width+x0+x]), float64(shown.ink[y*shown.width+x])
			rowAlone += max(0, math.Abs(a-b)-tolerated) / (1 - tolerated)
			rowInk += a + b
			at := (y+1)*stride + x + 1
			alone[at], ink[at] = alone[at-stride]+rowAlone, ink[at-stride]+rowInk
		}
	}
	share := func(x, y, x1, y1 int, least float64) float64 {
		sum := func(t []float64) float64 { return t[y1*stride+x1] - t[y*stride+x1] - t[y1*stride+x] + t[y*stride+x] }
		if all := sum(ink); all > 0.5 && all >= least {
			return sum(alone) / all
		}
		return 0
	}
	out := Likeness{Differs: share(0, 0, w, h, 1)}
	const least = window * window / 8
	for y := 0; y < h; y += window / 3 {
		for x := 0; x < w; x += window / 3 {
			out.Worst = max(out.Worst, share(x, y, min(x+window, w), min(y+window, h), least))
		}
	}
	out.Alike = out.Differs <= maxDiffers && out.Worst <= maxWorst && ink[len(ink)-1] > 0
	return out
}
