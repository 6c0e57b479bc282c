package pdf

import "strconv"

// A value is one PDF object as ISO 32000-1, 7.3 lists them: nil (null), bool,
// int64, real, name, str, array, *dict, ref or *stream.
type value any

// A real keeps the digits it was written with, so that what is copied into an
// increment stays exactly what it was.
type real string

// A name holds the decoded bytes, without the solidus and the #xx escapes.
type name string

// A str holds the decoded bytes of a literal or hexadecimal string.
type str string

type array []value

// A ref names an indirect object. No object has the number 0, so the zero ref
// stands for none.
type ref struct {
	num uint32
	gen uint16
}

func (r ref) String() string { return string(append(appendNumbers(nil, r), " R"...)) }

// A dict keeps the order of the file. A key occurs once: the parser refuses
// duplicates, because readers disagree on which of two counts.
type dict struct {
	entries  []entry
	index    map[name]int // of a large dictionary
	contents *token       // of /Contents where it was read as a string
}

type entry struct {
	key name
	val value
}

// A token is the bytes that a string was read from: [from, to) in the file, or in the decoded
// object stream for objects that are packed in one. The signature check needs it.
type token struct {
	from, to int64
	paired   bool // pairs of hexadecimal digits and nothing else
}

// A stream is a dictionary and the file offset at which its data start. How
// many data there are is the business of a view, because /Length may be
// indirect and a later revision may redefine it.
type stream struct {
	dict   *dict
	start  int64
	holder ref // the object it is
}

func (d *dict) find(key name) *entry {
	if d == nil {
		return nil
	}
	if d.index != nil {
		if i, ok := d.index[key]; ok {
			return &d.entries[i]
		}
		return nil
	}
	for i := range d.entries {
		if d.entries[i].key == key {
			return &d.entries[i]
		}
	}
	return nil
}

// lookup returns the value of key as it stands, nil where absent.
func (d *dict) lookup(key name) value {
	if e := d.find(key); e != nil {
		return e.val
	}
	return nil
}

// newDict returns a dictionary with room for n entries, where they are few in one piece of
// memory with it.
func newDict(n int) *dict {
	switch {
	case n <= 1:
		d := new(struct {
			dict
			room [1]entry
		})
		d.entries = d.room[:0]
		return &d.dict
	case n <= 3:
		d := new(struct {
			dict
			room [3]entry
		})
		d.entries = d.room[:0]
		return &d.dict
	case n <= 6:
		d := new(struct {
			dict
			room [6]entry
		})
		d.entries = d.room[:0]
		return &d.dict
	}
	return &dict{entries: make([]entry, 0, n)}
}

// with returns a copy of d in which key has the given value.
func (d *dict) with(key name, val value) *dict {
	out := newDict(len(d.entries) + 1)
	replaced := false
	for _, e := range d.entries {
		if e.key == key {
			e.val, replaced = val, true
		}
		out.entries = append(out.entries, e)
	}
	if !replaced {
		out.entries = append(out.entries, entry{key: key, val: val})
	}
	return out
}

// set adds an entry to a dictionary that is being made.
func (d *dict) set(key name, val value) { d.entries = append(d.entries, entry{key: key, val: val}) }

// without returns a copy of d that has no such key.
func (d *dict) without(key name) *dict {
	out := &dict{entries: make([]entry, 0, len(d.entries))}
	for _, e := range d.entries {
		if e.key != key {
			out.entries = append(out.entries, e)
		}
	}
	return out
}

// number returns an int64 or a real as a float64.
func number(v value) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case real:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	}
	return 0, false
}
