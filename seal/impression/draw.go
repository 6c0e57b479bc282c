package impression

import (
	"fmt"
	"math"
	"strings"
)

// A Drawing is a finished impression. It is immutable.
type Drawing struct {
	width, height float64
	perMM         int // units of the shape
	shape         shape
}

// Size is the width and height of the impression in millimetres.
func (d *Drawing) Size() (float64, float64) { return d.width, d.height }

// Draw draws a seal. Errors wrap [ErrSpec], or are a *typeface.MissingRuneError.
func Draw(spec Spec) (*Drawing, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	if spec.Kind == Traced {
		traced, err := retrace(spec.Outline, spec.WidthMM, spec.HeightMM)
		if err != nil {
			return nil, err
		}
		var p plan
		p.upright(traced, 0, 0)
		p[0].within = tracedWithin
		return p.draw(spec), nil
	}
	l := layout{spec: spec, cx: spec.WidthMM / 2, cy: spec.HeightMM / 2}
	for _, part := range []struct {
		text string
		list *[]letter
	}{{spec.Text, &l.text}, {spec.Line, &l.line}, {spec.Code, &l.code}} {
		list, err := letters(part.text)
		if err != nil {
			return nil, err
		}
		*part.list = list
	}
	draw := l.round
	switch spec.Kind {
	case Oval:
		draw = l.oval
	case Square:
		draw = l.square
	}
	if err := draw(); err != nil {
		return nil, err
	}
	return l.plan.draw(spec), nil
}

func (p plan) draw(spec Spec) *Drawing {
	d := &Drawing{width: spec.WidthMM, height: spec.HeightMM, perMM: p.units()}
	d.shape = p.shape(d.perMM, d.bounds())
	return d
}

// A layout is a seal while it is drawn. All lengths are millimetres.
type layout struct {
	spec             Spec
	cx, cy           float64
	text, line, code []letter
	plan             plan
}

// ring draws the rim of a round or oval seal.
func (l *layout) ring(thick float64) {
	l.plan.ellipse(l.cx, l.cy, l.cx, l.cy, true)
	l.plan.ellipse(l.cx, l.cy, l.cx-thick, l.cy-thick, false)
}

// The proportions of a round seal are those of the customary 42 mm seal: a rim of
// 1.2 mm, a star of 14 mm, letters of 6 mm for a name of ten characters.
func (l *layout) round() error {
	diameter := l.spec.WidthMM
	radius := diameter / 2
	thick := min(max(diameter/35, 0.8), 1.5)
	l.ring(thick)
	room := radius - thick - 0.018*diameter // where the heads of the letters may reach

	codeArc := l.roundCode(room)
	foot := 0.0 // how far below the centre what is in it ends
	switch l.spec.Centre {
	case Star:
		l.plan.star(l.cx, l.cy, diameter/6)
		foot = diameter / 6 * math.Cos(math.Pi/5)
	case Emblem:
		var err error
		if foot, err = l.emblem(); err != nil {
			return err
		}
	}

	n := shares(l.text)
	height := diameter * min(max(0.151-0.0021*(n-8), 0.082), 0.151)
	feet := newRim(l.cx, l.cy, room-height, room-height)
	arc := circleArc(n)
	if len(l.line) > 0 {
		arc = min(arc, 252)
	}
	arc = min(arc, 360-codeArc)
	em, width := l.spacing(feet.length()*arc/360, height, 0.82)
	l.plan.write(feet, l.text, em, width, height)

	if len(l.line) == 0 {
		return nil
	}
	inner := room - height - 0.025*diameter
	outer := room
	if len(l.code) > 0 {
		outer -= 0.055 * diameter
	}
	// The gap between the last and the first letter is a wedge below the centre.
	half := (360-arc)/2*math.Pi/180 - 0.6*width/feet.rx
	clear := func(y float64) float64 {
		chord := func(r float64) float64 { return math.Sqrt(max(r*r-y*y, 0)) }
		return max(chord(inner), min(y*math.Tan(half), chord(outer)))
	}
	return l.lineBelow(foot+0.03*diameter, 0.105*diameter, clear)
}

// emblemBox is the room of the emblem in the centre of a round seal: its width, and how
// tall it may be.
func emblemBox(diameter float64) (width, tallest float64) { return diameter / 3, 0.38 * diameter }

// emblem draws the emblem, or where the design has none yet a ring around the word for it:
// a place-holder, which nobody takes for an emblem. It returns how far below the centre
// that ends.
func (l *layout) emblem() (float64, error) {
	width, tallest := emblemBox(l.spec.WidthMM)
	if l.spec.Outline == "" {
		word, err := letters("国徽")
		if err != nil {
			return 0, err
		}
		radius := width / 2
		l.plan.ellipse(l.cx, l.cy, radius, radius, true)
		l.plan.ellipse(l.cx, l.cy, radius-0.2, radius-0.2, false)
		l.plan.row(word, l.cx, l.cy+0.16*width, 0.3*width, 0.32*width)
		return radius, nil
	}
	traced, err := retrace(l.spec.Outline, width, tallest)
	if err != nil {
		return 0, err
	}
	_, corner, _ := traced.Bounds()
	l.plan.upright(traced, l.cx-width/2, l.cy-corner.Y/2)
	return corner.Y / 2, nil
}

// circleArc is how many degrees a text of n ideographs spans on a round seal, from
// its first to its last middle: few characters gather at the top, many leave a
// gap of about 60° at the bottom.
func circleArc(n float64) float64 { return 300 * (1 - math.Exp(-n/6.5)) }

