package syntax

import (
	"errors"
	"strconv"
)

// errMore says that a window ended before its object did; the reader tries
// again with a longer one.
var errMore = errors.New("the window is too short")

// MaxNesting bounds arrays and dictionaries inside each other, and with them
// the parser's recursion.
const MaxNesting = 100

// A lexer reads PDF syntax (ISO 32000-1, 7.2 and 7.3) from a window of the
// file.
type lexer struct {
	buf  []byte
	pos  int
	base int64 // offset of buf[0]
	last bool  // nothing follows buf: running out is damage

	values *values  // may be nil
	into   *Skimmed // where set, what the outermost dictionary is read into

	paired bool // a string of nothing but pairs of hexadecimal digits was read

	// uses is set where the syntax is a caller's: {n} stands for uses[n], and
	// there are no other references.
	uses     []Ref
	template bool
}

func (l *lexer) offset() int64 { return l.base + int64(l.pos) }

func (l *lexer) damaged(format string, args ...any) error {
	return DamagedAt(l.offset(), format, args...)
}

// short is the error for running out of bytes inside what.
func (l *lexer) short(what string) error {
	if !l.last {
		return errMore
	}
	return l.damaged("the file ends inside %s", what)
}

// The classes of characters (ISO 32000-1, 7.2.2); what is in neither is regular.
const (
	space     = 1
	delimiter = 2
)

var class = [256]uint8{
	0: space, '\t': space, '\n': space, '\f': space, '\r': space, ' ': space,
	'(': delimiter, ')': delimiter, '<': delimiter, '>': delimiter, '[': delimiter, ']': delimiter,
	'{': delimiter, '}': delimiter, '/': delimiter, '%': delimiter,
}

func isSpace(c byte) bool     { return class[c] == space }
func isDelimiter(c byte) bool { return class[c] == delimiter }
func isRegular(c byte) bool   { return class[c] == 0 }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// blanks passes over white space.
func (l *lexer) blanks() {
	for l.pos < len(l.buf) && isSpace(l.buf[l.pos]) {
		l.pos++
	}
}

// skip passes over white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.buf) {
		switch c := l.buf[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.buf) && l.buf[l.pos] != '\n' && l.buf[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

// word returns the run of regular characters at the position. A run that
// touches the end of the window may go on behind it.
func (l *lexer) word() ([]byte, error) {
	rest := l.buf[l.pos:]
	n := 0
	for n < len(rest) && isRegular(rest[n]) {
		n++
	}
	l.pos += n
	if n == len(rest) && !l.last {
		return nil, errMore
	}
	return rest[:n], nil
}

// keyword passes over white space and exactly the given word.
func (l *lexer) keyword(want string) error {
	l.skip()
	start := l.pos
	got, err := l.word()
	if err != nil {
		return err
	}
	if string(got) != want {
		l.pos = start
		return l.damaged("%q expected", want)
	}
	return nil
}

// integer passes over white space and a number of decimal digits without sign.
func (l *lexer) integer(what string) (int64, error) {
	l.skip()
	start := l.pos
	digits, err := l.word()
	if err != nil {
		return 0, err
	}
	n, ok := decimal(digits)
	if !ok {
		l.pos = start
		return 0, l.damaged("%s expected, a whole number", what)
	}
	return n, nil
}

// decimal reads 1 to 18 digits and nothing else.
func decimal(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// value reads the object at the position, nesting levels deep.
func (l *lexer) value(nesting int) (Value, error) {
	if nesting > MaxNesting {
		return nil, l.damaged("arrays and dictionaries are nested more than %d deep", MaxNesting)
	}
	l.skip()
	if l.pos >= len(l.buf) {
		return nil, l.short("an object")
	}
	switch c := l.buf[l.pos]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '[':
		return l.array(nesting)
	case c == '<':
		if l.pos+1 >= len(l.buf) {
			return nil, l.short("a string or dictionary")
		}
		if l.buf[l.pos+1] == '<' {
			return l.dict(nesting)
		}
		return l.hexadecimal()
	case isDigit(c) || c == '+' || c == '-' || c == '.':
		return l.numberOrRef()
	case c == '{' && l.template:
		return l.placeholder()
	case isRegular(c):
		return l.constant()
	default:
		return nil, l.damaged("%q where an object should start", c)
	}
}

func (l *lexer) constant() (Value, error) {
	start := l.pos
	w, err := l.word()
	if err != nil {
		return nil, err
	}
	switch string(w) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	l.pos = start
	return nil, l.damaged("unknown keyword where an object should start")
}

// numberOrRef reads a number, or the three tokens "n g R".
func (l *lexer) numberOrRef() (Value, error) {
	start := l.pos
	w, err := l.word()
	if err != nil {
		return nil, err
	}
	if n, ok := decimal(w); ok {
		if l.template {
			return n, nil
		}
		after := l.pos
		r, isRef, err := l.restOfRef(n)
		if err != nil {
			return nil, err
		}
		if isRef && r.Num == 0 { // the head of the list of free objects, which nobody can be
			return nil, nil
		}
		if isRef {
			return l.values.reference(r), nil
		}
		l.pos = after
		return n, nil
	}
	return l.signedOrReal(w, start)
}

// restOfRef tries to read "g R" after the number n.
func (l *lexer) restOfRef(n int64) (Ref, bool, error) {
	l.skip()
	if l.pos >= len(l.buf) {
		if !l.last {
			return Ref{}, false, errMore
		}
		return Ref{}, false, nil
	}
	if !isDigit(l.buf[l.pos]) {
		return Ref{}, false, nil
	}
	g, err := l.word()
	if err != nil {
		return Ref{}, false, err
	}
	gen, ok := decimal(g)
	if !ok {
		return Ref{}, false, nil
	}
	l.skip()
	r, err := l.word()
	if err != nil {
		return Ref{}, false, err
	}
	if string(r) != "R" {
		return Ref{}, false, nil
	}
	if n > maxObjectNumber || gen > 65535 {
		return Ref{}, false, l.damaged("reference %d %d R is outside the permitted range", n, gen)
	}
	return Ref{Num: uint32(n), Gen: uint16(gen)}, true, nil
}

func (l *lexer) signedOrReal(w []byte, start int) (Value, error) {
	digits, points := 0, 0
	for i, c := range w {
		switch {
		case isDigit(c):
			digits++
		case c == '.':
			points++
		case (c == '+' || c == '-') && i == 0:
		default:
			points = 2
		}
	}
	if digits == 0 || points > 1 || len(w) > 64 {
		l.pos = start
		return nil, l.damaged("malformed number")
	}
	if points == 0 {
		if n, err := strconv.ParseInt(string(w), 10, 64); err == nil {
			return n, nil
		}
	}
	return l.values.real(w), nil
}
