package syntax

import "io"

// A Content reads a content stream (ISO 32000-1, 7.8.2), in which there are no references.
type Content struct{ lexer lexer }

// NewContent returns a Content of the stream's decoded data.
func NewContent(data []byte) *Content {
	return &Content{lexer{buf: data, last: true, template: true}}
}

// Next returns the next operand, or the next operator, which is not empty then. At the end it fails with io.EOF, where
// the syntax is wrong with *DamagedError.
func (c *Content) Next() (operand Value, operator string, err error) {
	l := &c.lexer
	l.skip()
	if l.pos >= len(l.buf) {
		return nil, "", io.EOF
	}
	if c := l.buf[l.pos]; isRegular(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
		w, err := l.word()
		return nil, string(w), err
	}
	operand, err = l.value(0)
	return operand, "", err
}
