package syntax

import (
	"fmt"
	"io"
)

const (
	// firstChunk to chunkSize is how much of the file is kept at hand: objects lie close
	// together, so most are parsed from the chunk read for their neighbour. It is little
	// until one is asked for that lies near another.
	firstChunk = 4 << 10
	chunkSize  = 64 << 10
	// maxObjectSize bounds one object without its stream data.
	maxObjectSize = 64 << 20
)

// A source is the file, read a chunk at a time. The chunk's memory is used
// again for the next one, so nothing that is parsed may refer to it.
type source struct {
	r       io.ReaderAt
	size    int64
	chunk   []byte
	chunkAt int64
	tail    []byte // the end of the file where that is in memory, which nobody changes
	values  values
	lexer   *lexer // of the object that was parsed last, for the next
}

// tailAt is where the part of the file begins that is in memory.
func (s *source) tailAt() int64 { return s.size - int64(len(s.tail)) }

// read returns n bytes at the offset, which must lie inside the file. Nobody may change
// them.
func (s *source) read(offset int64, n int) ([]byte, error) {
	if at := s.tailAt(); offset >= at && offset+int64(n) <= s.size {
		return s.tail[offset-at:][:n:n], nil
	}
	return s.readInto(nil, offset, n)
}

// readInto is read with memory to use if it suffices.
func (s *source) readInto(buf []byte, offset int64, n int) ([]byte, error) {
	if offset < 0 || offset+int64(n) > s.size {
		return nil, DamagedAt(offset, "%d bytes expected behind the end of the file", n)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	got, err := s.r.ReadAt(buf, offset)
	if got == n {
		return buf, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("reading %d bytes at byte %d: %w", n, offset, err)
}

// passing is read for at most [chunkSize] bytes that are good until the next read: where the
// chunk at hand holds them they are its, else its memory is used for them.
func (s *source) passing(offset, n int64) ([]byte, error) {
	if at := s.tailAt(); offset >= at && offset+n <= s.size {
		return s.tail[offset-at:][:n:n], nil
	}
	if at := offset - s.chunkAt; at >= 0 && at+n <= int64(len(s.chunk)) {
		return s.chunk[at:][:n], nil
	}
	room := s.chunk
	if s.chunk = nil; cap(room) < int(n) {
		room = make([]byte, max(n, firstChunk))
	}
	chunk, err := s.readInto(room, offset, int(n))
	if err != nil {
		return nil, err
	}
	s.chunk, s.chunkAt = chunk, offset
	return chunk, nil
}

// ahead is how much to read at an offset where n bytes are asked for: the more, the longer what
// is asked for has been near what was.
func (s *source) ahead(offset, n int64) int64 {
	if near := offset - s.chunkAt; near > -chunkSize && near < 2*chunkSize {
		n = max(n, 4*int64(len(s.chunk)))
	}
	return min(max(n, firstChunk), chunkSize, s.size-offset)
}

// window returns a lexer at the offset, over at least n bytes where the file
// before the limit has them.
func (s *source) window(offset int64, n int, limit int64) (lexer, error) {
	if offset < 0 || offset >= limit {
		return lexer{}, DamagedAt(offset, "an object is expected here, outside the file")
	}
	if at := s.tailAt(); offset >= at {
		tail := s.tail[offset-at : min(s.size, limit)-at]
		return lexer{buf: tail, base: offset, last: true, values: &s.values}, nil
	}
	n = int(min(int64(n), limit-offset))
	if offset < s.chunkAt || offset+int64(n) > s.chunkAt+int64(len(s.chunk)) {
		if n > chunkSize { // a rare large object does not stay
			large, err := s.read(offset, n)
			if err != nil {
				return lexer{}, err
			}
			return lexer{buf: large, base: offset, last: offset+int64(n) >= limit, values: &s.values}, nil
		}
		if _, err := s.passing(offset, s.ahead(offset, int64(n))); err != nil {
			return lexer{}, err
		}
	}
	start := offset - s.chunkAt
	end := min(int64(len(s.chunk)), limit-s.chunkAt)
	return lexer{buf: s.chunk[start:end], base: offset, last: s.chunkAt+end >= limit, values: &s.values}, nil
}

// parse runs f on a window at the offset, with longer and longer windows as
// long as f finds them too short. The lexer is good while f runs.
func (s *source) parse(offset, limit int64, f func(*lexer) error) error {
	l := s.lexer
	s.lexer = nil // f may parse something else
	if l == nil {
		l = new(lexer)
	}
	defer func() { s.lexer = l }()
	for n := 1 << 10; ; n *= 4 {
		var err error
		if *l, err = s.window(offset, n, limit); err != nil {
			return err
		}
		err = f(l)
		if err != errMore {
			return err
		}
		n = max(n, len(l.buf))
		if n > maxObjectSize {
			return fmt.Errorf("%w: the object at byte %d is longer than %d bytes", ErrTooComplex, offset, maxObjectSize)
		}
	}
}
