package placement

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/seal/pdf"
)

// Edge is an edge of a page as the reader sees it.
type Edge string

// The edges.
const (
	LeftEdge   Edge = "left"
	RightEdge  Edge = "right"
	TopEdge    Edge = "top"
	BottomEdge Edge = "bottom"
)

// Edges lists the edges.
func Edges() []Edge { return []Edge{LeftEdge, RightEdge, TopEdge, BottomEdge} }

// Straddle is a straddle seal (骑缝章): one seal cut into slices, one at the same edge of
// every page, so that the fanned pages show it whole and none can be exchanged.
type Straddle struct {
	Edge Edge
	// Group is how many pages share one seal, at least 2; 0 means all of them. Where a
	// single page would be left over it joins the group before it.
	Group int
	// Along is where the middle of the seal lies along the edge, in millimetres from the
	// left or the top; 0 means the middle of the edge.
	Along float64
}

// minSlice is the least width of the first and the last slice, in millimetres: the top
// page and the bottom page of a stack are the ones that are looked at.
const minSlice = 5.0

// groups shares pages out among seals.
func (s Straddle) groups(pages []int) ([][]int, error) {
	if len(pages) < 2 {
		return nil, bilingual.Wrap("骑缝章至少要有两页", fmt.Errorf("a straddle seal needs at least two pages: %w", ErrPlace))
	}
	if s.Group < 0 || s.Group == 1 {
		return nil, bilingual.Wrap("骑缝章每组至少两页", fmt.Errorf("a straddle seal over groups of %d pages, at least 2 are needed: %w", s.Group, ErrPlace))
	}
	if s.Group == 0 {
		return [][]int{pages}, nil
	}
	groups := slices.Collect(slices.Chunk(pages, s.Group))
	if last := len(groups) - 1; last > 0 && len(groups[last]) == 1 {
		groups[last-1] = pages[(last-1)*s.Group:]
		groups = groups[:last]
	}
	return groups, nil
}

// cuts returns where a seal of a width is cut for n pages: n+1 places from 0 to width.
// The slices are equal, but the first and the last never thinner than [minSlice].
func cuts(width float64, n int) ([]float64, error) {
	outer := max(width/float64(n), min(minSlice, width/2))
	inner := 0.0
	if n > 2 {
		inner = (width - 2*outer) / float64(n-2)
	}
	const thinnest = 0.1 // millimetres: what is left of a printed dot
	if n > 2 && inner < thinnest {
		return nil, bilingual.Wrap(fmt.Sprintf("印章宽 %.0f 毫米，分不成 %d 页，请分组骑缝", width, n), fmt.Errorf("a seal %.0f mm wide cannot be cut for %d pages, use groups of fewer pages: %w", width, n, ErrPlace))
	}
	at := make([]float64, n+1)
	for i := 1; i < n; i++ {
		at[i] = outer + float64(i-1)*inner
	}
	at[n] = width
	return at, nil
}

// Marks cuts a seal and places its slices, on all pages where none are named.
func (s Straddle) Marks(doc *pdf.Document, named Pages, whole pdf.Mark) ([]pdf.Mark, error) {
	if !slices.Contains(Edges(), s.Edge) {
		return nil, fmt.Errorf("edge %q: %w", s.Edge, ErrPlace)
	}
	pages, err := named.orAll().Of(doc)
	if err != nil {
		return nil, err
	}
	groups, err := s.groups(pages)
	if err != nil {
		return nil, err
	}
	upright := s.Edge == LeftEdge || s.Edge == RightEdge
	across := whole.Height
	if upright {
		across = whole.Width
	}
	marks := make([]pdf.Mark, 0, len(pages))
	for _, group := range groups {
		at, err := cuts(across, len(group))
		if err != nil {
			return nil, err
		}
		for i, n := range group {
			page, err := doc.Page(n)
			if err != nil {
				return nil, err
			}
			from, to := at[i], at[i+1]
			// A stack opens away from its edge: on the right and below, the top page
			// shows the seal's beginning; on the left and above, its end.
			if s.Edge == LeftEdge || s.Edge == TopEdge {
				from, to = across-at[i+1], across-at[i]
			}
			marks = append(marks, s.slice(page, n, whole, from, to, upright))
		}
	}
	return marks, nil
}

// slice returns the mark that shows a seal's part from one cut to the next, measured
// from its left or from its top.
func (s Straddle) slice(page pdf.Page, n int, whole pdf.Mark, from, to float64, upright bool) pdf.Mark {
	m := pdf.Mark{Page: n, Width: whole.Width, Height: whole.Height, Appearance: whole.Appearance}
	box := whole.Appearance.BBox
	along := func(edge, size float64) float64 {
		if s.Along != 0 {
			return s.Along - size/2
		}
		return edge/2 - size/2
	}
	if upright {
		unit := (box[2] - box[0]) / whole.Width
		m.Part = [4]float64{box[0] + from*unit, box[1], box[0] + to*unit, box[3]}
		m.Width, m.Y = to-from, along(page.Height, whole.Height)
	} else {
		unit := (box[3] - box[1]) / whole.Height
		m.Part = [4]float64{box[0], box[3] - to*unit, box[2], box[3] - from*unit}
		m.Height, m.X = to-from, along(page.Width, whole.Width)
	}
	switch s.Edge {
	case RightEdge:
		m.X = page.Width - m.Width
	case BottomEdge:
		m.Y = page.Height - m.Height
	}
	return m
}
