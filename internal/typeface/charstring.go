package typeface

import (
	"fmt"
	"math"
)

// Limits of a charstring (Adobe Technical Note 5177, Appendix B), and of the work for one
// glyph: nested subroutines could ask for billions of steps with a few bytes.
const (
	maxStack   = 48
	maxHints   = 96
	maxCalls   = 10
	maxCFFWork = 1 << 17
)

// A type2 draws one glyph.
type type2 struct {
	glyph   GlyphID
	global  [][]byte
	local   [][]byte
	stack   []float64
	out     Outline
	now     Point
	start   Point
	open    bool // a contour
	hints   int
	cleared bool // an operator has taken the stack, and with it the width if there is one
	ended   bool
	work    int
}

// outline runs the charstring of a glyph.
func (f *cff) outline(g GlyphID) (Outline, error) {
	if int(g) >= len(f.charstrings) {
		return nil, fmt.Errorf("%w: glyph %d of %d", ErrFormat, g, len(f.charstrings))
	}
	which := 0
	if f.dictionary != nil {
		which = int(f.dictionary[g])
	}
	t := &type2{glyph: g, global: f.global, local: f.local[which]}
	if err := t.run(f.charstrings[g], 0); err != nil {
		return nil, err
	}
	if !t.ended {
		return nil, t.broken("does not end")
	}
	return t.out, nil
}

func (t *type2) broken(format string, args ...any) error {
	return fmt.Errorf("%w: glyph %d %s", ErrFormat, t.glyph, fmt.Sprintf(format, args...))
}

// run runs a charstring or a subroutine.
func (t *type2) run(code []byte, depth int) error {
	c := &cursor{data: code}
	for c.at < len(code) {
		if t.work++; t.work > maxCFFWork || len(t.out) > maxGlyphPoints {
			return t.broken("takes too many steps")
		}
		b := c.u8()
		if b == 28 || b >= 32 {
			t.stack = append(t.stack, number(c, b))
			switch {
			case c.failed:
				return t.broken("is cut short")
			case len(t.stack) > maxStack:
				return t.broken("has more than %d operands", maxStack)
			}
			continue
		}
		var err error
		switch b {
		case 10:
			err = t.call(t.local, depth)
		case 29:
			err = t.call(t.global, depth)
		case 11: // return
			if depth == 0 {
				return t.broken("returns from nowhere")
			}
			return nil
		case 19, 20: // hintmask, cntrmask
			err = t.stems()
			c.skip((t.hints + 7) / 8)
		case 12:
			err = t.flex(c.u8())
		default:
			err = t.operator(b)
		}
		switch {
		case err != nil:
			return err
		case c.failed:
			return t.broken("is cut short")
		case t.ended:
			return nil
		}
	}
	if depth > 0 {
		return t.broken("calls what does not return")
	}
	return nil
}

// number reads a number that begins with b. A cursor that fails gives zero.
func number(c *cursor, b byte) float64 {
	switch {
	case b == 28:
		return float64(c.i16())
	case b <= 246:
		return float64(b) - 139
	case b <= 250:
		return (float64(b)-247)*256 + float64(c.u8()) + 108
	case b <= 254:
		return -(float64(b)-251)*256 - float64(c.u8()) - 108
	}
	return float64(int32(c.u32())) / (1 << 16) //nolint:gosec // two's complement
}

// call runs a subroutine, whose number is on the stack, less the bias.
func (t *type2) call(subroutines [][]byte, depth int) error {
	n := len(t.stack) - 1
	if n < 0 || depth == maxCalls {
		return t.broken("calls nothing, or more than %d levels deep", maxCalls)
	}
	bias := 32768
	switch {
	case len(subroutines) < 1240:
		bias = 107
	case len(subroutines) < 33900:
		bias = 1131
	}
	v := t.stack[n] + float64(bias)
	t.stack = t.stack[:n]
	if v != math.Trunc(v) || v < 0 || v >= float64(len(subroutines)) {
		return t.broken("calls a subroutine that is not there")
	}
	return t.run(subroutines[int(v)], depth+1)
}

// take clears the stack. The first operator to do so may have the glyph's width below its own
// operands.
func (t *type2) take(withWidth bool) ([]float64, error) {
	args := t.stack
	t.stack = t.stack[:0]
	if withWidth {
		if t.cleared {
			return nil, t.broken("has an operand too many")
		}
		args = args[1:]
	}
	t.cleared = true
	return args, nil
}

func (t *type2) stems() error {
	args, err := t.take(len(t.stack)%2 == 1)
	if err != nil {
		return err
	}
	if t.hints += len(args) / 2; t.hints > maxHints {
		return t.broken("has more than %d hints", maxHints)
	}
	return nil
}

func (t *type2) operator(b byte) error {
	n := len(t.stack)
	switch b {
	case 1, 3, 18, 23: // hstem, vstem, hstemhm, vstemhm
		return t.stems()
	case 4: // vmoveto
		return t.move(1, func(a []float64) Point { return Point{0, a[0]} })
	case 22: // hmoveto
		return t.move(1, func(a []float64) Point { return Point{a[0], 0} })
	case 21: // rmoveto
		return t.move(2, func(a []float64) Point { return Point{a[0], a[1]} })
	case 14: // endchar; with four operands it is made of two others
		args, err := t.take(n == 1 || n == 5)
		if err != nil {
			return err
		}
		if len(args) > 0 {
			return t.broken("is composed by endchar, or has operands left")
		}
		t.shut()
		t.ended = true
		return nil
	}
	args, err := t.take(false)
	if err != nil {
		return err
	}
	if !t.open {
		return t.broken("draws without a beginning")
	}
	if !t.draw(b, args) {
		return t.broken("has operator %d with %d operands", b, n)
	}
	return nil
}

