package pdf

import (
	"fmt"
	"io"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A Document is an open PDF file. It reads what it is asked for when it is
// asked, and remembers some of it, so it is not safe for concurrent use; the
// file must not change while it is open.
type Document struct {
	file *syntax.File
	now  view // the newest revision

	leaves []structure.Leaf        // the pages, once they were asked for
	sheets map[int]structure.Sheet // of the pages that were asked for, by their numbers
	known  hashing
	look   *looks // of the newest revision, once it was asked for
}

// A view is the file as its newest revision, or an earlier one, shows it.
type view struct{ structure.View }

// Open is OpenWith without a password.
func Open(r io.ReaderAt, size int64) (*Document, error) { return OpenWith(r, size, syntax.Access{}) }

// OpenWith reads the file's end and its cross-reference data, nothing else. An encrypted
// file is read and stamped like any other once its password has opened it.
//
// It fails with [syntax.ErrNotPDF], *[syntax.DamagedError], *[syntax.EncryptedError], [syntax.ErrTooComplex] or an error
// of r.
func OpenWith(r io.ReaderAt, size int64, a syntax.Access) (*Document, error) {
	file, err := syntax.Open(r, size, a)
	if err != nil {
		return nil, err
	}
	return documentOf(file), nil
}

func documentOf(file *syntax.File) *Document { return &Document{file: file, now: viewOf(file.Now())} }

func viewOf(v syntax.View) view { return view{structure.View{View: v}} }

// Size returns the length of the file in bytes.
func (d *Document) Size() int64 { return d.file.Size() }

// ReadAt reads the file's bytes.
func (d *Document) ReadAt(p []byte, offset int64) (int, error) { return d.file.ReadAt(p, offset) }

// Encryption returns nil for a file that is not encrypted.
func (d *Document) Encryption() *syntax.Encryption { return d.file.Encryption() }

// Password is what opened an encrypted file, for other readers of the same bytes.
func (d *Document) Password() string { return d.file.Password() }

// Digest returns the SM3 digest of the first n bytes of the file. The state
// after them is kept, so that asking again, stamping, and stamping the result
// of that read nothing twice.
func (d *Document) Digest(n int64) ([32]byte, error) {
	if n < 0 || n > d.Size() {
		return [32]byte{}, fmt.Errorf("digest of %d bytes of a file of %d", n, d.Size())
	}
	h, err := d.hashedTo(n)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// NumPages walks the page tree (ISO 32000-1, 7.7.3) and returns its number of
// pages.
func (d *Document) NumPages() (int, error) {
	d.file.BeginWork()
	leaves, err := d.pages()
	return len(leaves), err
}

func (d *Document) pages() ([]structure.Leaf, error) {
	if d.leaves == nil {
		leaves, err := d.now.Pages()
		if err != nil {
			return nil, err
		}
		d.leaves = leaves
	}
	return d.leaves, nil
}
