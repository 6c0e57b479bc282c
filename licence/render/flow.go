package render

import (
	"math"

	"github.com/elicence/elicence/internal/typeset"
)

// The photograph of the holder stands at the right of the first fields.
const (
	photoWidth       = 33.0
	couplePhotoWidth = 52.0
	photoHeight      = 45.0
	photoGap         = 5.0
	gutter           = 6.0 // between two short fields side by side, and between pictures
	widestGap        = 7.5 // between two fields, however few they are
	moreTop          = 44.0
)

// A flow fills an area with fields from the top.
type flow struct {
	l           *layout
	density     density
	gap         float64
	area, photo box
	y           float64
	cells       []cell
	queue       []field
}

func (l *layout) newFlow(area, photo box, d density, gap float64, queue []field) *flow {
	return &flow{l: l, density: d, gap: gap, area: area, photo: photo, y: area.y, queue: queue}
}

// fill takes fields from the queue for as long as they fit.
func (f *flow) fill() {
	for len(f.queue) > 0 && f.take() {
	}
}

// width is that of the area at the present height.
func (f *flow) width() float64 {
	if f.photo.width > 0 && f.y < f.photo.bottom()+1 {
		return f.photo.x - photoGap - f.area.x
	}
	return f.area.width
}

// passPhoto moves the flow below the photograph if the next field is a long text that
// would begin beside the last of it and go on below, in a needlessly narrow column.
func (f *flow) passPhoto() {
	const little = 20.0 // mm of photograph
	below := f.photo.bottom() + 4
	if f.width() == f.area.width || below-f.y > little {
		return
	}
	c := f.l.measure(f.queue[0], f.width(), f.density)
	if len(c.value) > 3 && f.y+c.height > below {
		f.y = below
	}
}

// take places the next field, or on a card the next two if both are short. False
// says that there is no room.
func (f *flow) take() bool {
	f.passPhoto()
	width := f.width()
	half := (width - gutter) / 2
	row := []cell{f.l.measure(f.queue[0], width, f.density)}
	if f.l.skin.look == card && len(f.queue) > 1 && f.short(f.queue[0], half) && f.short(f.queue[1], half) {
		row = []cell{f.l.measure(f.queue[0], half, f.density), f.l.measure(f.queue[1], half, f.density)}
	}
	height := 0.0
	for i := range row {
		height = max(height, row[i].height)
		row[i].x, row[i].y = f.area.x+float64(i)*(half+gutter), f.y
	}
	if f.y+height > f.area.bottom() {
		return false
	}
	f.cells = append(f.cells, row...)
	f.queue = f.queue[len(row):]
	f.y += height + f.gap
	return true
}

// short tells a field that needs one line of the given width.
func (f *flow) short(field field, width float64) bool {
	c := f.l.measure(field, width, f.density)
	return len(c.value) == 1 && len(c.zh) == 1 && c.value[0].Width() <= width
}

// split places the lines of the next field that still fit, if they are at least
// two, and leaves the others in the queue.
func (f *flow) split() {
	c := f.l.measure(f.queue[0], f.width(), f.density)
	c.x, c.y = f.area.x, f.y
	em := c.value[0].Em()
	fits := int(math.Floor((f.area.bottom()-f.y-c.first-(1-ascent)*em)/(leading*em))) + 1
	if fits < 2 || fits >= len(c.value) || f.y+c.labelHeight() > f.area.bottom() {
		return
	}
	rest := f.queue[0]
	_, rest.value = rest.value.Cut(c.value[fits].Start())
	rest.en = f.l.again
	c.value = c.value[:fits]
	c.height = f.area.bottom() - f.y
	f.cells = append(f.cells, c)
	f.queue = append([]field{rest}, f.queue[1:]...)
	f.y = f.area.bottom()
}

// end is where the content ends: the last field or the photograph.
func (f *flow) end() float64 { return max(f.y-f.gap, f.photo.bottom()) }

