package bolt

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/kv"
)

// tx is a transaction.
type tx struct {
	tx      *bbolt.Tx
	engine  *Engine
	tables  map[string]table // that were asked for
	indexes map[string]*index
}

func (e *Engine) begin(t *bbolt.Tx) *tx {
	return &tx{tx: t, engine: e, tables: make(map[string]table), indexes: make(map[string]*index)}
}

// flush writes what is still in memory.
func (t *tx) flush() error {
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
	if spec.Order == kv.Growing {
		b.FillPercent = fillGrowing
	}
	t.tables[name] = table{b}
	return t.tables[name]
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
	t.indexes[name] = openIndex(t.tx.Bucket([]byte(name)), spec, t.engine.shape)
	return t.indexes[name]
}

// table is a bucket.
type table struct{ bucket *bbolt.Bucket }

// Get implements [kv.Table].
func (t table) Get(key []byte) []byte { return t.bucket.Get(key) }

// Put implements [kv.Table].
func (t table) Put(key, value []byte) error { return t.bucket.Put(key, value) }

// Delete implements [kv.Table].
func (t table) Delete(key []byte) error { return t.bucket.Delete(key) }

// Range implements [kv.Table].
func (t table) Range(from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		c := t.bucket.Cursor()
		for k, v := c.Seek(from); k != nil && (to == nil || bytes.Compare(k, to) < 0); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

// Fetch implements [kv.Table]: everything is near.
func (t table) Fetch([][]byte) {}
