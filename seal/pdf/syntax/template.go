package syntax

import "fmt"

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
