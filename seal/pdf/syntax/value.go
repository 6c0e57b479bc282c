package syntax

import "strconv"

// A Value is one PDF object as ISO 32000-1, 7.3 lists them: nil (null), bool, int64, [Real], [Name], [String], [Array],
// *[Dict], [Ref] or *[Stream].
type Value any

// A Real keeps the digits it was written with, so that what is copied into an
// increment stays exactly what it was.
type Real string

// A Name holds the decoded bytes, without the solidus and the #xx escapes.
type Name string

// A String holds the decoded bytes of a literal or hexadecimal string.
type String string

// An Array may hold values of any kind.
type Array []Value

// A Ref names an indirect object. No object has the number 0, so the zero Ref
// stands for none.
type Ref struct {
	Num uint32
	Gen uint16
}

// String writes the reference as a file does.
func (r Ref) String() string { return string(append(appendNumbers(nil, r), " R"...)) }

// A Dict keeps the order of the file. A key occurs once: the parser refuses
// duplicates, because readers disagree on which of two counts.
type Dict struct {
	Entries  []Entry
	index    map[Name]int // of a large dictionary
	Contents *Token       // of /Contents where it was read as a string
}

// An Entry is a key of a dictionary with its value.
type Entry struct {
	Key Name
	Val Value
}

// A Token is the bytes that a string was read from: [from, to) in the file, or in the decoded
// object stream for objects that are packed in one. The signature check needs it.
type Token struct {
	From, To int64
	Paired   bool // pairs of hexadecimal digits and nothing else
}

// A Stream is a dictionary and the file offset at which its data start. How
// many data there are is the business of a view, because /Length may be
// indirect and a later revision may redefine it.
type Stream struct {
	Dict   *Dict
	start  int64
	holder Ref // the object it is
}

// Find returns the entry of a key, nil where absent. The nil dictionary has no entries.
func (d *Dict) Find(key Name) *Entry {
	if d == nil {
		return nil
	}
	if d.index != nil {
		if i, ok := d.index[key]; ok {
			return &d.Entries[i]
		}
		return nil
	}
	for i := range d.Entries {
		if d.Entries[i].Key == key {
			return &d.Entries[i]
		}
	}
	return nil
}

// Lookup returns the value of key as it stands, nil where absent; a reference is not followed.
func (d *Dict) Lookup(key Name) Value {
	if e := d.Find(key); e != nil {
		return e.Val
	}
	return nil
}

// newDict returns a dictionary with room for n entries, where they are few in one piece of
// memory with it.
func newDict(n int) *Dict {
	switch {
	case n <= 1:
		d := new(struct {
			Dict
			room [1]Entry
		})
		d.Entries = d.room[:0]
		return &d.Dict
	case n <= 3:
		d := new(struct {
			Dict
			room [3]Entry
		})
		d.Entries = d.room[:0]
		return &d.Dict
	case n <= 6:
		d := new(struct {
			Dict
			room [6]Entry
		})
		d.Entries = d.room[:0]
		return &d.Dict
	}
	return &Dict{Entries: make([]Entry, 0, n)}
}

// DictOf makes a dictionary of keys and values in turn.
func DictOf(pairs ...any) *Dict {
	d := newDict(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		d.Entries = append(d.Entries, Entry{Key: Name(key), Val: pairs[i+1]})
	}
	return d
}

// With returns a copy of d in which key has the given value.
func (d *Dict) With(key Name, val Value) *Dict {
	out := newDict(len(d.Entries) + 1)
	replaced := false
	for _, e := range d.Entries {
		if e.Key == key {
			e.Val, replaced = val, true
		}
		out.Entries = append(out.Entries, e)
	}
	if !replaced {
		out.Entries = append(out.Entries, Entry{Key: key, Val: val})
	}
	return out
}

// Set adds an entry to a dictionary that is being made.
func (d *Dict) Set(key Name, val Value) { d.Entries = append(d.Entries, Entry{Key: key, Val: val}) }

// Without returns a copy of d that has no such key.
func (d *Dict) Without(key Name) *Dict {
	out := &Dict{Entries: make([]Entry, 0, len(d.Entries))}
	for _, e := range d.Entries {
		if e.Key != key {
			out.Entries = append(out.Entries, e)
		}
	}
	return out
}

// Number returns an int64 or a [Real] as a float64.
func Number(v Value) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case Real:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	}
	return 0, false
}
