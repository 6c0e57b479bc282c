package impression

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/seal/svgz"
)

// Reread is [Draw] for a seal that was drawn before: it takes the shape from the picture,
// byte for byte what [Drawing.SVG] wrote of this design, now or in the form of before, or
// that compressed. It needs no typeface, and a seal goes on looking as it was made when the
// drawing of new ones has changed.
func Reread(picture []byte, spec Spec) (*Drawing, error) {
	svg, err := svgz.Expand(picture)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	path, ok := bytes.CutSuffix(svg, []byte(tail))
	if !ok {
		return nil, fmt.Errorf("%w: the picture is not one of ours", ErrSpec)
	}
	reason := errors.New("the picture is another than the design says")
	for _, form := range []struct {
		perMM    int
		notation notation
	}{{coarse, bare}, {fine, bare}, {coarse, brief}, {fine, brief}, {hundredths, spelled}} {
		d := &Drawing{width: spec.WidthMM, height: spec.HeightMM, perMM: form.perMM}
		head := d.head()
		if form.notation == spelled {
			head = d.headOfBefore(spec)
		}
		path, ok := bytes.CutPrefix(path, head)
		if !ok {
			continue
		}
		if d.shape, err = follow(string(path), d.bounds(), form.notation, true); err != nil {
			reason = err
			continue
		}
		if bytes.Equal(d.file(head, form.notation), svg) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrSpec, reason)
}

// headOfBefore is [Drawing.head] as it was in hundredths of a millimetre, with a title.
func (d *Drawing) headOfBefore(spec Spec) []byte {
	title := spec.Text
	if spec.Kind != Traced {
		title += spec.Line
	}
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, []byte(title)); err != nil {
		panic("impression: writing to memory failed: " + err.Error()) // bytes.Buffer never fails
	}
	b := d.bounds()
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %d %d"><title>%s</title><path fill="#%02X%02X%02X" d="`,
		d.width, d.height, b.x, b.y, escaped.Bytes(), red, green, blue)
}

// bounds is the lower right corner of the drawing.
func (d *Drawing) bounds() point {
	return spot{d.width, d.height}.times(float64(d.perMM)).rounded()
}

// tracedPerMM is how many units a millimetre of [Spec.Outline] has.
const tracedPerMM = 100

// retrace reads a traced outline strictly: what [Trace] and [TraceEmblem] write, within
// a box of width by height millimetres. The outline is in millimetres.
func retrace(path string, width, height float64) (typeface.Outline, error) {
	traced, err := follow(path, spot{tracedPerMM * width, tracedPerMM * height}.rounded(), brief, false)
	if err != nil {
		return nil, err
	}
	var outline typeface.Outline
	var start, at typeface.Point
	length := 0.0
	for _, s := range traced {
		to := typeface.Point{X: float64(s.to.x) / tracedPerMM, Y: float64(s.to.y) / tracedPerMM}
		if s.op == line {
			length += math.Hypot(to.X-at.X, to.Y-at.Y)
		}
		at = to
		switch s.op {
		case move:
			start = to
			outline = append(outline, typeface.Segment{Op: typeface.MoveTo, To: to})
		case line:
			outline = append(outline, typeface.Segment{Op: typeface.LineTo, To: to})
		case shut:
			outline = append(outline, typeface.Segment{Op: typeface.LineTo, To: start})
		}
	}
	if length > traceLength {
		return nil, fmt.Errorf("%w: outline: %.0f mm long, possible are %d", ErrSpec, length, traceLength)
	}
	return outline, nil
}

// follow reads a path that ends at a lower right corner, with curves or without; brief is
// the spelled notation too.
func follow(path string, bounds point, n notation, curves bool) (shape, error) {
	r := outlineReader{rest: path}
	var s shape
	var at, start point
	open, last := false, byte(0)
	for r.rest != "" && r.err == nil {
		letter := r.rest[0]
		switch {
		case letter >= 'a':
			r.rest = r.rest[1:]
		case last == 'm': // without a letter it is as the one before, after a move a line
			letter = 'l'
			r.space()
		default:
			letter = last
			r.space()
		}
		last = letter
		if letter == 'm' && open && n == bare {
			open = false
			s = append(s, step{op: shut})
		}
		switch {
		case letter == 'm' && !open:
			at = r.point(at)
			start, open = at, true
			s = append(s, step{op: move, to: at})
		case letter == 'l' && open:
			at = r.point(at)
			s = append(s, step{op: line, to: at})
		case letter == 'h' && open && n != bare:
			at.x += r.number()
			s = append(s, step{op: line, to: at})
		case letter == 'v' && open && n != bare:
			at.y += r.number()
			s = append(s, step{op: line, to: at})
		case letter == 'q' && open && curves:
			control := r.point(at)
			r.space()
			at = r.point(at)
			s = append(s, step{quad, control, at})
		case letter == 'z' && open && n != bare:
			at, open = start, false
			s = append(s, step{op: shut})
		default:
			r.fail("%q does not fit in", letter)
		}
		if at.x < 0 || at.y < 0 || at.x > bounds.x+1 || at.y > bounds.y+1 {
			r.fail("it leaves the seal")
		}
		if len(s) > traceSteps {
			r.fail("it has too many pieces")
		}
	}
	if n == bare && open {
		open = false
		s = append(s, step{op: shut})
	}
	if open || len(s) == 0 {
		r.fail("it does not end")
	}
	return s, r.err
}

// outlineReader reads numbers of a path and keeps the first error.
type outlineReader struct {
	rest string
	err  error
}

func (r *outlineReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: outline: %s", ErrSpec, fmt.Sprintf(format, args...))
	}
}

// point reads two numbers and adds them to a place.
func (r *outlineReader) point(at point) point {
	x := r.number()
	r.space()
	return point{at.x + x, at.y + r.number()}
}

func (r *outlineReader) space() { r.rest = strings.TrimPrefix(r.rest, " ") }

func (r *outlineReader) number() int {
	n := 0
	for n < len(r.rest) && (r.rest[n] >= '0' && r.rest[n] <= '9' || n == 0 && r.rest[n] == '-') {
		n++
	}
	v, err := strconv.ParseInt(r.rest[:n], 10, 16)
	if err != nil {
		r.fail("%q is not a number within the seal", r.rest[:n])
	}
	r.rest = r.rest[n:]
	return int(v)
}
