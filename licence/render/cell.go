package render

import "github.com/elicence/elicence/internal/typeset"

// A density is a step in the sizes of the fields, in points, with the least space
// between two of them, in millimetres.
type density struct{ value, label, english, gap float64 }

// densities returns the steps from the most generous to the smallest.
func densities() []density {
	return []density{
		{13, 11, 6.5, 3.4},
		{12, 10.5, 6.5, 2.8},
		{11, 10, 6, 2.3},
		{10, 9, 5.5, 1.9},
		{9, 8.5, 5.5, 1.5},
	}
}

// continued is the density of a sheet that needs further pages.
func continued() density { return densities()[2] }

// leading is the distance of two baselines in ems.
const leading = 1.42

// labelColumn is the width of the labels beside the values.
const (
	labelColumn = 41.0
	labelGap    = 4.0
)

// A cell is a field laid out to a width.
type cell struct {
	box
	zh, en, value []typeset.Text
	first         float64 // from the top of the cell to the first baseline of the value
	valueX        float64 // from the left of the cell
	beside        bool    // the English label stands on the line of the Chinese one
}

// measure lays a field out: the labels beside the value or, on a card, above it.
func (l *layout) measure(f field, width float64, d density) cell {
	c := cell{box: box{width: width}}
	labels := width
	if l.skin.look != card {
		c.valueX = labelColumn
		labels = labelColumn - labelGap
		if l.skin.look == decision {
			labels -= cellPadding
		}
	}
	c.zh, _ = f.zh.At(d.label).Fit(labels, 2, 6)
	if !f.en.Empty() {
		c.en, _ = f.en.At(d.english).Fit(labels, 2, 4.5)
	}
	c.value = f.value.At(d.value).Lines(width - c.valueX - l.padding())
	em := max(c.value[0].Em(), c.zh[0].Em())
	if l.skin.look == card {
		c.beside = len(c.zh) == 1 && len(c.en) == 1 && c.zh[0].Width()+labelGap+c.en[0].Width() <= width
		c.first = c.labelHeight() + 1.1 + ascent*em
		c.height = c.first + (1-ascent)*em + c.valueHeight()
	} else {
		c.first = ascent * em
		c.height = max(em+c.valueHeight(), c.labelHeight())
	}
	return c
}

// cellPadding is the space at the sides of a table cell.
const cellPadding = 2.5

func (l *layout) padding() float64 {
	if l.skin.look == decision {
		return cellPadding
	}
	return 0
}

// valueHeight is from the first baseline of the value to the last.
func (c *cell) valueHeight() float64 {
	return leading * c.value[0].Em() * float64(len(c.value)-1)
}

const englishGap = 0.7 // between the Chinese and the English label

func (c *cell) labelHeight() float64 {
	height := 1.15*c.zh[0].Em()*float64(len(c.zh)-1) + c.zh[0].Em()
	if len(c.en) > 0 && !c.beside {
		height += englishGap + 1.15*c.en[0].Em()*float64(len(c.en)-1) + c.en[0].Em()
	}
	return height
}

// place puts the texts of a cell on a page.
func (l *layout) place(p *page, c cell) {
	x := c.x
	y := c.y + ascent*c.zh[0].Em()
	if l.skin.look != card {
		y = c.y + c.first // the first label line and the first value line share a baseline
	}
	if l.skin.look == decision {
		x += cellPadding
	}
	for _, line := range c.zh {
		p.text(x, y, line)
		y += 1.15 * line.Em()
	}
	if c.beside {
		p.text(x+c.zh[0].Width()+labelGap/2, y-1.15*c.zh[0].Em(), c.en[0])
	} else if len(c.en) > 0 {
		y += (1-ascent)*c.zh[0].Em() - 1.15*c.zh[0].Em() + englishGap + ascent*c.en[0].Em()
		for _, line := range c.en {
			p.text(x, y, line)
			y += 1.15 * line.Em()
		}
	}
	room := c.width - c.valueX - l.padding()
	for i, line := range c.value {
		if i+1 < len(c.value) {
			line = line.Spread(room, 0.1)
		}
		p.text(c.x+c.valueX, c.y+c.first+float64(i)*leading*line.Em(), line)
	}
}
