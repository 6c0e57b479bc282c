package impression

import (
	"fmt"
	"strconv"
)

// retrace reads a traced outline strictly: what [Trace] and [TraceEmblem] write, within
// a box of width by height millimetres.
func retrace(outline string, width, height float64) (shape, error) {
	p := outlineReader{rest: outline}
	var traced shape
	var at, start point
	open := false
	for p.rest != "" && p.err == nil {
		letter := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case letter == 'm' && !open:
			at = p.point(at)
			start, open = at, true
			traced = append(traced, step{op: move, to: at})
		case letter == 'l' && open:
			at = p.point(at)
			traced = append(traced, step{op: line, to: at})
		case letter == 'z' && open:
			at, open = start, false
			traced = append(traced, step{op: shut})
		default:
			p.fail("%q does not fit in", letter)
		}
		if at.x < 0 || at.y < 0 || float64(at.x) > 100*width+1 || float64(at.y) > 100*height+1 {
			p.fail("it leaves the seal")
		}
		if len(traced) > traceSteps {
			p.fail("it has too many pieces")
		}
	}
	if open || len(traced) == 0 {
		p.fail("it does not end")
	}
	if p.err != nil {
		return nil, p.err
	}
	return traced, nil
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
	if len(r.rest) > 0 && r.rest[0] == ' ' {
		r.rest = r.rest[1:]
	}
	return point{at.x + x, at.y + r.number()}
}

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
