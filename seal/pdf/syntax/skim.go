package syntax

import "bytes"

// A Skimmed dictionary is one of which only some keys are of interest. It is in memory that
// the next one takes.
type Skimmed struct {
	Keys   []Name
	object Object
	dict   Dict
}

// Skim is load for a dictionary of which only some keys are of interest. The
// other values are passed over, which is several times faster, and the object
// is not remembered: it is good until the next one is skimmed into the same memory.
// Walking the pages of a long document is what it is for.
func (v View) Skim(r Ref, into *Skimmed) (*Object, error) {
	loc, ok := v.find(r)
	if !ok || loc.kind == inFile && v.File.objects[loc.at] != nil {
		return v.Load(r)
	}
	if err := v.File.Work(0); err != nil {
		return nil, err
	}
	if loc.kind == inStream {
		return v.loadPacked(r, loc, into)
	}
	return v.loadPlain(r, loc, into)
}

// made returns an object of which only some keys are read, or a new one.
func (s *Skimmed) made(o Object) *Object {
	if s == nil {
		kept := o
		return &kept
	}
	s.object = o
	return &s.object
}

// kept returns a dictionary with the entries.
func (s *Skimmed) kept(entries []Entry) *Dict {
	s.dict.Entries = append(s.dict.Entries[:0], entries...)
	return &s.dict
}

// wants reports that a key, as it is written, may be of interest.
func (s *Skimmed) wants(w []byte) bool {
	for _, key := range s.Keys {
		if string(w) == string(key) {
			return true
		}
	}
	return bytes.IndexByte(w, '#') >= 0
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
		c, twice := l.buf[l.pos], l.buf[l.pos] == l.buf[l.pos+1]
		switch {
		case depth == 0 && !first && (c == '/' || c == '>' && twice):
			return nil
		case c == '<' && twice:
			depth++
			l.pos += 2
		case c == '>' && twice:
			depth--
			l.pos += 2
		case c == '(' || c == '<':
			if err := l.passString(); err != nil {
				return err
			}
		case c == '[':
			depth++
			l.pos++
		case c == ']' || c == '>':
			depth--
			l.pos++
		default:
			l.pos++
			if isRegular(c) || c == '/' {
				if _, err := l.word(); err != nil {
					return err
				}
			}
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
