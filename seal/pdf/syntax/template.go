package syntax

import (
	"fmt"
	"io"
)

// placeholder reads {n} in a caller's syntax.
func (l *lexer) placeholder() (Value, error) {
	l.pos++
	n, err := l.integer("the number of a used object")
	if err != nil {
		return nil, err
	}
	if l.pos >= len(l.buf) || l.buf[l.pos] != '}' || n >= int64(len(l.uses)) {
		return nil, l.damaged("{%d} names no used object", n)
	}
	l.pos++
	return l.uses[n], nil
}

// Template parses a dictionary in which {n} stands for uses[n], and in which there are no other references.
func Template(syntax string, uses []Ref) (*Dict, error) {
	l := &lexer{buf: []byte(syntax), last: true, template: true, uses: uses}
	val, err := l.value(0)
	if err != nil {
		return nil, err
	}
	l.skip()
	d, ok := val.(*Dict)
	if !ok || l.pos != len(l.buf) {
		return nil, fmt.Errorf("%q is not exactly one dictionary", syntax)
	}
	return d, nil
}

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
