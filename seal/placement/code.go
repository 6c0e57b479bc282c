package placement

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/seal/pdf"
)

const (
	gapCode    = 6 // between a seal and a code beside it, in millimetres
	marginCode = 4 // from the page's edge, which many printers leave white
	gapAround  = 1 // to what else stands on the page
)

// CheckCode refuses a code that would cover what a stamp shows: the code has a white ground,
// and what it covers stands on the page no more. The error wraps [ErrPlace].
func CheckCode(code pdf.Mark, marks []pdf.Mark) error {
	if overlaps(marks, code, 0) {
		return bilingual.Wrap("文件核验码会盖住印章", fmt.Errorf("the document code at %.1f, %.1f mm, %.0f × %.0f mm large, would cover the seal: %w", code.X, code.Y, code.Width, code.Height, ErrPlace))
	}
	return nil
}

// CodeBeside places the code of a document, a square of a width in millimetres with its quiet
// zone, beside the last mark of a stamp where the page shows nothing. The error wraps
// [ErrPlace] where there is no room.
func CodeBeside(ctx context.Context, finder *pagetext.Finder, doc *pdf.Document, marks []pdf.Mark, width float64, code *pdf.Appearance) (pdf.Mark, error) {
	at := marks[len(marks)-1]
	m := pdf.Mark{Page: at.Page, Width: width, Height: width, Appearance: code}
	page, err := doc.Page(at.Page)
	if err != nil {
		return m, err
	}
	blank, err := finder.Blank(ctx, doc, doc.Size(), at.Page, page.Width, page.Height)
	if err != nil {
		return m, fmt.Errorf("room for the document code: %w", err)
	}
	fields, err := doc.FieldPlaces(at.Page)
	if err != nil {
		return m, fmt.Errorf("room for the document code: %w", err)
	}
	room := codeRoom{page, blank, fields, marks, at, width}
	var found bool
	if m.X, m.Y, found = room.nearest(); !found {
		return m, bilingual.Wrap(fmt.Sprintf("第 %d 页没有空处放文件核验码，请指明位置", at.Page), fmt.Errorf("page %d has no empty room of %.0f × %.0f mm for the document code, say where it goes: %w", at.Page, width, width, ErrPlace))
	}
	return m, nil
}

// A codeRoom is a page on which room for a code is looked for.
type codeRoom struct {
	page   pdf.Page
	blank  *pagetext.Blank
	fields [][4]float64 // which somebody fills in later
	marks  []pdf.Mark   // of this stamp, which the page does not show yet
	seal   pdf.Mark     // beside which it goes
	width  float64      // of the code, in millimetres
}

// nearest returns the top left corner of the room: to the left of the seal, else to its right,
// else the nearest there is.
func (c codeRoom) nearest() (float64, float64, bool) {
	middleX, middleY := c.seal.X+c.seal.Width/2, c.seal.Y+c.seal.Height/2
	level := middleY - c.width/2
	for _, x := range []float64{c.seal.X - gapCode - c.width, c.seal.X + c.seal.Width + gapCode} {
		if c.free(x, level) {
			return x, level, true
		}
	}
	const step = 1 // millimetres
	bestX, bestY, best := 0.0, 0.0, math.Inf(1)
	for y := float64(marginCode); y <= c.page.Height-marginCode-c.width; y += step {
		for x := float64(marginCode); x <= c.page.Width-marginCode-c.width; x += step {
			if away := math.Hypot(x+c.width/2-middleX, y+c.width/2-middleY); away < best && c.free(x, y) {
				bestX, bestY, best = x, y, away
			}
		}
	}
	return bestX, bestY, !math.IsInf(best, 1)
}

// free reports that a code may go to a place.
func (c codeRoom) free(x, y float64) bool {
	if x < marginCode || y < marginCode || x+c.width > c.page.Width-marginCode || y+c.width > c.page.Height-marginCode {
		return false
	}
	code := pdf.Mark{Page: c.seal.Page, X: x, Y: y, Width: c.width, Height: c.width}
	for _, f := range c.fields {
		if meets(code, gapAround, f[0], f[1], f[2], f[3]) {
			return false
		}
	}
	if overlaps(c.marks, code, gapAround) {
		return false
	}
	return c.blank.Empty(x-gapAround, y-gapAround, c.width+2*gapAround, c.width+2*gapAround)
}

// overlaps reports whether a code at a place would come nearer than gap, in millimetres, to
// what a stamp shows on the page.
func overlaps(marks []pdf.Mark, code pdf.Mark, gap float64) bool {
	return slices.ContainsFunc(marks, func(m pdf.Mark) bool {
		return m.Page == code.Page && meets(code, gap, m.X, m.Y, m.Width, m.Height)
	})
}

// meets reports whether a code would come nearer than gap to something else.
func meets(code pdf.Mark, gap, left, top, width, height float64) bool {
	return code.X < left+width+gap && left < code.X+code.Width+gap && code.Y < top+height+gap && top < code.Y+code.Height+gap
}