// move begins a contour.
func (t *type2) move(count int, way func([]float64) Point) error {
	args, err := t.take(len(t.stack) > count)
	if err != nil {
		return err
	}
	if len(args) != count {
		return t.broken("moves by %d operands", len(args))
	}
	t.shut()
	t.now = t.by(way(args))
	t.start, t.open = t.now, true
	t.out = append(t.out, Segment{Op: MoveTo, To: t.now})
	return nil
}

// shut ends a contour where it began.
func (t *type2) shut() {
	if t.open && t.now != t.start {
		t.out = append(t.out, Segment{Op: LineTo, To: t.start})
	}
	t.open = false
}

func (t *type2) by(d Point) Point { return Point{t.now.X + d.X, t.now.Y + d.Y} }

func (t *type2) line(dx, dy float64) {
	t.now = t.by(Point{dx, dy})
	t.out = append(t.out, Segment{Op: LineTo, To: t.now})
}

func (t *type2) curve(ax, ay, bx, by, cx, cy float64) {
	a := t.by(Point{ax, ay})
	b := Point{a.X + bx, a.Y + by}
	t.now = Point{b.X + cx, b.Y + cy}
	t.out = append(t.out, Segment{Op: CubeTo, Control: a, Second: b, To: t.now})
}

// draw draws lines and curves; false: the operator is unknown, or not for so many operands.
func (t *type2) draw(b byte, a []float64) bool {
	lines := func(a []float64) {
		for ; len(a) >= 2; a = a[2:] {
			t.line(a[0], a[1])
		}
	}
	curves := func(a []float64) {
		for ; len(a) >= 6; a = a[6:] {
			t.curve(a[0], a[1], a[2], a[3], a[4], a[5])
		}
	}
	n := len(a)
	switch {
	case b == 5 && n >= 2 && n%2 == 0: // rlineto
		lines(a)
	case (b == 6 || b == 7) && n >= 1: // hlineto, vlineto
		for i, v := range a {
			if (i%2 == 0) == (b == 6) {
				t.line(v, 0)
			} else {
				t.line(0, v)
			}
		}
	case b == 8 && n >= 6 && n%6 == 0: // rrcurveto
		curves(a)
	case b == 24 && n >= 8 && n%6 == 2: // rcurveline
		curves(a[:n-2])
		lines(a[n-2:])
	case b == 25 && n >= 8 && n%2 == 0: // rlinecurve
		lines(a[:n-6])
		curves(a[n-6:])
	case (b == 26 || b == 27) && n >= 4 && n%4 <= 1: // vvcurveto, hhcurveto
		side := 0.0
		if n%4 == 1 {
			side, a = a[0], a[1:]
		}
		for ; len(a) >= 4; a, side = a[4:], 0 {
			if b == 26 {
				t.curve(side, a[0], a[1], a[2], 0, a[3])
			} else {
				t.curve(a[0], side, a[1], a[2], a[3], 0)
			}
		}
	case (b == 30 || b == 31) && n >= 4 && n%4 <= 1: // vhcurveto, hvcurveto
		for across := b == 31; len(a) >= 4; a, across = a[4:], !across {
			side := 0.0
			if len(a) == 5 {
				side = a[4]
			}
			if across {
				t.curve(a[0], 0, a[1], a[2], side, a[3])
			} else {
				t.curve(0, a[0], a[1], a[2], a[3], side)
			}
		}
	default:
		return false
	}
	return true
}

// flex draws two curves at once. The arithmetic of the other operators of two bytes is for
// fonts of several masters, which there are no more.
func (t *type2) flex(b byte) error {
	a, err := t.take(false)
	if err != nil {
		return err
	}
	if !t.open {
		return t.broken("draws without a beginning")
	}
	switch {
	case b == 35 && len(a) == 13: // flex
		t.curve(a[0], a[1], a[2], a[3], a[4], a[5])
		t.curve(a[6], a[7], a[8], a[9], a[10], a[11])
	case b == 34 && len(a) == 7: // hflex
		t.curve(a[0], 0, a[1], a[2], a[3], 0)
		t.curve(a[4], 0, a[5], -a[2], a[6], 0)
	case b == 36 && len(a) == 9: // hflex1
		t.curve(a[0], a[1], a[2], a[3], a[4], 0)
		t.curve(a[5], 0, a[6], a[7], a[8], -(a[1] + a[3] + a[7]))
	case b == 37 && len(a) == 11: // flex1
		dx, dy := a[0]+a[2]+a[4]+a[6]+a[8], a[1]+a[3]+a[5]+a[7]+a[9]
		t.curve(a[0], a[1], a[2], a[3], a[4], a[5])
		if math.Abs(dx) > math.Abs(dy) {
			t.curve(a[6], a[7], a[8], a[9], a[10], -dy)
		} else {
			t.curve(a[6], a[7], a[8], a[9], -dx, a[10])
		}
	default:
		return t.broken("has operator 12 %d with %d operands", b, len(a))
	}
	return nil
}
