package pdf

import "slices"

// skim is load for a dictionary of which only some keys are of interest. The
// other values are passed over, which is several times faster, and the object
// is not remembered. Walking the pages of a long document is what it is for.
func (v view) skim(r ref, keys []name) (*object, error) {
	loc, ok := v.find(r)
	if !ok || loc.kind == inFile && v.doc.objects[loc.at] != nil {
		return v.load(r)
	}
	if err := v.doc.work(0); err != nil {
		return nil, err
	}
	if loc.kind == inStream {
		return v.loadPacked(r, loc, keys)
	}
	return v.loadPlain(r, loc, keys)
}

// passOver skips the value of a dictionary entry: all that comes before the
// next key or the end of the dictionary. It finds the ends of what is nested,
// but leaves the rest of the syntax to whoever reads the object in full.
func (l *lexer) passOver() error {
	depth := 0
	for first := true; ; first = false {
		l.skip()
		if l.pos+1 >= len(l.buf) {
			return l.short("a dictionary")
		}
		two := string(l.buf[l.pos : l.pos+2])
		if depth == 0 && !first && (two[0] == '/' || two == ">>") {
			return nil
		}
		switch {
		case two == "<<" || two == ">>":
			l.pos += 2
		case two[0] == '(' || two[0] == '<':
			if err := l.passString(); err != nil {
				return err
			}
			continue
		default:
			l.pos++
			if isRegular(two[0]) || two[0] == '/' {
				if _, err := l.word(); err != nil {
					return err
				}
				continue
			}
		}
		switch two[0] {
		case '<', '[':
			depth++
		case '>', ']':
			depth--
		}
		if depth < 0 {
			return l.damaged("brackets of a dictionary do not match")
		}
	}
}

// passString skips a literal or hexadecimal string.
func (l *lexer) passString() error {
	open, end := l.buf[l.pos], byte(')')
	if open == '<' {
		end = '>'
	}
	depth := 0
	for ; l.pos < len(l.buf); l.pos++ {
		switch c := l.buf[l.pos]; {
		case c == '\\' && open == '(':
			l.pos++
		case c == open:
			depth++
		case c == end:
			if depth--; depth == 0 {
				l.pos++
				return nil
			}
		}
	}
	return l.short("a string")
}

// wanted reports that a key of the dictionary at hand is of interest.
func (l *lexer) wanted(key name, nesting int) bool {
	return l.only == nil || nesting > 0 || slices.Contains(l.only, key)
}
