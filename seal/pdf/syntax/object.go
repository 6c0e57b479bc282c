package syntax

import "fmt"

// maxObjectNumber is the largest object number that ISO 32000-1, annex C
// allows for.
const maxObjectNumber = 8388607

// An Object is an indirect object as it was found.
type Object struct {
	Ref Ref
	Val Value
	// At and end are the object's bytes in the file, or those of the object
	// stream that holds it. For a stream object, end is where its data start.
	At, end int64
	// Packed is the object's place in its object stream, -1 outside of one.
	Packed int
	cost   int
}

// SamePlace reports that two objects are the same bytes of the file.
func (o *Object) SamePlace(p *Object) bool { return o.At == p.At && o.Packed == p.Packed }

// indirect parses "n g obj … endobj" at the position (ISO 32000-1, 7.3.10).
func (l *lexer) indirect() (*Object, error) {
	l.skip()
	at := l.offset()
	num, err := l.integer("an object number")
	if err != nil {
		return nil, err
	}
	gen, err := l.integer("a generation number")
	if err != nil {
		return nil, err
	}
	if num == 0 || num > maxObjectNumber || gen > 65535 {
		return nil, l.damaged("object %d %d is outside the permitted range", num, gen)
	}
	if err := l.keyword("obj"); err != nil {
		return nil, err
	}
	val, err := l.value(0)
	if err != nil {
		return nil, err
	}
	o := l.into.made(Object{Ref: Ref{Num: uint32(num), Gen: uint16(gen)}, Val: val, At: at, Packed: -1})
	if d, ok := val.(*Dict); ok {
		start, isStream, err := l.streamStart()
		if err != nil {
			return nil, err
		}
		if isStream {
			o.Val = &Stream{Dict: d, start: start, holder: o.Ref}
			o.end = start
			o.cost = int(o.end - at)
			return o, nil
		}
	}
	if err := l.keyword("endobj"); err != nil {
		return nil, err
	}
	o.end = l.offset()
	o.cost = int(o.end - at)
	return o, nil
}

// streamStart passes over the keyword stream and its end of line, where they
// follow, and returns where the data start (ISO 32000-1, 7.3.8.1).
func (l *lexer) streamStart() (int64, bool, error) {
	l.skip()
	before := l.pos
	w, err := l.word()
	if err != nil {
		return 0, false, err
	}
	if string(w) != "stream" {
		l.pos = before
		return 0, false, nil
	}
	if l.pos+1 >= len(l.buf) && !l.last {
		return 0, false, errMore
	}
	rest := l.buf[l.pos:]
	switch {
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
		l.pos += 2
	case len(rest) > 0 && rest[0] == '\n':
		l.pos++
	default:
		return 0, false, l.damaged("the keyword stream must be followed by an end of line")
	}
	return l.offset(), true, nil
}

// Load returns the object that r names in this view, nil for null: an object
// that is free, unknown, or of another generation (ISO 32000-1, 7.3.10).
func (v View) Load(r Ref) (*Object, error) {
	if err := v.File.Work(0); err != nil {
		return nil, err
	}
	loc, ok := v.find(r)
	if !ok {
		return nil, nil
	}
	if loc.kind == inStream {
		return v.loadPacked(r, loc, nil)
	}
	return v.loadPlain(r, loc, nil)
}

// find returns where the object lies that r names.
func (v View) find(r Ref) (location, bool) {
	loc, ok := v.locate(r.Num)
	return loc, ok && r.Gen == loc.generation()
}

// loadPlain returns an object that is not packed in an object stream, all of
// it or only some keys of its dictionary.
func (v View) loadPlain(r Ref, loc location, into *Skimmed) (*Object, error) {
	if loc.at <= v.File.base {
		return nil, DamagedAt(v.sections[0].at, "object %d has no place in the file", r.Num)
	}
	o, err := v.File.objectAt(loc.at, v.limit, into)
	if err != nil {
		return nil, err
	}
	if o.Ref != r {
		return nil, DamagedAt(loc.at, "object %d %d expected, %d %d found", r.Num, r.Gen, o.Ref.Num, o.Ref.Gen)
	}
	if o.end > v.limit {
		return nil, DamagedAt(loc.at, "object %d reaches over the end of its revision", r.Num)
	}
	return o, nil
}

// objectAt parses or remembers the object at an offset of the file. With only
// some keys, it does not remember.
func (f *File) objectAt(offset, limit int64, into *Skimmed) (*Object, error) {
	if o, ok := f.objects[offset]; ok {
		return o, f.Work(o.cost / 4)
	}
	var o *Object
	err := f.src.parse(offset, limit, func(l *lexer) error {
		var err error
		l.into = into
		o, err = l.indirect()
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := f.Work(o.cost); err != nil {
		return nil, err
	}
	if f.encryption != nil {
		if err := f.encryption.reveal(o); err != nil {
			return nil, err
		}
	}
	if into != nil {
		return o, nil
	}
	if f.kept += o.cost + 64; f.kept > maxKept {
		clear(f.objects)
		f.kept = o.cost
	}
	f.objects[offset] = o
	return o, nil
}

// BeginWork starts to count anew what is parsed and decoded: for each thing that is asked of the file it is bounded.
func (f *File) BeginWork() { f.worked = 0 }

// Work adds n bytes to what was parsed so far and refuses when that is out of
// all proportion to the file, with ErrTooComplex.
func (f *File) Work(n int) error {
	f.worked += int64(n) + 16
	if f.worked > freeWork+32*f.src.size {
		return fmt.Errorf("%w: more than %d bytes parsed", ErrTooComplex, f.worked)
	}
	return nil
}

const (
	freeWork = 64 << 20 // bytes any file may make us parse
	maxKept  = 8 << 20  // bytes of parsed objects to remember
)

// maxLinks bounds a chain of objects that are nothing but references.
const maxLinks = 16

// Resolve follows references until something else comes.
func (v View) Resolve(val Value) (Value, error) {
	for range maxLinks {
		r, ok := val.(Ref)
		if !ok {
			return val, nil
		}
		o, err := v.Load(r)
		if err != nil {
			return nil, err
		}
		if o == nil {
			return nil, nil
		}
		val = o.Val
	}
	return nil, fmt.Errorf("%w: a chain of more than %d references", ErrTooComplex, maxLinks)
}

// Get resolves the value of a key.
func (v View) Get(d *Dict, key Name) (Value, error) { return v.Resolve(d.Lookup(key)) }

// Dict resolves val to a dictionary; nil where it is anything else. The
// dictionary of a stream does not count.
func (v View) Dict(val Value) (*Dict, error) {
	val, err := v.Resolve(val)
	d, _ := val.(*Dict)
	return d, err
}

// Array resolves val to an array, nil where it is anything else.
func (v View) Array(val Value) (Array, error) {
	val, err := v.Resolve(val)
	a, _ := val.(Array)
	return a, err
}