// spacing divides a way among the letters of the text: the way one ideograph
// takes, and how wide it is drawn, at most widest times its height.
func (l *layout) spacing(way, height, widest float64) (float64, float64) {
	at := centres(l.text)
	em := way / at[len(at)-1]
	// Letters that are narrow because the text is long keep less air than others.
	return em, min(height*widest, em*0.9)
}

// roundCode writes the code along the lower rim and returns the degrees that the
// text must leave free for it.
func (l *layout) roundCode(room float64) float64 {
	if len(l.code) == 0 {
		return 0
	}
	height := 0.036 * l.spec.WidthMM
	width := height * 0.95
	feet := newRim(l.cx, l.cy, room, room)
	l.plan.writeBelow(feet, l.code, width*1.1, width, height)
	return 360*shares(l.code)*width*1.1/feet.length() + 30
}

// lineBelow writes the line with its heads from top downwards of the centre, as
// tall as at most height. clear gives half the free width at a distance below the
// centre.
func (l *layout) lineBelow(top, height float64, clear func(y float64) float64) error {
	n := shares(l.line)
	for ; height >= 1.8; height *= 0.95 {
		free := math.Inf(1)
		for i := range 21 {
			free = min(free, clear(top+height*float64(i)/20))
		}
		width := min(height*0.92, 2*free/n)
		if width >= 0.62*height {
			l.plan.row(l.line, l.cx, l.cy+top+height, width, height)
			return nil
		}
	}
	return fmt.Errorf("%w: line: no room for %q below the centre", ErrSpec, l.spec.Line)
}

// The oval seal is laid out like the invoice seal of the tax administration: name
// above, number across the middle, kind of seal below.
func (l *layout) oval() error {
	const thick, air = 1.0, 0.5
	l.ring(thick)
	scale := l.spec.HeightMM / 30
	n := shares(l.text)
	height := scale * min(max(4.2-0.06*(n-12), 2.8), 4.2)
	inset := thick + air + height
	feet := newRim(l.cx, l.cy, l.cx-inset, l.cy-inset)
	em, width := l.spacing(feet.length()*circleArc(n)/360*0.8, height, 0.8)
	l.plan.write(feet, l.text, em, width, height)

	chord := func(rx, ry, y float64) float64 { return rx * math.Sqrt(max(1-y*y/(ry*ry), 0)) }
	if len(l.code) > 0 {
		height := 3.7 * scale
		free := 2 * chord(feet.rx-0.5, feet.ry, height/2)
		width := min(height*0.9, free/shares(l.code))
		l.plan.row(l.code, l.cx, l.cy+height/2, width, height)
	}
	if len(l.line) == 0 {
		return nil
	}
	top := 3.6 * scale
	if len(l.code) == 0 {
		top = 1 * scale
	}
	return l.lineBelow(top, 4.6*scale, func(y float64) float64 {
		return min(chord(feet.rx, feet.ry+height*0.6, y), chord(l.cx-thick-air, l.cy-thick-air, y)) - 0.5
	})
}

// The square seal holds a name in columns, read downwards and from right to left. Each column
// fills the height of the seal, however many letters it has.
func (l *layout) square() error {
	side := l.spec.WidthMM
	thick := side * 0.05
	l.plan.polygon([2]float64{0, 0}, [2]float64{side, 0}, [2]float64{side, side}, [2]float64{0, side})
	l.plan.polygon([2]float64{thick, thick}, [2]float64{thick, side - thick},
		[2]float64{side - thick, side - thick}, [2]float64{side - thick, thick})
	margin := thick * 1.7
	columns := l.columns()
	width := (side - 2*margin) / float64(len(columns))
	for i, column := range columns {
		x := side - margin - (float64(i)+0.5)*width
		taken := 0.0
		for _, c := range column {
			taken += c.rows()
		}
		height := (side - 2*margin) / taken
		y := margin
		for _, c := range column {
			middle := y + c.rows()*height/2
			l.plan.place(c.letter, x, middle+0.48*height, 0.96*width, 0.96*height, 0, -1)
			y += c.rows() * height
		}
	}
	return nil
}

// A cell is a letter of a column, or the dot between the parts of a name (阿依古丽·买买提).
type cell struct {
	letter
	dot bool
}

// rows is how much of a column it takes: a dot needs little.
func (c cell) rows() float64 {
	if c.dot {
		return 0.35
	}
	return 1
}

// columns divides the letters of a name evenly, the first columns having one more where that
// is not possible. A dot stays with the letter before it.
func (l *layout) columns() [][]cell {
	n := 0
	var cells []cell
	for i, r := range []rune(l.spec.Text) {
		c := cell{l.text[i], strings.ContainsRune("·•・‧", r)}
		if !c.dot {
			n++
		}
		cells = append(cells, c)
	}
	// Five letters stand better in two columns than in three.
	left := max(int(math.Ceil(math.Sqrt(float64(n))-0.25)), 1)
	columns := make([][]cell, 0, left)
	for ; left > 0; left-- {
		room := (n + left - 1) / left
		n -= room
		i := 0
		for i < len(cells) && (room > 0 || cells[i].dot || left == 1) {
			if !cells[i].dot {
				room--
			}
			i++
		}
		columns = append(columns, cells[:i])
		cells = cells[i:]
	}
	return columns
}
