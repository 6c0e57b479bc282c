package bolt

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/elicence/elicence/internal/store/kv"
)

// tx is a transaction.
type tx struct {
	tx      *bbolt.Tx
	engine  *Engine
	tables  map[string]*table // that were asked for
	indexes map[string]*index
	damage  error // what was read that is not as it was written
}

func (e *Engine) begin(t *bbolt.Tx) *tx {
	return &tx{tx: t, engine: e, tables: make(map[string]*table), indexes: make(map[string]*index)}
}

// flush writes what is still in memory.
func (t *tx) flush() error {
	for name, table := range t.tables {
		if err := table.flush(); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	merged := 0
	for _, name := range slices.Sorted(maps.Keys(t.indexes)) {
		n, err := t.indexes[name].flush(merged)
		if err != nil {
			return fmt.Errorf("index %s: %w", name, err)
		}
		merged += n
	}
	return nil
}

// fillGrowing is how full the pages of a growing table are left: what is before the last
// key will not be written to again.
const fillGrowing = 1

// Table implements [kv.Tx].
func (t *tx) Table(name string) kv.Table {
	if opened, known := t.tables[name]; known {
		return opened
	}
	spec, known := t.engine.tables[name]
	if !known {
		panic(fmt.Sprintf("bolt: table %q is not in the schema", name))
	}
	b := t.tx.Bucket([]byte(name))
	opened := &table{bucket: b, touch: t.touch}
	switch {
	case spec.Order == kv.Growing:
		b.FillPercent = fillGrowing
	case t.tx.Writable():
		opened.pending = make(map[string][]byte)
	}
	t.tables[name] = opened
	return opened
}

// Index implements [kv.Tx].
func (t *tx) Index(name string) kv.Index {
	if opened := t.indexes[name]; opened != nil {
		return opened
	}
	spec, known := t.engine.indexes[name]
	if !known {
		panic(fmt.Sprintf("bolt: index %q is not in the schema", name))
	}
	t.indexes[name] = openIndex(t.tx.Bucket([]byte(name)), spec, t.engine.shape, func(err error) {
		t.damage = cmp.Or(t.damage, fmt.Errorf("index %s of the store is damaged: %w", name, err))
	}, t.touch)
	return t.indexes[name]
}

// table is a bucket. What a transaction writes to a table of random keys waits in memory
// until it ends or is ranged over: counts and settings are written a thousand times in a
// transaction of a thousand licences, and a bucket is quicker to write in order.
type table struct {
	bucket  *bbolt.Bucket
	touch   func(bytes int)
	pending map[string][]byte // nil: the table writes at once; a nil value: it is deleted
}

// Get implements [kv.Table].
func (t *table) Get(key []byte) []byte {
	if value, waits := t.pending[string(key)]; waits {
		return value
	}
	t.touch(window)
	return t.bucket.Get(key)
}

// Put implements [kv.Table].
func (t *table) Put(key, value []byte) error {
	switch {
	case t.pending == nil:
		return t.bucket.Put(key, value)
	case len(key) == 0:
		return bbolterrors.ErrKeyRequired
	case len(key) > bbolt.MaxKeySize:
		return bbolterrors.ErrKeyTooLarge
	case int64(len(value)) > bbolt.MaxValueSize:
		return bbolterrors.ErrValueTooLarge
	case value == nil:
		value = []byte{}
	}
	t.pending[string(key)] = value
	return nil
}

// Delete implements [kv.Table].
func (t *table) Delete(key []byte) error {
	if t.pending == nil {
		return t.bucket.Delete(key)
	}
	t.pending[string(key)] = nil
	return nil
}

// flush writes what waits.
func (t *table) flush() error {
	for _, key := range slices.Sorted(maps.Keys(t.pending)) {
		t.touch(window)
		var err error
		if value := t.pending[key]; value == nil {
			err = t.bucket.Delete([]byte(key))
		} else {
			err = t.bucket.Put([]byte(key), value)
		}
		if err != nil {
			return err
		}
	}
	clear(t.pending)
	return nil
}

// Range implements [kv.Table].
func (t *table) Range(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		if err := t.flush(); err != nil {
			panic(fmt.Sprintf("bolt: what was accepted cannot be written: %v", err))
		}
		c := t.bucket.Cursor()
		t.touch(window)
		passed := 0
		for k, v := c.Seek(from); k != nil && (to == nil || bytes.Compare(k, to) < 0); k, v = c.Next() {
			if passed += len(k) + len(v); passed >= window {
				t.touch(passed)
				passed = 0
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

// Fetch implements [kv.Table]: everything is near.
func (t *table) Fetch([][]byte) {}
