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
// edge. Both are at one scale; paper without ink around them plays no part. A drawing of
// another size than the seal's is [ErrNotDrawn]: there is more than the seal in it, or
// less, or it is shown at another scale ([Scale]).
func Compare(seal, shown *Sheet) (Likeness, error) {
	whole, ink := seal.cropped(), shown.cropped()
	if whole == nil {
		return Likeness{}, fmt.Errorf("the seal's picture is empty: %w", ErrNotDrawn)
	}
	if ink == nil {
		return Likeness{Differs: 1, Worst: 1}, nil
	}
	near := func(a, b int) bool { return max(a, b)-min(a, b) <= 2 }
	switch {
	case near(whole.width, ink.width) && near(whole.height, ink.height):
		return aligned(whole, ink), nil
	case near(seal.height, shown.height) && shown.width < seal.width:
		return slide(seal, shown, seal.width-shown.width, func(i int) (int, int) { return i, 0 }), nil
	case near(seal.width, shown.width) && shown.height < seal.height:
		return slide(seal, shown, seal.height-shown.height, func(i int) (int, int) { return 0, i }), nil
	}
	w, h := ink.Size()
	sw, sh := whole.Size()
	return Likeness{}, fmt.Errorf("the drawing of %.0f × %.0f mm has not the size of the seal, %.0f × %.0f mm: %w", w, h, sw, sh, ErrNotDrawn)
}

// Scale returns how much larger a drawing is than the seal, if it has its shape.
func Scale(seal, shown *Sheet) (float64, bool) {
	whole, ink := seal.cropped(), shown.cropped()
	if whole == nil || ink == nil {
		return 0, false
	}
	x, y := float64(ink.width)/float64(whole.width), float64(ink.height)/float64(whole.height)
	return (x + y) / 2, max(x, y) <= 1.04*min(x, y)
}

// cropped returns the part of a sheet that has ink, nil where none has.
func (s *Sheet) cropped() *Sheet {
	x0, y0, x1, y1 := s.width, s.height, 0, 0
	for y := range s.height {
		for x := range s.width {
			if s.ink[y*s.width+x] >= 0.3 {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	if x1 <= x0 {
		return nil
	}
	return s.part(x0, y0, x1-x0, y1-y0)
}

// part copies a part of a sheet; what lies outside is paper.
func (s *Sheet) part(x0, y0, width, height int) *Sheet {
	out := &Sheet{width: width, height: height, ink: make([]float32, width*height)}
	for y := max(0, -y0); y < height && y+y0 < s.height; y++ {
		for x := max(0, -x0); x < width && x+x0 < s.width; x++ {
			out.ink[y*width+x] = s.ink[(y+y0)*s.width+x+x0]
		}
	}
	return out
}

// aligned compares where the two fit best: cropping may be off by a cell.
func aligned(seal, shown *Sheet) Likeness {
	best := Likeness{Worst: math.Inf(1)}
	for _, shift := range shifts() {
		found := judge(seal, shown.part(shift[0], shift[1], seal.width, seal.height), 0, 0)
		if found.Worst < best.Worst {
			best = found
		}
		if best.Worst < maxWorst/2 {
			break
		}
	}
	return best
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

// CompareIn says whether a part of what is shown is that part of the seal: the box is in
// millimetres of both, which are of one size. It finds what [Compare] does not see in the
// whole: one thin slice of another seal among a hundred.
func CompareIn(seal, shown *Sheet, b Box) Likeness {
	area := seal.within(b)
	if area.Empty() {
		return Likeness{Alike: true, Slice: true}
	}
	part := shown.part(area.Min.X, area.Min.Y, area.Dx(), area.Dy())
	best := Likeness{Worst: math.Inf(1)}
	for _, shift := range shifts() {
		found := judgeFrom(seal.part(area.Min.X+shift[0], area.Min.Y+shift[1], area.Dx(), area.Dy()), part, 0, 0, min(window, area.Dx())*min(window, area.Dy())/8)
		if found.Worst < best.Worst {
			best = found
		}
	}
	best.Alike, best.Slice = best.Worst <= maxWorst, true
	return best
}

// shifts are by how many cells the two may be off: cropping, and pictures of other makers.
func shifts() [9][2]int {
	return [9][2]int{{0, 0}, {1, 0}, {0, 1}, {-1, 0}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}}
}

// window is the side of the parts that are compared by themselves, in cells: about a
// character.
const window = 3 * perMM

// tolerated is how far the ink of a cell may be off: that much comes of where the cells
// of two renderings lie.
const tolerated = 0.3

// judge compares shown with the seal's cells from (x0, y0) on.
func judge(seal, shown *Sheet, x0, y0 int) Likeness {
	return judgeFrom(seal, shown, x0, y0, window*window/8)
}

// judgeFrom is judge where a window with less ink than least plays no part.
func judgeFrom(seal, shown *Sheet, x0, y0, least int) Likeness {
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
	share := func(x, y, x1, y1 int, least int) float64 {
		sum := func(t []float64) float64 { return t[y1*stride+x1] - t[y*stride+x1] - t[y1*stride+x] + t[y*stride+x] }
		if all := sum(ink); all > 0.5 && all >= float64(least) {
			return sum(alone) / all
		}
		return 0
	}
	out := Likeness{Differs: share(0, 0, w, h, 1)}
	for y := 0; y < h; y += window / 3 {
		for x := 0; x < w; x += window / 3 {
			out.Worst = max(out.Worst, share(x, y, min(x+window, w), min(y+window, h), least))
		}
	}
	out.Alike = out.Differs <= maxDiffers && out.Worst <= maxWorst && ink[len(ink)-1] > 0
	return out
}
