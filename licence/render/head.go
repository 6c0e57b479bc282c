package render

import (
	"strings"

	"github.com/elicence/elicence/internal/typeset"
)

// Where the panel of a card begins.
const panelX, panelY = 17.0, 20.0

// creditCode is a term of titles that is not torn apart.
const creditCode = "统一社会信用代码"

// titleLines breaks the title into one line or, where it is too long, two: after a
// comma or before [creditCode] near its middle, else into even halves.
func (l *layout) titleLines() []typeset.Text {
	if one, ok := l.title.Shrink(width-6, 19); ok {
		return []typeset.Text{one}
	}
	const size = 21
	two := l.title.At(size)
	runes := []rune(l.title.String())
	for i, r := range runes {
		breaks := strings.ContainsRune("、，", r) || strings.HasPrefix(string(runes[i+1:]), creditCode)
		if third := two.Len() / 3; breaks && i >= third && i < two.Len()-third {
			if head, tail := two.Cut(i + 1); max(head.Width(), tail.Width()) <= width {
				return []typeset.Text{head, tail}
			}
		}
	}
	if lines := two.Lines(two.Width()/2 + 1.5*two.Em()); len(lines) == 2 && lines[0].Width() <= width {
		return lines
	}
	lines, _ := two.Fit(width, 3, 12)
	return lines
}

func (l *layout) englishLines() []typeset.Text {
	if l.titleEn.Empty() {
		return nil
	}
	if one, ok := l.titleEn.Shrink(width-6, 8); ok {
		return []typeset.Text{one}
	}
	lines, _ := l.titleEn.Fit(width-6, 2, 5)
	return lines
}

// head sets title, English title and number and returns where the fields begin.
func (l *layout) head(p *page) float64 {
	switch l.skin.look {
	case card:
		return l.cardHead(p)
	case decision:
		return l.decisionHead(p)
	}
	y := p.stack(centre, 31, 1.3, l.titleLines())
	y = p.stack(centre, y+3.5, 1.3, l.englishLines()) + 5
	ornament := &typeset.Path{}
	for _, side := range []float64{-1, 1} {
		ornament.Move(centre+side*3, y-0.35)
		ornament.Line(centre+side*38, y)
		ornament.Line(centre+side*3, y+0.35)
		ornament.Close()
	}
	ornament.Move(centre, y-1.2)
	ornament.Line(centre+1.7, y)
	ornament.Line(centre, y+1.2)
	ornament.Line(centre-1.7, y)
	ornament.Close()
	p.ground(func(c *typeset.Canvas) { c.Fill(ornament, l.skin.dark) })
	y += 5
	if !l.number.Empty() {
		l.numberLine(p, centre, 0.5, y+ascent*l.number.Em())
		y += l.number.Em() + 5
	}
	return y + 2
}

// numberLine sets "编号 No. …"; at is the x of the part of it (0 begin, 1 end).
func (l *layout) numberLine(p *page, at, part, y float64) {
	if l.number.Empty() {
		return
	}
	const gap = 2.0
	number, _ := l.number.Shrink(width-l.numberLabel.Width()-gap, 5)
	x := at - part*(l.numberLabel.Width()+gap+number.Width())
	p.text(x, y, l.numberLabel)
	p.text(x+l.numberLabel.Width()+gap, y, number)
}

// decisionHead has the double rule of official documents under the title.
func (l *layout) decisionHead(p *page) float64 {
	y := p.stack(centre, 28, 1.3, l.titleLines())
	y = p.stack(centre, y+3.5, 1.3, l.englishLines()) + 5
	rules := &typeset.Path{}
	rules.Rect(left, y, width, 0.9)
	rules.Rect(left, y+1.7, width, 0.25)
	p.ground(func(c *typeset.Canvas) { c.Fill(rules, l.skin.dark) })
	y += 6
	if !l.number.Empty() {
		l.numberLine(p, right, 1, y+ascent*l.number.Em())
		y += l.number.Em() + 5
	}
	return y + 1
}

// cardHead is white on the band at the top of the panel.
func (l *layout) cardHead(p *page) float64 {
	y := p.stack(centre, panelY+6, 1.3, l.titleLines())
	y = p.stack(centre, y+2.5, 1.3, l.englishLines()) + 5
	band := y
	p.ground(func(c *typeset.Canvas) { drawBand(c, l.skin, p.panel, band) })
	y += 6
	if !l.number.Empty() {
		l.numberLine(p, right, 1, y+ascent*l.number.Em())
		y += l.number.Em() + 4
	}
	return y + 1
}

// panelRadius is that of the corners of a card.
const panelRadius = 5.0

func drawPanel(c *typeset.Canvas, s skin, panel box) {
	ground := &typeset.Path{}
	ground.RoundRect(panel.x, panel.y, panel.width, panel.height, panelRadius)
	c.Fill(ground, white)
	c.Stroke(ground, 0.5, s.dark)
	inner := &typeset.Path{}
	inner.RoundRect(panel.x+1.3, panel.y+1.3, panel.width-2.6, panel.height-2.6, panelRadius-1)
	c.Stroke(inner, 0.15, s.pale)
}

// drawBand colours the top of the panel down to y, with a line of waves below.
func drawBand(c *typeset.Canvas, s skin, panel box, y float64) {
	band := &typeset.Path{}
	band.RoundRect(panel.x, panel.y, panel.width, y-panel.y, panelRadius)
	band.Rect(panel.x, y-panelRadius, panel.width, panelRadius)
	c.Fill(band, s.dark)
	edge := &typeset.Path{}
	edge.Rect(panel.x, y+0.7, panel.width, 0.5)
	c.Fill(edge, s.pale)
}
