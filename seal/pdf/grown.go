package pdf

import (
	"io"
	"maps"
	"slices"
)

// A grown file is a file and the increments behind it, which are in memory.
type grown struct {
	file io.ReaderAt
	size int64
	tail []byte
}

// extended returns the source with more bytes behind its end, which nobody may change.
func (s *source) extended(more []byte) *source {
	g := &grown{file: s.r, size: s.size, tail: more}
	if before, ok := s.r.(*grown); ok {
		g = &grown{file: before.file, size: before.size, tail: slices.Concat(before.tail, more)}
	}
	known := s.values
	known.promised = maps.Clone(known.promised)
	return &source{r: g, size: g.size + int64(len(g.tail)), tail: g.tail, values: known}
}

// ReadAt reads across the seam where it must.
func (g *grown) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < g.size {
		var err error
		n, err = g.file.ReadAt(p[:min(int64(len(p)), g.size-off)], off)
		if err != nil && err != io.EOF {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		if off+int64(n) < g.size {
			return n, io.ErrUnexpectedEOF
		}
		off = g.size
	}
	if off-g.size > int64(len(g.tail)) {
		return n, io.EOF
	}
	m := copy(p[n:], g.tail[off-g.size:])
	if n+m < len(p) {
		return n + m, io.EOF
	}
	return n + m, nil
}
