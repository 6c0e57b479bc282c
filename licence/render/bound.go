package render

import (
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/typeset"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/boundcopy"
	"github.com/elicence/elicence/licence/catalogue"
)

// Bound is what a purpose-bound copy (加注件) says on every page: across the page in
// outlines below the text, and in a line at its head and foot.
type Bound struct {
	Recipient, Purpose, Until, Number string
	Statement                         Attachment // the signed form of this
}

// CodeRoom is the width in millimetres of the code that is stamped on a copy, with its quiet zone.
const CodeRoom = 40.0

// CopyOf makes the sheet of a purpose-bound copy. It does not carry the licence's own
// code, which would say nothing of the purpose: there is room for the copy's.
func CopyOf(l *licence.Licence, c *catalogue.Category, signed []byte, b *boundcopy.Copy, statement []byte, images func([sm3.Size]byte) ([]byte, error)) (Sheet, error) {
	s, err := of(l, c, signed, images)
	if err != nil {
		return Sheet{}, err
	}
	id := sm3.Sum(statement)
	s.ID, s.Time = [16]byte(id[:16]), b.SignedAt
	s.Code = &Code{Room: CodeRoom, Caption: "扫码核验加注件 Scan to verify this copy"}
	s.Bound = &Bound{
		Recipient: b.Recipient, Purpose: b.Purpose, Until: b.Until.String(), Number: b.Number,
		Statement: Attachment{Name: boundcopy.AttachmentName, MediaType: boundcopy.AttachmentType, Data: statement},
	}
	return s, nil
}

// Colours of a copy: the marks across the page, which must not disturb the text, and the
// lines at its head and foot.
const (
	markColour typeset.Colour = 0xD3DAE4
	noteColour typeset.Colour = 0x9B1C1F
)

// boundTexts is what a copy says, set.
type boundTexts struct {
	mark       []typeset.Text // a block across the page
	head, foot []typeset.Text
}

const (
	markWidth = 88.0 // of a block
	markAngle = -28  // degrees
	markSize  = 17.0 // points
	noteWidth = 186.0
	noteHead  = 3.6   // where the line at the head begins
	noteFoot  = 289.6 // and that at the foot
)

// bound sets the texts of a copy; nil for the licence itself.
func (s *setter) bound(b *Bound) *boundTexts {
	if b == nil {
		return nil
	}
	t := &boundTexts{}
	for _, line := range []string{"仅供 " + b.Recipient, "用于 " + b.Purpose, "有效期至 " + b.Until} {
		lines, _ := s.line("purpose of the copy", line, maxName, song(markSize, markColour)).Fit(markWidth, 2, 7)
		t.mark = append(t.mark, lines...)
	}
	t.head, _ = s.line("purpose of the copy", "加注件 COPY　仅供 "+b.Recipient+" 用于 "+b.Purpose, 2*maxName, song(8, noteColour)).Fit(noteWidth, 2, 6)
	t.foot, _ = s.line("term of the copy", "有效期至 "+b.Until+"，逾期或挪作他用无效　For this recipient and purpose only, until "+b.Until+"　No. "+b.Number,
		2*maxName, song(8, noteColour)).Fit(noteWidth, 2, 6)
	return t
}

// block is the form with the marks, drawn once for all pages. They are outlines, so that
// who copies the text of a page does not get them between its words.
func (t *boundTexts) block(doc *typeset.Document) (*typeset.Canvas, error) {
	height := 0.0
	for _, line := range t.mark {
		height += 1.35 * line.Em()
	}
	form := doc.Form(markWidth, height)
	y := 0.0
	for _, line := range t.mark {
		outline, err := line.Outline((markWidth-line.Width())/2, y+ascent*line.Em())
		if err != nil {
			return nil, fmt.Errorf("purpose of the copy: %w", err)
		}
		form.Fill(outline, markColour)
		y += 1.35 * line.Em()
	}
	return form, nil
}

// drawMarks puts the marks on a page in two columns, clear of a frame.
func drawMarks(c, block *typeset.Canvas) {
	const step = 57.0
	for y := 54.0; y < pageHeight-50; y += step {
		for _, x := range []float64{64, 146} {
			c.DrawTurned(x, y, markAngle, block)
		}
	}
}

// notes adds the lines at the head and the foot of a page.
func (t *boundTexts) notes(p *page) {
	p.stack(centre, noteHead, 1.1, t.head)
	p.stack(centre, noteFoot, 1.1, t.foot)
}
