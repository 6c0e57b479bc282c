package render

import (
	"fmt"

	"github.com/elicence/elicence/internal/typeset"
)

// A box is an upright rectangle in millimetres from the top left of the page.
type box struct{ x, y, width, height float64 }

func (b box) right() float64  { return b.x + b.width }
func (b box) bottom() float64 { return b.y + b.height }

// An item is something with a place on a page. Items do not overlap.
type item struct {
	box
	draw func(c *typeset.Canvas)
}

// A page is what stands on one sheet of paper: grounds and lines first, the items
// over them.
type page struct {
	under []func(c *typeset.Canvas)
	items []item
	panel box // of a card
}

// The column of text. The frame of a certificate is 8 mm away from it.
const (
	left, right = 26.0, 184.0
	width       = right - left
	centre      = pageWidth / 2
	bottom      = 266.0 // below it there is only the small print
	smallPrint  = 273.0
)

// ascent is how far an em box reaches above the baseline, in ems.
const ascent = 0.88

// A layout finds the place of everything before anything is drawn.
type layout struct {
	*texts
	skin         skin
	modules      [][]bool
	codeRoom     float64 // of a code whose modules are not known
	pages        []*page
	sealX, sealY float64
	codeX, codeY float64
}

func newLayout(sheet *Sheet) (*layout, error) {
	skin, ok := skinOf(sheet.Kind)
	if !ok {
		return nil, fmt.Errorf("%w: kind %q is unknown", ErrSheet, sheet.Kind)
	}
	texts, err := setTexts(sheet, skin)
	if err != nil {
		return nil, err
	}
	l := &layout{texts: texts, skin: skin}
	if sheet.Code != nil {
		l.modules, l.codeRoom = sheet.Code.Modules, sheet.Code.Room
	}
	return l, nil
}

func (l *layout) newPage() *page {
	p := &page{}
	l.pages = append(l.pages, p)
	return p
}

// arrange gives everything its place: the head of the first page, its foot, the
// fields between them, and what is left on continuation pages.
func (l *layout) arrange() {
	first := l.newPage()
	top := l.head(first)
	foot := l.footHeight()
	area := box{left, top, width, bottom - foot - footGap - top}
	end := l.arrangeFields(first, area)
	footTop := bottom - foot
	if l.skin.look == card && len(l.pages) == 1 {
		footTop = end + footGap // the panel ends where its content ends
	}
	l.foot(first, footTop)
	for i, p := range l.pages {
		p.panel = box{panelX, panelY, pageWidth - 2*panelX, bottom + 12 - panelY}
		if i == 0 {
			p.panel.height = footTop + foot + 7 - panelY
		}
		l.smallPrint(p, i)
		if l.bound != nil {
			l.bound.notes(p)
		}
	}
}

// text adds a text with its baseline beginning at (x, y).
func (p *page) text(x, y float64, t typeset.Text) {
	if t.Empty() {
		return
	}
	p.items = append(p.items, item{
		box{x, y - ascent*t.Em(), t.Width(), t.Em()},
		func(c *typeset.Canvas) { c.Text(x, y, t) },
	})
}

// centred adds a text with the middle of its baseline at (x, y).
func (p *page) centred(x, y float64, t typeset.Text) { p.text(x-t.Width()/2, y, t) }

// stack adds lines centred at x, the em box of the first one beginning at y, and
// returns where the last one ends.
func (p *page) stack(x, y, leading float64, lines []typeset.Text) float64 {
	for _, line := range lines {
		p.centred(x, y+ascent*line.Em(), line)
		y += leading * line.Em()
	}
	if n := len(lines); n > 0 {
		y -= (leading - 1) * lines[n-1].Em()
	}
	return y
}

// ground adds something that lies under the items.
func (p *page) ground(draw func(c *typeset.Canvas)) { p.under = append(p.under, draw) }

// smallPrint adds the identifier and the number of the page at the foot.
func (l *layout) smallPrint(p *page, i int) {
	y := smallPrint
	if l.skin.look == card && i == 0 {
		y = p.panel.bottom() + 6
	}
	room := width
	if n := len(l.pages); n > 1 {
		folio := song(7, mute)
		text, err := folio.Set(fmt.Sprintf("第 %d 页，共 %d 页  %d/%d", i+1, n, i+1, n))
		if err != nil {
			panic("render: the embedded faces lack a digit: " + err.Error()) // a test sets this text
		}
		p.text(right-text.Width(), y, text)
		room -= text.Width() + 4
	}
	identifier, _ := l.identifier.Shrink(room, 3)
	p.text(left, y, identifier)
}

// draw draws the pages into a document.
func (l *layout) draw(doc *typeset.Document) error {
	var marks *typeset.Canvas
	if l.bound != nil {
		var err error
		if marks, err = l.bound.block(doc); err != nil {
			return err
		}
	}
	frame := doc.Form(pageWidth, pageHeight)
	if l.skin.look == certificate {
		drawFrame(frame, doc, l.skin)
	}
	for i, p := range l.pages {
		c := doc.Page(pageWidth, pageHeight)
		switch l.skin.look {
		case certificate:
			c.Draw(0, 0, frame)
			if i == 0 {
				drawWatermark(c, doc, l.skin, centre, 150)
			}
		case card:
			drawPanel(c, l.skin, p.panel)
			if i == 0 {
				drawWatermark(c, doc, l.skin, centre, p.panel.y+p.panel.height/2)
			}
		}
		if marks != nil {
			drawMarks(c, marks)
		}
		for _, draw := range p.under {
			draw(c)
		}
		for _, item := range p.items {
			item.draw(c)
		}
	}
	return nil
}
