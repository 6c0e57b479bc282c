package office

import (
	"context"
	"fmt"
	"strconv"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/seal/pdf"
)

// ErrManyPlaces says that words stand on a document more than once, and that it was not
// said which place is meant.
var ErrManyPlaces = bilingual.New("多处出现，须指明用哪一处", "stands there more than once")

// Side says where a seal lies beside words.
type Side string

// The sides. Over is the zero value: the middles lie on each other.
const (
	Over   Side = "over"
	Before Side = "before" // to the left of where the words begin
	After  Side = "after"  // to the right of where they end
)

// Sides lists the sides.
func Sides() []Side { return []Side{Over, Before, After} }

// Keyword asks for a seal at words of a document. Spaces and line ends in them make no
// difference.
type Keyword struct {
	Words string
	// Date is in place of words: any date as documents are dated, 2026年11月26日 or
	// 二〇二六年十一月二十六日. Where Hit is not given the last one is meant, the date of issue,
	// over which the seal goes by custom (GB/T 9704-2012, 7.3.5.1).
	Date bool
	// Hit says which of several places: a number from 1 in reading order, "last", or
	// "all" for a seal at each. Without it there must be one place only.
	Hit  string
	Side Side
}

// gapBeside is between words and a seal beside them, in millimetres.
const gapBeside = 2

// keywordMarks places a seal at words.
func (o *Office) keywordMarks(ctx context.Context, doc *pdf.Document, r StampRequest, whole pdf.Mark) ([]pdf.Mark, error) {
	pages, err := r.Place.Pages.orAll().Of(doc)
	if err != nil {
		return nil, err
	}
	found, err := r.Keyword.find(ctx, o.words, doc, pages)
	if err != nil {
		return nil, err
	}
	chosen, err := r.Keyword.choose(found)
	if err != nil {
		return nil, err
	}
	var marks []pdf.Mark
	for _, h := range chosen {
		m, err := r.Keyword.mark(doc, h, whole)
		if err != nil {
			return nil, err
		}
		marks = append(marks, m)
	}
	return marks, nil
}

// find returns where what is looked for stands on pages.
func (k *Keyword) find(ctx context.Context, finder *pagetext.Finder, doc *pdf.Document, pages []int) ([]pagetext.Hit, error) {
	switch {
	case k.Date && k.Words != "":
		return nil, fmt.Errorf("a seal goes over a date or over words, not both: %w", ErrPlace)
	case k.Date:
		return finder.FindDates(ctx, doc, doc.Size(), pages)
	default:
		return finder.Find(ctx, doc, doc.Size(), k.Words, pages)
	}
}

// what names what is looked for.
func (k *Keyword) what() string {
	if k.Date {
		return "a date"
	}
	return strconv.Quote(k.Words)
}

// whatZH is the same in Chinese.
func (k *Keyword) whatZH() string {
	if k.Date {
		return "日期"
	}
	return "“" + k.Words + "”"
}

// choose returns the places that are meant.
func (k *Keyword) choose(found []pagetext.Hit) ([]pagetext.Hit, error) {
	switch n, err := strconv.Atoi(k.Hit); {
	case len(found) == 0:
		return nil, bilingual.Wrap("页面上没有"+k.whatZH(), fmt.Errorf("%s does not stand on the pages: %w", k.what(), ErrPlace))
	case k.Hit == "" && k.Date:
		return found[len(found)-1:], nil
	case k.Hit == "" && len(found) == 1, k.Hit == "all":
		return found, nil
	case k.Hit == "":
		zh := fmt.Sprintf("%s出现 %d 处，须指明用哪一处", k.whatZH(), len(found))
		return nil, bilingual.Wrap(zh, fmt.Errorf("%s %w: %d times, first on page %d", k.what(), ErrManyPlaces, len(found), found[0].Page))
	case k.Hit == "last":
		return found[len(found)-1:], nil
	case err != nil || n < 1:
		return nil, fmt.Errorf("%q is not the number of a place, last or all: %w", k.Hit, ErrPlace)
	case n > len(found):
		return nil, bilingual.Wrap(fmt.Sprintf("%s只出现 %d 处", k.whatZH(), len(found)), fmt.Errorf("%s stands there %d times, not %d: %w", k.what(), len(found), n, ErrPlace))
	default:
		return found[n-1 : n], nil
	}
}

// mark lays a seal at one place.
func (k *Keyword) mark(doc *pdf.Document, h pagetext.Hit, whole pdf.Mark) (pdf.Mark, error) {
	box := h.First
	if k.Side == After {
		box = h.Last
	}
	x, y, width, height, err := doc.Shown(h.Page, box)
	if err != nil {
		return pdf.Mark{}, err
	}
	s := spot{page: h.Page, y: y + height/2}
	switch k.Side {
	case "", Over:
		s.x = x + width/2
	case Before:
		s.x = x - gapBeside - whole.Width/2
	case After:
		s.x = x + width + gapBeside + whole.Width/2
	default:
		return pdf.Mark{}, fmt.Errorf("side %q: %w", k.Side, ErrPlace)
	}
	return s.mark(whole.Width, whole.Height, whole.Appearance), nil
}
