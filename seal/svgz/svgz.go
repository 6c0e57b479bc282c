// Package svgz is the compressed form of SVG pictures, gzip by RFC 1952.
//
// Viewers of SVG have to take it like the plain form (SVG 1.1, G.7; SVG 2, 2.5.2), and so
// does whoever reads pictures in certificates (RFC 6170, 5.2). A seal's picture is carried
// in each of its signatures, where it is less than half as long in this form.
package svgz

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// MaxSize bounds a picture that is expanded, in bytes.
const MaxSize = 4 << 20

// ErrFormat is wrapped by every error about a picture that is not in the compressed form,
// or too large.
var ErrFormat = errors.New("not a compressed SVG")

// Compress returns the compressed form.
func Compress(svg []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(svg)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("svgz: writing to memory failed: " + err.Error()) // bytes.Buffer never fails
	}
	return b.Bytes()
}

// Expand returns the plain form of a picture in either. Nothing may follow the compressed
// form. Errors wrap [ErrFormat].
func Expand(picture []byte) ([]byte, error) {
	if !bytes.HasPrefix(picture, []byte{0x1f, 0x8b}) {
		return picture, nil
	}
	from := bytes.NewReader(picture) // a ByteReader: nothing behind the end is read ahead
	r, err := gzip.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	r.Multistream(false)
	svg, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(svg) > MaxSize {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, MaxSize)
	}
	if from.Len() > 0 {
		return nil, fmt.Errorf("%w: something follows it", ErrFormat)
	}
	return svg, nil
}
