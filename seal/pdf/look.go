package pdf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// The look of an annotation is one SM3 over everything that decides what a reader draws for it: those entries of its
// dictionary ([lookKeys]), with all that they lead to. It is written down by what it says and not by how, so that
// another program finds the same: whatever numbers the objects have, whether a value stands in its place or in an
// object of its own, in which order the entries of a dictionary come, and how numbers and strings are spelled.
// docs/seen-format.md is the form, byte for byte.

// lookName begins what is hashed, with a zero byte behind it.
const lookName = "elicence/look/1"

// lookKeys are the entries of an annotation that decide how it looks, in the order of their
// bytes (ISO 32000-2, tables 166 and 170).
var lookKeys = [...]syntax.Name{"AP", "AS", "BM", "CA", "F", "OC", "ca"}

// What begins each value.
const (
	lookNull   = 'n'
	lookTrue   = 't'
	lookFalse  = 'f'
	lookNumber = '#'
	lookNamed  = '/'
	lookString = '('
	lookArray  = '['
	lookDict   = '<'
	lookStream = '~'
	lookBack   = '^'
)

// maxLookValues bounds the values of one look, of which a few dozens are usual.
const maxLookValues = 100_000

// maxSaid is the length in bytes of what is remembered of a dictionary.
const maxSaid = 512

// looks finds how annotations look. It remembers streams and what they share, so that a hundred slices of one seal cost
// one reading of it. What is part of a circle is not remembered: it is written down in another way from each of its
// places, and a look must not depend on what was asked before.
type looks struct {
	object func(syntax.Ref) (syntax.Value, error) // what a reference leads to, nil for nothing
	stream func(*syntax.Stream) ([]byte, error)   // the data of a stream of the file, as they are stored
	known  map[syntax.Ref][sm3.Size]byte          // streams without circles
	said   map[syntax.Ref]said                    // and small dictionaries without them
	under  map[syntax.Ref]int                     // what is being written down, numbered from outside
	lowest int                                    // the outermost of those that something led back to
	values int
	found  map[*syntax.Dict][sm3.Size]byte // looks of annotations
	out    []byte                          // room to write in
	memory *likeness.Memory                // of what drawings hash to; nil: none
}

// said is a dictionary as it is written down.
type said struct {
	out    []byte
	values int // that it took, which count again each time
}

// drawn is a stream that is not in the file yet.
type drawn struct {
	dict *syntax.Dict
	data []byte
}

// looks reads the file as a view shows it.
func (v view) looks() *looks {
	return &looks{
		object: func(r syntax.Ref) (syntax.Value, error) {
			o, err := v.Load(r)
			if err != nil || o == nil {
				return nil, err
			}
			return o.Val, nil
		},
		stream: v.Encoded,
		known:  make(map[syntax.Ref][sm3.Size]byte), said: make(map[syntax.Ref]said), under: make(map[syntax.Ref]int), lowest: math.MaxInt,
		found: make(map[*syntax.Dict][sm3.Size]byte), out: make([]byte, 0, 1<<10),
	}
}

// looks reads the file as it is now. The memory may be nil.
func (d *Document) looks(memory *likeness.Memory) *looks {
	if d.look == nil {
		d.look = d.now.looks()
	}
	d.look.memory = memory
	return d.look
}

// of returns the look of an annotation, which several checks ask for.
func (l *looks) of(annotation *syntax.Dict) ([sm3.Size]byte, error) {
	if look, ok := l.found[annotation]; ok {
		return look, nil
	}
	l.values, l.lowest = 0, math.MaxInt
	clear(l.under) // what an error left
	var decide [len(lookKeys)]syntax.Entry
	seen := decide[:0]
	for _, key := range lookKeys {
		if e := annotation.Find(key); e != nil {
			seen = append(seen, *e)
		}
	}
	out, err := l.entries(append(l.out[:0], lookName+"\x00"...), seen, 0)
	if err != nil {
		return [sm3.Size]byte{}, fmt.Errorf("how an annotation looks: %w", err)
	}
	l.out = out
	look := l.memory.Sum(out, sm3.Sum)
	l.found[annotation] = look
	return look, nil
}

// count counts values that are written down.
func (l *looks) count(n int) error {
	if l.values += n; l.values > maxLookValues {
		return fmt.Errorf("%w: more than %d values", syntax.ErrTooComplex, maxLookValues)
	}
	return nil
}

