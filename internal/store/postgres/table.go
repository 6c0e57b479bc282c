package postgres

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
)

// table is a table within a transaction.
type table struct {
	tx     *tx
	layout *tableLayout
	// known is what was read, nil for a key that is not there; written stands before it,
	// nil for a key that was deleted.
	known, written map[string][]byte
	ahead          readAhead
}

// maxKnown bounds what a transaction remembers of a table that it goes through.
const maxKnown = 1 << 14

// know remembers rows that were read together.
func (t *table) know(rows ...row) {
	if len(t.known)+len(rows) > maxKnown {
		clear(t.known)
		t.ahead.covered = false
	}
	for _, r := range rows {
		t.known[string(r.key)] = r.value
	}
}

// readAhead is for who reads one number after the other, as whoever verifies the audit
// log: after the second the ones behind it are read as well.
type readAhead struct {
	last     []byte // the key that was read last
	limit    int    // rows of the next page
	covered  bool   // all rows of [from, to] are known, or to the end if to is nil
	from, to []byte
}

// covers reports whether a key that is not known is not there.
func (a *readAhead) covers(key []byte) bool {
	return a.covered && bytes.Compare(key, a.from) >= 0 && (a.to == nil || bytes.Compare(key, a.to) <= 0)
}

// follows reports whether a key is the number after the last one, and notes it.
func (a *readAhead) follows(key []byte) bool {
	const size = 8
	before := a.last
	a.last = bytes.Clone(key)
	return len(key) == size && len(before) == size && binary.BigEndian.Uint64(before)+1 == binary.BigEndian.Uint64(key)
}

// Get implements [kv.Table].
func (t *table) Get(key []byte) []byte {
	if value, ok := t.written[string(key)]; ok {
		return value
	}
	follows := t.ahead.follows(key)
	if value, ok := t.known[string(key)]; ok {
		return value
	}
	if t.ahead.covers(key) {
		return nil
	}
	if follows {
		return t.getAhead(key)
	}
	var value []byte
	t.tx.query("reading "+t.layout.name, t.layout.getText(), t.layout.keyArgs(key), func(rows *sql.Rows) error {
		return rows.Scan(&value)
	})
	if t.tx.failure != nil {
		return nil
	}
	t.know(row{key, value})
	return value
}

// getAhead reads a key and the rows behind it.
func (t *table) getAhead(key []byte) []byte {
	a := &t.ahead
	a.limit = min(max(firstPage, 4*a.limit), maxPage)
	rows := t.page(key, nil, a.limit)
	if t.tx.failure != nil {
		return nil
	}
	t.know(rows...)
	a.covered, a.from, a.to = true, bytes.Clone(key), nil
	if len(rows) == a.limit {
		a.to = rows[len(rows)-1].key
	}
	return t.known[string(key)]
}

// Fetch implements [kv.Table].
func (t *table) Fetch(keys [][]byte) {
	var wanted []any
	width := len(t.layout.keyArgs(nil))
	asked := make(map[string]bool, len(keys))
	for _, key := range keys {
		_, written := t.written[string(key)]
		_, known := t.known[string(key)]
		if !written && !known && !asked[string(key)] {
			asked[string(key)] = true
			wanted = append(wanted, t.layout.keyArgs(key)...)
		}
	}
	found := make(map[string][]byte, len(asked))
	for len(wanted) > 0 {
		n, args := batch(wanted, width)
		wanted = wanted[n:]
		t.tx.query("reading "+t.layout.name, t.layout.fetchText(len(args)/width), args, func(rows *sql.Rows) error {
			var key, value []byte
			if err := rows.Scan(&key, &value); err != nil {
				return err
			}
			found[string(key)] = value
			return nil
		})
	}
	if t.tx.failure != nil {
		return
	}
	all := make([]row, 0, len(asked))
	for key := range asked {
		all = append(all, row{[]byte(key), found[key]})
	}
	t.know(all...)
}

// Put implements [kv.Table].
func (t *table) Put(key, value []byte) error {
	if err := t.tx.canWrite(); err != nil {
		return err
	}
	t.written[string(key)] = append([]byte{}, value...)
	return nil
}

// Delete implements [kv.Table].
func (t *table) Delete(key []byte) error {
	if err := t.tx.canWrite(); err != nil {
		return err
	}
	t.written[string(key)] = nil
	return nil
}

// A Range reads in pages, as the transaction has one connection and its consumer may read
// something else in between. The first is small: many a consumer wants one row.
const (
	firstPage = 16
	maxPage   = 1024
)

// Range implements [kv.Table].
func (t *table) Range(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		ahead := t.writtenIn(from, to)
		// writtenBelow yields what was written below a key; nil: all of it.
		writtenBelow := func(key []byte) bool {
			for len(ahead) > 0 && (key == nil || ahead[0] < string(key)) {
				k := ahead[0]
				ahead = ahead[1:]
				if value := t.written[k]; value != nil && !yield([]byte(k), value) {
					return false
				}
			}
			return true
		}
		for limit := firstPage; ; limit = min(4*limit, maxPage) {
			rows := t.page(from, to, limit)
			t.know(rows...) // who ranges over keys often gets one of them
			for _, row := range rows {
				if !writtenBelow(row.key) {
					return
				}
				if len(ahead) > 0 && ahead[0] == string(row.key) {
					ahead = ahead[1:]
					row.value = t.written[string(row.key)]
				}
				if row.value != nil && !yield(row.key, row.value) {
					return
				}
			}
			if t.tx.failure != nil {
				return
			}
			if len(rows) < limit {
				writtenBelow(nil)
				return
			}
			// The next key in the order of bytes.
			from = append(bytes.Clone(rows[len(rows)-1].key), 0)
		}
	}
}

// writtenIn returns the keys of [from, to) that were written, in order.
func (t *table) writtenIn(from, to []byte) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for key := range t.written {
			if key >= string(from) && (to == nil || key < string(to)) && !yield(key) {
				return
			}
		}
	})
}

type row struct{ key, value []byte }

func (t *table) page(from, to []byte, limit int) []row {
	var all []row
	if from == nil {
		from = []byte{}
	}
	text, args := t.layout.rangeText(from, to, limit)
	t.tx.query("reading "+t.layout.name, text, args, func(rows *sql.Rows) error {
		var r row
		if err := rows.Scan(&r.key, &r.value); err != nil {
			return err
		}
		all = append(all, r)
		return nil
	})
	return all
}

// flush sends what was written.
func (t *table) flush() error {
	var puts, deletes []any
	width := len(t.layout.keyArgs(nil))
	for _, key := range slices.Sorted(maps.Keys(t.written)) {
		if value := t.written[key]; value != nil {
			puts = append(append(puts, t.layout.keyArgs([]byte(key))...), value)
		} else {
			deletes = append(deletes, t.layout.keyArgs([]byte(key))...)
		}
	}
	if err := t.tx.exec(deletes, width, t.layout.deleteText); err != nil {
		return err
	}
	return t.tx.exec(puts, width+1, t.layout.putText)
}
