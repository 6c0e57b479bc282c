package pdf

import (
	"bytes"
	"fmt"
	"io"
)

const (
	headerRoom = 1024 // bytes in which %PDF- must come
	tailRoom   = 1100 // bytes in which the last startxref must come

	// maxSections bounds the revisions of a file.
	maxSections = 1024
)

// A Document is an open PDF file. It reads what it is asked for when it is
// asked, and remembers some of it, so it is not safe for concurrent use; the
// file must not change while it is open.
type Document struct {
	src    *source
	base   int64  // offset of %PDF-, from which the file's offsets count
	now    view   // the newest revision
	ending ending // of the newest revision

	encryption *encryption // nil where the file is not encrypted

	objects    map[int64]*object // by offset
	kept       int
	containers map[int64]*container
	unpacked   int
	worked     int64

	leaves []leaf        // the pages, once they were asked for
	sheets map[int]sheet // of the pages that were asked for, by their numbers
	known  hashing
	look   *looks // of the newest revision, once it was asked for
}

// Open is OpenWith without a password.
func Open(r io.ReaderAt, size int64) (*Document, error) { return OpenWith(r, size, Access{}) }

// OpenWith reads the file's end and its cross-reference data, nothing else. An encrypted
// file is read and stamped like any other once its password has opened it.
//
// It fails with ErrNotPDF, *DamagedError, *EncryptedError, ErrTooComplex or an
// error of r.
func OpenWith(r io.ReaderAt, size int64, a Access) (*Document, error) {
	d := &Document{
		src:        &source{r: r, size: size},
		objects:    make(map[int64]*object),
		containers: make(map[int64]*container),
	}
	if err := d.header(); err != nil {
		return nil, err
	}
	if err := d.chain(nil); err != nil {
		return nil, err
	}
	if err := d.sound(a); err != nil {
		return nil, err
	}
	return d, nil
}

// Size returns the length of the file in bytes.
func (d *Document) Size() int64 { return d.src.size }

// ReadAt reads the file's bytes.
func (d *Document) ReadAt(p []byte, offset int64) (int, error) { return d.src.r.ReadAt(p, offset) }

func (d *Document) header() error {
	head, err := d.src.passing(0, min(headerRoom, d.src.size))
	if err != nil {
		return err
	}
	i := bytes.Index(head, []byte("%PDF-"))
	if i < 0 {
		return ErrNotPDF
	}
	d.base = int64(i)
	return nil
}

// chain reads the cross-reference sections from the newest to the oldest,
// up to where it meets those already read from the same file.
func (d *Document) chain(older []*section) error {
	tailAt := max(0, d.src.size-tailRoom)
	tail, err := d.src.passing(tailAt, d.src.size-tailAt)
	if err != nil {
		return err
	}
	if d.ending, err = lastEnding(tail, tailAt); err != nil {
		return err
	}
	d.now = view{doc: d, limit: d.src.size}
	seen := make(map[int64]bool)
	for at := d.base + d.ending.startxref; at >= 0; {
		if seen[at] {
			return damagedAt(at, "the chain of cross-reference sections runs in a circle")
		}
		seen[at] = true
		if len(older) > 0 && at == older[0].named {
			for _, s := range older {
				s := *s
				s.below = nil
				d.now.sections = append(d.now.sections, &s)
			}
			break
		}
		if len(d.now.sections) == maxSections {
			return fmt.Errorf("%w: more than %d revisions", ErrTooComplex, maxSections)
		}
		s, err := d.section(at)
		if err != nil {
			return err
		}
		d.now.sections = append(d.now.sections, s)
		at = s.prev
	}
	return nil
}

// sound checks what every file needs: a true /Size, a catalog, the password where it is
// encrypted.
func (d *Document) sound(a Access) error {
	encrypted := false
	for _, s := range d.now.sections {
		encrypted = encrypted || s.trailer.lookup("Encrypt") != nil
	}
	if err := d.now.sized(); err != nil {
		return err
	}
	d.numbered()
	if encrypted && d.encryption == nil {
		if err := d.unlock(a); err != nil {
			return err
		}
	}
	_, err := d.now.catalog()
	return err
}

// numbered begins to watch for references to objects that the file does not have.
func (d *Document) numbered() {
	size, _ := d.now.trailer().lookup("Size").(int64) // sized has checked it
	d.src.values.size = uint32(size)
	for _, s := range d.now.sections {
		for _, e := range s.trailer.entries {
			if r, ok := e.val.(ref); ok {
				d.src.values.promise(r)
			}
		}
	}
}

// catalog returns the document catalog (ISO 32000-1, 7.7.2).
func (v view) catalog() (*object, error) {
	root, ok := v.trailer().lookup("Root").(ref)
	if !ok {
		return nil, damagedAt(v.sections[0].at, "the trailer has no /Root")
	}
	o, err := v.load(root)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, damagedAt(v.sections[0].at, "the catalog, object %d, is missing", root.num)
	}
	d, ok := o.val.(*dict)
	if !ok {
		return nil, damagedAt(o.at, "object %d is not a catalog", root.num)
	}
	// The trailer alone says which object is the catalog, so a /Type that is missing or
	// misspelt deceives nobody as long as there are pages.
	if _, pages := d.lookup("Pages").(ref); d.lookup("Type") != name("Catalog") && !pages {
		return nil, damagedAt(o.at, "object %d is not a catalog", root.num)
	}
	return o, nil
}

// Digest returns the SM3 digest of the first n bytes of the file. The state
// after them is kept, so that asking again, stamping, and stamping the result
// of that read nothing twice.
func (d *Document) Digest(n int64) ([32]byte, error) {
	if n < 0 || n > d.src.size {
		return [32]byte{}, fmt.Errorf("digest of %d bytes of a file of %d", n, d.src.size)
	}
	h, err := d.hashedTo(n)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(h.Sum(nil)), nil
}
