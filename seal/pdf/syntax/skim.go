package syntax

import (
	"bytes"
	"slices"
)

// A Skimmed dictionary is one of which only some keys are of interest. It is in memory that
// the next one takes.
type Skimmed struct {
	Keys   []Name
	object Object
	dict   Dict
}

// Skim is [View.Load] for a dictionary of which only some keys are of interest. The other values are passed over, which
// is several times faster, and the object is not remembered: it is good until the next one is skimmed into the same
// memory. Walking the pages of a long document is what it is for.
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

// wanted returns the key that is written as w, if it is of interest.
func (s *Skimmed) wanted(l *lexer, w []byte) (Name, bool, error) {
	for _, key := range s.Keys {
		if string(key) == string(w) {
			return key, true, nil
		}
	}
	if bytes.IndexByte(w, '#') < 0 {
		return "", false, nil
	}
	val, err := l.unescaped(w, l.pos-len(w)-1)
	key, _ := val.(Name)
	return key, slices.Contains(s.Keys, key), err
}

// skimDict reads the outermost dictionary of an object, of which only some keys are of
// interest.
func (l *lexer) skimDict() (Value, error) {
	l.pos += 2
	d := &l.into.dict
	d.Entries = d.Entries[:0]
	for {
		w, more, err := l.nextKey()
		if err != nil {
			return nil, err
		}
		if !more {
			return d, nil
		}
		keyAt := l.pos - len(w) - 1
		key, wanted, err := l.into.wanted(l, w)
		if err != nil {
			return nil, err
		}
		if !wanted {
			if err := l.passOver(); err != nil {
				return nil, err
			}
			continue
		}
		v, err := l.value(1)
		if err != nil {
			return nil, err
		}
		if d.Find(key) != nil {
			l.pos = keyAt
			return nil, l.twice(key)
		}
		d.Entries = append(d.Entries, Entry{Key: key, Val: v})
	}
}

// passOver skips the value of a dictionary entry: all that comes before the
// next key or the end of the dictionary. It finds the ends of what is nested,
// but leaves the rest of the syntax to whoever reads the object in full.
func (l *lexer) passOver() error {
	l.skip()
	first := l.pos
	for depth := 0; ; {
		at, buf := l.pos, l.buf
		for at < len(buf) && class[buf[at]] != delimiter {
			at++
		}
		l.pos = at
		if l.pos+1 >= len(l.buf) {
			return l.short("a dictionary")
		}
		c, twice := l.buf[l.pos], l.buf[l.pos] == l.buf[l.pos+1]
		switch {
		case depth == 0 && l.pos > first && (c == '/' || c == '>' && twice):
			return nil
		case c == '%':
			l.skip()
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
