package render

import "github.com/elicence/elicence/internal/typeset"

// A code is printed at least 35 mm wide from its first dark module to its last, and wider
// where its modules would get below 0.4 mm, which a camera reads badly from paper.
const (
	minCode   = 35.0
	minModule = 0.4
	quiet     = 4    // modules of the quiet zone on each side (ISO/IEC 18004)
	sealRoom  = 50.0 // the largest seal whose place is kept free
	footGap   = 4.0  // between the fields and the foot
	// usualModules is the width of a symbol that is not known yet.
	usualModules = 81
)

// codeSize is the width of the code with its quiet zone, or of the room for one; 0: there is none.
func (l *layout) codeSize() float64 {
	if len(l.modules) == 0 {
		return l.codeRoom
	}
	n := float64(len(l.modules))
	return n * max(minModule, minCode/(n-2*quiet))
}

// captionLines breaks the code's caption to the width of the code.
func (l *layout) captionLines() []typeset.Text {
	if l.caption.Empty() {
		return nil
	}
	lines, _ := l.caption.Fit(l.codeSize(), 2, 5)
	return lines
}

// footHeight is the height of the code with its caption, or of the seal.
func (l *layout) footHeight() float64 {
	height := sealRoom - 2
	if l.codeSize() == 0 {
		return height
	}
	code := l.codeSize() + 1
	for _, line := range l.captionLines() {
		code += 1.3 * line.Em()
	}
	return max(height, code)
}

// foot sets the code on the left and the issuing authority on the right, where the
// seal goes over it.
func (l *layout) foot(p *page, top float64) {
	from := left
	if size := l.codeSize(); size > 0 {
		// The dark modules, not their quiet zone, stand in line with the text.
		x := left - quiet*size/float64(max(len(l.modules), usualModules))
		p.items = append(p.items, item{box{x, top, size, size}, func(c *typeset.Canvas) {
			ground := &typeset.Path{}
			ground.Rect(x, top, size, size)
			c.Fill(ground, white)
			c.Fill(typeset.Modules(x, top, size, l.modules), 0)
		}})
		l.codeX, l.codeY = x, top
		p.stack(x+size/2, top+size+0.5, 1.3, l.captionLines())
		from = x + size + 2
	}
	from += max(l.issuerLabel.width(), l.dateLabel.width()) + 2
	l.sealX = max(right-40, from+sealRoom/2)
	l.sealY = top + l.footHeight()/2
	l.signature(p, 2*min(right-l.sealX, l.sealX-from))
}

// signature stacks issuer and date around the middle of the seal, as GB/T 9704-2012,
// 7.3.5.1 has them on official documents: the seal presses both. Their labels stand
// aside of it, where they can be read.
func (l *layout) signature(p *page, room float64) {
	type part struct {
		label label
		lines []typeset.Text
		after float64 // space below, in mm
	}
	var parts []part
	if !l.issuer.Empty() {
		issuer := []typeset.Text{}
		if one, ok := l.issuer.Shrink(room, 12); ok {
			issuer = append(issuer, one)
		} else {
			issuer, _ = l.issuer.At(12).Fit(room, 3, 8)
		}
		parts = append(parts, part{l.issuerLabel, issuer, 4})
	}
	if !l.date.Empty() {
		date, _ := l.date.Fit(room, 2, 5)
		parts = append(parts, part{l.dateLabel, date, 0})
	}
	height, widest := 0.0, sealRoom
	for _, part := range parts {
		for _, line := range part.lines {
			height += 1.3 * line.Em()
			widest = max(widest, line.Width())
		}
		height += part.after
	}
	y := l.sealY - height/2
	for _, part := range parts {
		l.signatureLabel(p, l.sealX-widest/2-2, y+ascent*part.lines[0].Em(), part.label)
		y = p.stack(l.sealX, y, 1.3, part.lines) + part.after
	}
}

// signatureLabel sets a label that ends at x, its first line on a baseline.
func (l *layout) signatureLabel(p *page, x, y float64, label label) {
	x -= label.width()
	p.text(x, y, label.zh)
	p.text(x, y+englishGap+label.en.Em(), label.en)
}
