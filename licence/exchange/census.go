package exchange

import (
	"bytes"
	"io"
	"sync/atomic"
	"unicode/utf8"
)

// census counts what of a text is UTF-8.
type census struct {
	rest      []byte // of a character that goes on in the next piece
	line      int
	multi     int // bytes of characters that are more than one byte
	invalid   int // bytes that belong to no character
	firstLine int // of the first of those
}

func (c *census) add(b []byte) {
	if len(c.rest) > 0 {
		b = append(c.rest, b...)
	}
	c.rest = nil
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			if b[0] == '\n' {
				c.line++
			}
			b = b[1:]
			continue
		}
		if len(b) < utf8.UTFMax && !utf8.FullRune(b) {
			c.rest = bytes.Clone(b)
			return
		}
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			c.bad()
		} else {
			c.multi += size
		}
		b = b[size:]
	}
}

func (c *census) end() {
	for range c.rest {
		c.bad()
	}
}

func (c *census) bad() {
	if c.invalid == 0 {
		c.firstLine = c.line
	}
	c.invalid++
}

// mostlyUTF8 reports whether a text that is not UTF-8 throughout is a damaged UTF-8 one
// and not GB18030, in whose Chinese text at most every fifth byte is by chance part of a
// UTF-8 character. Decoded as GB18030 it might pass, and every name in it be another.
func (c *census) mostlyUTF8() bool { return c.multi > c.invalid }

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n atomic.Int64
}

// Read implements [io.Reader].
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
