package office

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/seal/pdf"
)

// ErrPlace says that there is no such place for a seal on this document.
var ErrPlace = bilingual.New("文件上没有这样的位置", "no such place on this document")

// Corner is a corner of a page as the reader sees it.
type Corner string

// The corners. The zero value is [TopLeft].
const (
	TopLeft     Corner = "top-left"
	TopRight    Corner = "top-right"
	BottomLeft  Corner = "bottom-left"
	BottomRight Corner = "bottom-right"
)

// Corners lists the corners.
func Corners() []Corner { return []Corner{TopLeft, TopRight, BottomLeft, BottomRight} }

// Place says where on a document a seal or a signature goes: on which pages, the last
// where none are named, and how far its middle is from a corner, in millimetres towards
// the inside of the page. Without corner and distances it is the bottom right. The zero
// value is also the place of an existing field.
type Place struct {
	Pages  Pages
	Corner Corner
	X, Y   float64
}

// margin is the distance of a seal's middle from the page's right and lower edge where
// no place is given, in millimetres.
const margin = 45

// on returns the places that are meant on a document.
func (p Place) on(doc *pdf.Document) ([]spot, error) {
	if p.Corner == "" && p.X == 0 && p.Y == 0 {
		p.X, p.Y, p.Corner = margin, margin, BottomRight
	}
	if p.Pages == "" {
		p.Pages = LastPage
	}
	pages, err := p.Pages.Of(doc)
	if err != nil {
		return nil, err
	}
	var spots []spot
	for _, n := range pages {
		page, err := doc.Page(n)
		if err != nil {
			return nil, err
		}
		x, y, err := p.middle(page)
		if err != nil {
			return nil, err
		}
		spots = append(spots, spot{n, x, y})
	}
	return spots, nil
}

// spot is one place on one page, in millimetres from its top left corner.
type spot struct {
	page int
	x, y float64
}

// mark shows something with its middle on the spot.
func (s spot) mark(width, height float64, a *pdf.Appearance) pdf.Mark {
	return pdf.Mark{Page: s.page, X: s.x - width/2, Y: s.y - height/2, Width: width, Height: height, Appearance: a}
}

// middle returns the place on one page, in millimetres from its top left corner.
func (p Place) middle(page pdf.Page) (float64, float64, error) {
	x, y := p.X, p.Y
	switch p.Corner {
	case "", TopLeft:
	case TopRight:
		x = page.Width - x
	case BottomLeft:
		y = page.Height - y
	case BottomRight:
		x, y = page.Width-x, page.Height-y
	default:
		return 0, 0, fmt.Errorf("corner %q: %w", p.Corner, ErrPlace)
	}
	return x, y, nil
}

// Pages names pages of a document: a list of terms between commas, each a number from
// 1, a range 2-5 or 2-, or one of the words all, odd, even and last. The zero value is
// all. Pages are taken once each, in order.
type Pages string

// AllPages and LastPage are words of [Pages].
const (
	AllPages Pages = "all"
	LastPage Pages = "last"
)

// orAll names all pages where none are named.
func (p Pages) orAll() Pages {
	if p == "" {
		return AllPages
	}
	return p
}

// OnPage names one page.
func OnPage(n int) Pages { return Pages(strconv.Itoa(n)) }

// Of returns the numbers of the named pages in a document. The error wraps [ErrPlace].
func (p Pages) Of(doc *pdf.Document) ([]int, error) {
	count, err := doc.NumPages()
	if err != nil {
		return nil, err
	}
	return p.of(count)
}

func (p Pages) of(count int) ([]int, error) {
	wanted := make([]bool, count+1)
	for term := range strings.SplitSeq(string(p), ",") {
		first, last, step, err := pageTerm(strings.TrimSpace(term), count)
		if err != nil {
			return nil, err
		}
		if last > count {
			return nil, bilingual.Wrap(fmt.Sprintf("文件共 %d 页，没有第 %d 页", count, last), fmt.Errorf("page %d does not exist, the document has %d: %w", last, count, ErrPlace))
		}
		for n := first; n <= last; n += step {
			wanted[n] = true
		}
	}
	var pages []int
	for n, is := range wanted {
		if is {
			pages = append(pages, n)
		}
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("a document of %d pages has none that are %s: %w", count, p, ErrPlace)
	}
	return pages, nil
}

// pageTerm reads one term of [Pages]: the pages from first to last, every step-th.
func pageTerm(term string, count int) (first, last, step int, err error) {
	switch Pages(term) {
	case AllPages:
		return 1, count, 1, nil
	case "odd":
		return 1, count, 2, nil
	case "even":
		return 2, count, 2, nil
	case LastPage:
		return count, count, 1, nil
	}
	from, to, isRange := strings.Cut(term, "-")
	first, err = strconv.Atoi(from)
	last = first
	switch {
	case err != nil:
	case isRange && to == "":
		last = max(first, count)
	case isRange:
		last, err = strconv.Atoi(to)
	}
	if err != nil || first < 1 || last < first || strings.ContainsAny(term, "+ ") {
		return 0, 0, 0, bilingual.Wrap("页码写法如 3、2-5、all、odd、even、last", fmt.Errorf("%q is not a page, a range such as 2-5, or all, odd, even, last: %w", term, ErrPlace))
	}
	return first, last, 1, nil
}

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

// marks cuts a seal and places its slices, on all pages where none are named.
func (s Straddle) marks(doc *pdf.Document, named Pages, whole pdf.Mark) ([]pdf.Mark, error) {
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