// arrangeFields fills the area of the first page and, if it must, further pages.
// It returns where the content of the first page ends.
func (l *layout) arrangeFields(first *page, area box) float64 {
	photo := l.placePhoto(first, area)
	pictures := l.pictureRows()
	room := area
	for _, row := range pictures {
		room.height -= row.height + gutter
	}
	for _, d := range densities() {
		f := l.newFlow(room, photo, d, d.gap, l.fields)
		if f.fill(); len(f.queue) > 0 || f.end() > room.bottom() {
			continue
		}
		for gap := widestGap; gap > d.gap; gap -= 0.5 {
			wide := l.newFlow(room, photo, d, gap, l.fields)
			if wide.fill(); len(wide.queue) == 0 && wide.end() <= room.bottom() {
				f = wide
				break
			}
		}
		l.placeCells(first, f)
		return l.placePictures(first, f.end(), pictures)
	}

	// Too much for one page, whatever the size.
	area.height -= l.overleaf.Em() + 2
	f := l.newFlow(area, photo, continued(), continued().gap, l.fields)
	f.fill()
	if len(f.queue) > 0 {
		f.split()
	}
	l.placeCells(first, f)
	first.text(right-l.overleaf.Width(), area.bottom()+1+l.overleaf.Em(), l.overleaf)
	l.arrangeMore(f.queue, pictures)
	return area.bottom() + 2 + l.overleaf.Em()
}

// arrangeMore sets what is left on continuation pages.
func (l *layout) arrangeMore(queue []field, pictures []pictureRow) {
	p := l.newPage()
	area := l.moreHead(p)
	y := area.y
	for len(queue) > 0 {
		f := l.newFlow(area, box{}, continued(), continued().gap, queue)
		f.fill()
		if len(f.queue) > 0 {
			f.split()
		}
		l.placeCells(p, f)
		y, queue = f.end(), f.queue
		if len(queue) > 0 {
			p = l.newPage()
			area = l.moreHead(p)
		}
	}
	for _, row := range pictures {
		if y+gutter+row.height > area.bottom() {
			p = l.newPage()
			area = l.moreHead(p)
			y = area.y
		}
		y = l.placePictures(p, y, []pictureRow{row})
	}
}

// moreHead is the head of a continuation page: title, holder and number again. It
// returns the area for the fields.
func (l *layout) moreHead(p *page) box {
	title, _ := l.smallTitle.Fit(width, 2, 8)
	y := p.stack(centre, 27, 1.3, title) + 3
	if !l.holder.Empty() {
		lines, _ := l.holder.Fit(width, 3, 6)
		y = p.stack(centre, y, 1.3, lines) + 2
	}
	if !l.number.Empty() {
		l.numberLine(p, centre, 0.5, y+ascent*l.number.Em())
		y += l.number.Em() + 2
	}
	rule := &typeset.Path{}
	rule.Rect(left, y+1, width, 0.3)
	p.ground(func(c *typeset.Canvas) { c.Fill(rule, l.skin.dark) })
	y = max(y+6, moreTop)
	return box{left, y, width, bottom - y}
}

// placeCells puts fields on a page, with the lines between them.
func (l *layout) placeCells(p *page, f *flow) {
	lines := &typeset.Path{}
	cells := &typeset.Path{}
	for _, c := range f.cells {
		l.place(p, c)
		switch l.skin.look {
		case certificate:
			lines.Rect(c.x+c.valueX, c.bottom()+f.gap/2-0.05, c.width-c.valueX, 0.1)
		case card:
			lines.Rect(c.x, c.bottom()+f.gap/2-0.05, c.width, 0.1)
		case decision:
			top, height := c.y-f.gap/2, c.height+f.gap
			cells.Rect(c.x, top, labelColumn-cellPadding, height)
			lines.Rect(c.x, top, c.width, height)
			lines.Rect(c.x, top, labelColumn-cellPadding, height)
		}
	}
	p.ground(func(c *typeset.Canvas) {
		c.Fill(cells, l.skin.wash)
		if l.skin.look == decision {
			c.Stroke(lines, 0.18, l.skin.pale)
		} else {
			c.Fill(lines, l.skin.pale)
		}
	})
}
