package postgres

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// index is an index within a transaction.
type index struct {
	tx     *tx
	layout *indexLayout
	known  map[string][]string // by look-up key: the references that were read
	// written is by look-up key and reference: whether the entry is to be there. It
	// stands before known.
	written map[string]map[string]bool
}

// leadSize is how much of a look-up key is in the column lead.
const leadSize = 8

// keyArgs are the parameters that say a look-up key. All keys of an index are of one
// size, so that a short one may be filled up with zeros.
func keyArgs(key []byte) []any {
	rest := key[min(leadSize, len(key)):]
	if rest == nil {
		rest = []byte{}
	}
	return []any{leadOf(key), rest}
}

// leadOf is the column lead of a look-up key.
func leadOf(key []byte) int64 {
	var lead [leadSize]byte
	copy(lead[:], key)
	return int64(binary.BigEndian.Uint64(lead[:]))
}

// keyOf is the look-up key of a row.
func (l *indexLayout) keyOf(lead int64, rest []byte) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(lead))
	return string(append(b[:min(leadSize, l.keySize)], rest...))
}

func (x *index) write(key, ref []byte, there bool) error {
	if err := x.tx.canWrite(); err != nil {
		return err
	}
	if len(key) != x.layout.keySize || len(ref) != x.layout.refSize {
		return fmt.Errorf("index %s has keys of %d and references of %d bytes, not %d and %d", x.layout.name, x.layout.keySize, x.layout.refSize, len(key), len(ref))
	}
	if x.written[string(key)] == nil {
		x.written[string(key)] = make(map[string]bool)
	}
	x.written[string(key)][string(ref)] = there
	return nil
}

// Add implements [kv.Index].
func (x *index) Add(key, ref []byte) error { return x.write(key, ref, true) }

// Remove implements [kv.Index].
func (x *index) Remove(key, ref []byte) error { return x.write(key, ref, false) }

// Find implements [kv.Index].
func (x *index) Find(key []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(key) != x.layout.keySize {
			return
		}
		x.Fetch([][]byte{key})
		if x.tx.failure != nil {
			return
		}
		written := x.written[string(key)]
		for _, ref := range x.known[string(key)] {
			if _, overruled := written[ref]; !overruled && !yield([]byte(ref)) {
				return
			}
		}
		for _, ref := range slices.Sorted(maps.Keys(written)) {
			if written[ref] && !yield([]byte(ref)) {
				return
			}
		}
	}
}

// Fetch implements [kv.Index].
func (x *index) Fetch(keys [][]byte) {
	const width = 2
	var wanted []any
	asked := make(map[string]bool, len(keys))
	for _, key := range keys {
		if _, known := x.known[string(key)]; !known && !asked[string(key)] && len(key) == x.layout.keySize {
			asked[string(key)] = true
			wanted = append(wanted, keyArgs(key)...)
		}
	}
	found := make(map[string][]string, len(asked))
	for len(wanted) > 0 {
		n, args := batch(wanted, width)
		wanted = wanted[n:]
		x.tx.query("reading "+x.layout.name, x.layout.findText(len(args)/width), args, func(rows *sql.Rows) error {
			var lead int64
			var rest, ref []byte
			if err := rows.Scan(&lead, &rest, &ref); err != nil {
				return err
			}
			key := x.layout.keyOf(lead, rest)
			found[key] = append(found[key], string(ref))
			return nil
		})
	}
	if x.tx.failure != nil {
		return
	}
	for key := range asked {
		slices.Sort(found[key])
		x.known[key] = slices.Compact(found[key])
	}
}

// flush sends what was written.
func (x *index) flush() error {
	const width = 3
	var adds, removes []any
	for _, key := range slices.Sorted(maps.Keys(x.written)) {
		for _, ref := range slices.Sorted(maps.Keys(x.written[key])) {
			entry := append(keyArgs([]byte(key)), []byte(ref))
			if x.written[key][ref] {
				adds = append(adds, entry...)
			} else {
				removes = append(removes, entry...)
			}
		}
	}
	if err := x.tx.exec(removes, width, x.layout.removeText); err != nil {
		return err
	}
	return x.tx.exec(adds, width, x.layout.addText)
}
