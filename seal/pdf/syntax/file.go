package syntax

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

const (
	headerRoom = 1024 // bytes in which %PDF- must come
	tailRoom   = 1100 // bytes in which the last startxref must come

	// MaxSections bounds the cross-reference sections of a file, and so its revisions.
	MaxSections = 1024
)

// A File is an open PDF file: its bytes, its cross-reference data, and the objects that were read. It reads what it is
// asked for when it is asked, and remembers some of it, so it is not safe for concurrent use; the bytes must not change
// while it is open.
type File struct {
	src    *source
	base   int64  // offset of %PDF-, from which the file's offsets count
	now    View   // the newest revision
	ending ending // of the newest revision

	encryption *encryption // nil where the file is not encrypted

	objects    map[int64]*Object // by offset
	kept       int
	containers map[int64]*container
	unpacked   int
	worked     int64
}

// Open reads the file's end and its cross-reference data, nothing else. An encrypted
// file is read and written on like any other once its password has opened it.
//
// It fails with [ErrNotPDF], *[DamagedError], *[EncryptedError], [ErrTooComplex] or an error of r.
func Open(r io.ReaderAt, size int64, a Access) (*File, error) {
	f := &File{
		src:        &source{r: r, size: size},
		objects:    make(map[int64]*Object),
		containers: make(map[int64]*container),
	}
	if err := f.header(); err != nil {
		return nil, err
	}
	if err := f.chain(nil); err != nil {
		return nil, err
	}
	if err := f.sound(a); err != nil {
		return nil, err
	}
	return f, nil
}

// Now returns the newest revision.
func (f *File) Now() View { return f.now }

// Size returns the length of the file in bytes.
func (f *File) Size() int64 { return f.src.size }

// Lead returns how many bytes come before %PDF-, from which the file's own offsets count.
func (f *File) Lead() int64 { return f.base }

// ReadAt reads the file's bytes.
func (f *File) ReadAt(p []byte, offset int64) (int, error) { return f.src.r.ReadAt(p, offset) }

// CopyTo writes the bytes [from, to) of the file to w, a chunk at a time. It fails with an error of reading or of w.
func (f *File) CopyTo(w io.Writer, from, to int64) error {
	if at := f.src.tailAt(); from >= at && to <= f.src.size {
		_, err := w.Write(f.src.tail[from-at : to-at])
		return err
	}
	room := rooms.Get().(*[chunkSize]byte) //nolint:errcheck // nothing else is in there
	defer rooms.Put(room)
	for at := from; at < to; {
		piece, err := f.src.readInto(room[:], at, int(min(chunkSize, to-at)))
		if err != nil {
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		at += int64(len(piece))
	}
	return nil
}

// rooms is memory for what is read to be passed on.
var rooms = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// Bytes returns n bytes at the offset, which must lie inside the file. Nobody may change them.
func (f *File) Bytes(offset int64, n int) ([]byte, error) { return f.src.read(offset, n) }

func (f *File) header() error {
	head, err := f.src.passing(0, min(headerRoom, f.src.size))
	if err != nil {
		return err
	}
	i := bytes.Index(head, []byte("%PDF-"))
	if i < 0 {
		return ErrNotPDF
	}
	f.base = int64(i)
	return nil
}

// chain reads the cross-reference sections from the newest to the oldest,
// up to where it meets those already read from the same file.
func (f *File) chain(older []*section) error {
	tailAt := max(0, f.src.size-tailRoom)
	tail, err := f.src.passing(tailAt, f.src.size-tailAt)
	if err != nil {
		return err
	}
	if f.ending, err = lastEnding(tail, tailAt); err != nil {
		return err
	}
	f.now = View{File: f, limit: f.src.size}
	seen := make(map[int64]bool)
	for at := f.base + f.ending.startxref; at >= 0; {
		if seen[at] {
			return DamagedAt(at, "the chain of cross-reference sections runs in a circle")
		}
		seen[at] = true
		if len(older) > 0 && at == older[0].named {
			for _, s := range older {
				s := *s
				s.below = nil
				f.now.sections = append(f.now.sections, &s)
			}
			break
		}
		if len(f.now.sections) == MaxSections {
			return fmt.Errorf("%w: more than %d revisions", ErrTooComplex, MaxSections)
		}
		s, err := f.section(at)
		if err != nil {
			return err
		}
		f.now.sections = append(f.now.sections, s)
		at = s.prev
	}
	return nil
}

// sound checks what every file needs: a true /Size, a catalog, the password where it is
// encrypted.
func (f *File) sound(a Access) error {
	encrypted := false
	for _, s := range f.now.sections {
		encrypted = encrypted || s.trailer.Lookup("Encrypt") != nil
	}
	if err := f.now.sized(); err != nil {
		return err
	}
	f.numbered()
	if encrypted && f.encryption == nil {
		if err := f.unlock(a); err != nil {
			return err
		}
	}
	_, err := f.now.Catalog()
	return err
}

// numbered begins to watch for references to objects that the file does not have.
func (f *File) numbered() {
	size, _ := f.now.Trailer().Lookup("Size").(int64) // sized has checked it
	f.src.values.size = uint32(size)
	for _, s := range f.now.sections {
		for _, e := range s.trailer.Entries {
			if r, ok := e.Val.(Ref); ok {
				f.src.values.promise(r)
			}
		}
	}
}
