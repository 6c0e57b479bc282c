package syntax

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

// Extended opens the file with an increment behind its end, which nobody may change. What is known of the file is taken
// over, and only the increment is read; where nothing is known, all of it is, with the access.
func (f *File) Extended(increment []byte, a Access) (*File, error) {
	whole := f.src.extended(increment)
	if f.now.sections == nil { // Before
		return Open(whole.r, whole.size, a)
	}
	out := &File{
		src:        whole,
		base:       f.base,
		objects:    maps.Clone(f.objects),
		kept:       f.kept,
		containers: make(map[int64]*container, len(f.containers)),
		unpacked:   f.unpacked,
		encryption: f.encryption,
	}
	for at, c := range f.containers {
		own := *c
		own.objects = slices.Clone(c.objects)
		out.containers[at] = &own
	}
	if err := out.chain(f.now.sections); err != nil {
		return nil, err
	}
	if err := out.sound(Access{}); err != nil {
		return nil, err
	}
	return out, nil
}

// Before returns the first n bytes as a file of which nothing is known: it has no views, and is there to be extended.
func (f *File) Before(n int64) *File {
	return &File{src: &source{r: io.NewSectionReader(f.src.r, 0, n), size: n}}
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
