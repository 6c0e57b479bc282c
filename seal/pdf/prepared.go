package pdf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
	"github.com/elicence/elicence/seal/seen"
)

var (
	// ErrIncomplete means that the signature has not been placed yet.
	ErrIncomplete = errors.New("the stamp is not complete: it has no signature yet")
	// ErrSigned means that the stamp has its signature already.
	ErrSigned = errors.New("the stamp has its signature already")
)

// A Prepared stamp waits for its signature: sign Digest and give the result to
// Complete. Who wants another digest hashes what WriteUnsigned writes, by
// ByteRange.
type Prepared struct {
	doc       *Document
	increment []byte
	contents  [2]int // the hexadecimal digits in the increment
	byteRange [4]int64
	digest    [32]byte
	leaves    []structure.Leaf
	field     string
	seen      seen.Statement
	complete  bool
	access    syntax.Access // of a resumed stamp
}

// Field returns the name of the signature field.
func (p *Prepared) Field() string { return p.field }

// Digest returns the SM3 digest of the bytes that the signature covers.
func (p *Prepared) Digest() [32]byte { return p.digest }

// ByteRange returns what the signature covers as offset and length of two
// pieces of the file: everything but the signature itself.
func (p *Prepared) ByteRange() [4]int64 { return p.byteRange }

// Complete places the signature, a DER value of at most the ContentsSize asked
// for, into the room that was left for it.
func (p *Prepared) Complete(contents []byte) error {
	room := p.increment[p.contents[0]:p.contents[1]]
	if p.complete {
		return fmt.Errorf("placing the signature: %w", ErrSigned)
	}
	if hex.EncodedLen(len(contents)) > len(room) {
		return fmt.Errorf("placing the signature: it has %d bytes, but there is room for %d", len(contents), len(room)/2)
	}
	value, err := unpadded(contents)
	if err != nil {
		return fmt.Errorf("placing the signature: %w", err)
	}
	if len(value) != len(contents) {
		return fmt.Errorf("placing the signature: %d bytes follow its DER value", len(contents)-len(value))
	}
	hex.Encode(room, contents)
	p.complete = true
	return nil
}

// Increment returns what is appended to the file, nil before Complete.
func (p *Prepared) Increment() []byte {
	if !p.complete {
		return nil
	}
	return slices.Clone(p.increment)
}

// WriteTo writes the whole stamped file: the original bytes and the increment.
// Before Complete it fails with ErrIncomplete and writes nothing.
func (p *Prepared) WriteTo(w io.Writer) (int64, error) {
	if !p.complete {
		return 0, ErrIncomplete
	}
	return p.write(w)
}

// WriteUnsigned writes the file as it is before Complete: the original bytes and the increment with the room for the
// signature still empty. It is what a signer elsewhere looks at and hashes by ByteRange. After Complete it fails with
// ErrSigned.
func (p *Prepared) WriteUnsigned(w io.Writer) (int64, error) {
	if p.complete {
		return 0, ErrSigned
	}
	return p.write(w)
}

func (p *Prepared) write(w io.Writer) (int64, error) {
	if buffer, ok := w.(*bytes.Buffer); ok { // else it doubles its way to the end
		buffer.Grow(int(p.doc.Size()) + len(p.increment))
	}
	n, err := io.Copy(w, io.NewSectionReader(p.doc, 0, p.doc.Size()))
	if err != nil {
		return n, fmt.Errorf("writing the stamped file: %w", err)
	}
	if n != p.doc.Size() {
		return n, fmt.Errorf("writing the stamped file: %w", io.ErrUnexpectedEOF)
	}
	m, err := w.Write(p.increment)
	if err != nil {
		return n + int64(m), fmt.Errorf("writing the stamped file: %w", err)
	}
	return n + int64(m), nil
}

// Document opens the stamped file without reading the original again: what is known of it, its objects and the states
// of its digest, is taken over; the increment is read like any other file's. Before Complete it fails with
// ErrIncomplete.
func (p *Prepared) Document() (*Document, error) {
	if !p.complete {
		return nil, ErrIncomplete
	}
	file, err := p.doc.file.Extended(p.increment, p.access)
	if err != nil {
		return nil, err
	}
	d := documentOf(file)
	d.leaves, d.known = p.leaves, p.doc.known.clone()
	return d, nil
}