// append writes a value down.
func (l *looks) append(out []byte, val syntax.Value, depth int) ([]byte, error) {
	if err := l.count(1); err != nil {
		return nil, err
	}
	if depth > syntax.MaxNesting {
		return nil, fmt.Errorf("%w: more than %d values inside each other", syntax.ErrTooComplex, syntax.MaxNesting)
	}
	switch val := val.(type) {
	case syntax.Ref:
		return l.reference(out, val, depth)
	case bool:
		if val {
			return append(out, lookTrue), nil
		}
		return append(out, lookFalse), nil
	case int64:
		return appendCounted(out, lookNumber, strconv.FormatInt(val, 10)), nil
	case syntax.Real:
		return appendCounted(out, lookNumber, plainNumber(val)), nil
	case syntax.Name:
		return appendCounted(out, lookNamed, string(val)), nil
	case syntax.String:
		return appendCounted(out, lookString, string(val)), nil
	case syntax.Array:
		out = appendCount(out, lookArray, len(val))
		var err error
		for _, e := range val {
			if out, err = l.append(out, e, depth+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *syntax.Dict:
		return l.dict(out, val, depth)
	case *syntax.Stream:
		data, err := l.stream(val)
		if err != nil {
			return nil, err
		}
		return l.data(out, val.Dict, data, depth)
	case *drawn:
		return l.data(out, val.dict, val.data, depth)
	}
	return append(out, lookNull), nil
}

// reference writes what a reference leads to, a stream that is known by its SM3, and what
// leads back to where it came from by how many references that is.
func (l *looks) reference(out []byte, r syntax.Ref, depth int) ([]byte, error) {
	if digest, ok := l.known[r]; ok {
		return append(append(out, lookStream), digest[:]...), nil
	}
	if d, ok := l.said[r]; ok {
		if err := l.count(d.values); err != nil {
			return nil, err
		}
		return append(out, d.out...), nil
	}
	number := len(l.under)
	if n, ok := l.under[r]; ok {
		l.lowest = min(l.lowest, n)
		return appendCount(out, lookBack, number-n), nil
	}
	val, err := l.object(r)
	if err != nil {
		return nil, err
	}
	before := l.lowest
	l.under[r], l.lowest = number, math.MaxInt
	at, values := len(out), l.values
	out, err = l.append(out, val, depth+1)
	delete(l.under, r)
	if err != nil {
		return nil, err
	}
	if l.lowest == math.MaxInt {
		switch val.(type) {
		case *syntax.Stream, *drawn:
			l.known[r] = [sm3.Size]byte(out[at+1:])
		case *syntax.Dict:
			if len(out)-at <= maxSaid {
				l.said[r] = said{bytes.Clone(out[at:]), l.values - values}
			}
		}
	}
	if l.lowest >= number { // nothing around it is part of a circle through it
		l.lowest = math.MaxInt
	}
	l.lowest = min(l.lowest, before)
	return out, nil
}

// dict writes a dictionary.
func (l *looks) dict(out []byte, d *syntax.Dict, depth int) ([]byte, error) {
	var few [8]syntax.Entry
	return l.entries(out, append(few[:0], d.Entries...), depth)
}

// entries writes a dictionary of these entries, which it puts into the order of their keys.
// One that is null is none (ISO 32000-1, 7.3.7).
func (l *looks) entries(out []byte, entries []syntax.Entry, depth int) ([]byte, error) {
	slices.SortFunc(entries, func(a, b syntax.Entry) int { return strings.Compare(string(a.Key), string(b.Key)) })
	at, n := len(out), 0
	out = appendCount(out, lookDict, 0)
	for _, e := range entries {
		before := len(out)
		out = appendCounted(out, lookNamed, string(e.Key))
		from := len(out)
		var err error
		if out, err = l.append(out, e.Val, depth+1); err != nil {
			return nil, err
		}
		if out[from] == lookNull {
			out = out[:before]
			continue
		}
		n++
	}
	binary.BigEndian.PutUint32(out[at+1:], uint32(n)) //nolint:gosec // at most maxLookValues
	return out, nil
}

// lookOnce is the SM3 by which a drawing that leads to no other object is written down,
// made once.
type lookOnce struct {
	once   sync.Once
	digest [sm3.Size]byte
	err    error
}

func (o *lookOnce) of(l *looks, d *syntax.Dict, data []byte) ([sm3.Size]byte, error) {
	o.once.Do(func() {
		out, err := l.data(nil, d, data, 0)
		if o.err = err; err == nil {
			o.digest = [sm3.Size]byte(out[1:])
		}
	})
	return o.digest, o.err
}

// data writes a stream: one SM3 over its dictionary without /Length and its data.
func (l *looks) data(out []byte, d *syntax.Dict, data []byte, depth int) ([]byte, error) {
	var few [8]syntax.Entry
	entries := few[:0]
	for _, e := range d.Entries {
		if e.Key != "Length" {
			entries = append(entries, e)
		}
	}
	at := len(out)
	out, err := l.entries(out, entries, depth)
	if err != nil {
		return nil, err
	}
	out = append(out, data...)
	digest := l.memory.Sum(out[at:], sm3.Sum)
	return append(append(out[:at], lookStream), digest[:]...), nil
}

func appendCount(out []byte, kind byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(out, kind), uint32(n)) //nolint:gosec // bounded by the file
}

func appendCounted(out []byte, kind byte, s string) []byte {
	return append(appendCount(out, kind, len(s)), s...)
}

// plainNumber spells a number with as few digits as it has: no sign but a minus before
// what is not zero, no zeros that say nothing, a full stop only before decimals.
func plainNumber(r syntax.Real) string {
	digits, negative := strings.CutPrefix(string(r), "-")
	whole, decimals, _ := strings.Cut(strings.TrimPrefix(digits, "+"), ".")
	if (whole == "0" || whole != "" && whole[0] != '0') && decimals != "" && decimals[len(decimals)-1] != '0' && digits[0] != '+' {
		return string(r) // as most are written
	}
	whole, decimals = strings.TrimLeft(whole, "0"), strings.TrimRight(decimals, "0")
	if whole == "" {
		whole = "0"
	}
	if decimals != "" {
		whole += "." + decimals
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole
}
