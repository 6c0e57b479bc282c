package impression

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Reread is [Draw] for a seal that was drawn before: it takes the shape from the picture,
// byte for byte what [Drawing.SVG] wrote of this design. It needs no typeface, and a seal
// goes on looking as it was made when the drawing of new ones has changed.
func Reread(svg []byte, spec Spec) (*Drawing, error) {
	_, path, _ := bytes.Cut(svg, []byte(` d="`))
	path, _, ok := bytes.Cut(path, []byte(`"`))
	if !ok || len(svg) > MaxPictureBytes {
		return nil, fmt.Errorf("%w: the picture is not one of ours", ErrSpec)
	}
	d := &Drawing{title: spec.Text, width: spec.WidthMM, height: spec.HeightMM}
	if spec.Kind != Traced {
		d.title += spec.Line
	}
	if err := d.follow(string(path), true); err != nil {
		return nil, err
	}
	if !bytes.Equal(d.SVG(), svg) {
		return nil, fmt.Errorf("%w: the picture is another than the design says", ErrSpec)
	}
	return d, nil
}

// retrace makes the drawing of a traced design. Its outline is read strictly: what
// [Trace] writes, within the bounds of the seal.
func retrace(spec Spec) (*Drawing, error) {
	d := &Drawing{title: spec.Text, width: spec.WidthMM, height: spec.HeightMM}
	if err := d.follow(spec.Outline, false); err != nil {
		return nil, err
	}
	return d, nil
}

// follow adds a path, with curves or without.
func (d *Drawing) follow(path string, curves bool) error {
	p := outlineReader{rest: path}
	var at, start point
	open := false
	for p.rest != "" && p.err == nil {
		letter := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case letter == 'm' && !open:
			at = p.point(at)
			start, open = at, true
			d.shape = append(d.shape, step{op: move, to: at})
		case letter == 'l' && open:
			at = p.point(at)
			d.shape = append(d.shape, step{op: line, to: at})
		case letter == 'q' && open && curves:
			control := p.point(at)
			p.space()
			at = p.point(at)
			d.shape = append(d.shape, step{quad, control, at})
		case letter == 'z' && open:
			at, open = start, false
			d.shape = append(d.shape, step{op: shut})
		default:
			p.fail("%q does not fit in", letter)
		}
		if at.x < 0 || at.y < 0 || float64(at.x) > 100*d.width+1 || float64(at.y) > 100*d.height+1 {
			p.fail("it leaves the seal")
		}
		if len(d.shape) > traceSteps {
			p.fail("it has too many pieces")
		}
	}
	if open || len(d.shape) == 0 {
		p.fail("it does not end")
	}
	return p.err
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
