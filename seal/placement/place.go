package placement

import (
	"fmt"
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

// On returns the places that are meant on a document.
func (p Place) On(doc *pdf.Document) ([]Spot, error) {
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
	var spots []Spot
	for _, n := range pages {
		page, err := doc.Page(n)
		if err != nil {
			return nil, err
		}
		x, y, err := p.middle(page)
		if err != nil {
			return nil, err
		}
		spots = append(spots, Spot{n, x, y})
	}
	return spots, nil
}

// Spot is one place on one page, in millimetres from its top left corner.
type Spot struct {
	Page int
	X, Y float64
}

// Mark shows something of a width and a height, in millimetres, with its middle on the spot.
func (s Spot) Mark(width, height float64, a *pdf.Appearance) pdf.Mark {
	return pdf.Mark{Page: s.Page, X: s.X - width/2, Y: s.Y - height/2, Width: width, Height: height, Appearance: a}
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
