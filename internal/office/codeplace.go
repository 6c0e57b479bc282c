package office

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/seal/pdf"
)

// CodePlace is the place of a document's code: its top left corner with the quiet zone,
// in millimetres from that of the page.
type CodePlace struct {
	Page    int // from 1; 0: the page of the seal
	X, Y    float64
	Expires time.Time // zero: as long as printed codes live
}

const (
	gapCode    = 6 // between a seal and a code beside it, in millimetres
	marginCode = 4 // from the page's edge, which many printers leave white
	gapAround  = 1 // to what else stands on the page
)

// codeMark places a document's code: where the request says, else beside the last seal, where
// the page shows nothing. The code has a white ground, and what it would cover stands on the
// page no more.
func (o *Office) codeMark(ctx context.Context, doc *pdf.Document, marks []pdf.Mark, code *pdf.Appearance, r StampRequest) (pdf.Mark, error) {
	at := marks[len(marks)-1]
	m := pdf.Mark{Page: at.Page, Width: codeWidth, Height: codeWidth, Appearance: code}
	if p := r.Code; p != nil {
		if m.X, m.Y = p.X, p.Y; p.Page > 0 {
			m.Page = p.Page
		}
		if overlaps(marks, m.Page, m.X, m.Y, 0) {
			return m, bilingual.Wrap("文件核验码会盖住印章", fmt.Errorf("the document code at %.1f, %.1f mm, %.0f × %.0f mm large, would cover the seal: %w", m.X, m.Y, codeWidth, codeWidth, ErrPlace))
		}
		return m, nil
	}
	page, err := doc.Page(at.Page)
	if err != nil {
		return m, err
	}
	blank, err := o.words.Blank(ctx, doc, doc.Size(), at.Page, page.Width, page.Height)
	if err != nil {
		return m, fmt.Errorf("room for the document code: %w", err)
	}
	fields, err := doc.FieldPlaces(at.Page)
	if err != nil {
		return m, fmt.Errorf("room for the document code: %w", err)
	}
	room := codeRoom{page, blank, fields, marks, at}
	var found bool
	if m.X, m.Y, found = room.nearest(); !found {
		return m, bilingual.Wrap(fmt.Sprintf("第 %d 页没有空处放文件核验码，请指明位置", at.Page), fmt.Errorf("page %d has no empty room of %.0f × %.0f mm for the document code, say where it goes: %w", at.Page, codeWidth, codeWidth, ErrPlace))
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
}

// nearest returns the top left corner of the room: to the left of the seal, else to its right,
// else the nearest there is.
func (c codeRoom) nearest() (float64, float64, bool) {
	middleX, middleY := c.seal.X+c.seal.Width/2, c.seal.Y+c.seal.Height/2
	level := middleY - codeWidth/2.0
	for _, x := range []float64{c.seal.X - gapCode - codeWidth, c.seal.X + c.seal.Width + gapCode} {
		if c.free(x, level) {
			return x, level, true
		}
	}
	const step = 1 // millimetres
	bestX, bestY, best := 0.0, 0.0, math.Inf(1)
	for y := float64(marginCode); y <= c.page.Height-marginCode-codeWidth; y += step {
		for x := float64(marginCode); x <= c.page.Width-marginCode-codeWidth; x += step {
			if away := math.Hypot(x+codeWidth/2.0-middleX, y+codeWidth/2.0-middleY); away < best && c.free(x, y) {
				bestX, bestY, best = x, y, away
			}
		}
	}
	return bestX, bestY, !math.IsInf(best, 1)
}

// free reports that a code may go to a place.
func (c codeRoom) free(x, y float64) bool {
	if x < marginCode || y < marginCode || x+codeWidth > c.page.Width-marginCode || y+codeWidth > c.page.Height-marginCode {
		return false
	}
	for _, f := range c.fields {
		if meets(x, y, gapAround, f[0], f[1], f[2], f[3]) {
			return false
		}
	}
	if overlaps(c.marks, c.seal.Page, x, y, gapAround) {
		return false
	}
	return c.blank.Empty(x-gapAround, y-gapAround, codeWidth+2*gapAround, codeWidth+2*gapAround)
}

// overlaps reports whether a code at a place would come nearer than gap, in millimetres, to
// what this stamp shows on the page.
func overlaps(marks []pdf.Mark, page int, x, y, gap float64) bool {
	return slices.ContainsFunc(marks, func(m pdf.Mark) bool {
		return m.Page == page && meets(x, y, gap, m.X, m.Y, m.Width, m.Height)
	})
}

// meets reports whether a code at a place would come nearer than gap to something else.
func meets(x, y, gap, left, top, width, height float64) bool {
	return x < left+width+gap && left < x+codeWidth+gap && y < top+height+gap && top < y+codeWidth+gap
}
