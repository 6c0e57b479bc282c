package bolt

import (
	"bytes"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/kv"
)

// tx is a transaction.
type tx struct {
	tx     *bbolt.Tx
	engine *Engine
}

// fillGrowing is how full the pages of a growing table are left: what is behind the last
// key will not be written to again.
const fillGrowing = 0.95

// Table implements [kv.Tx].
func (t tx) Table(name string) kv.Table {
	spec, known := t.engine.tables[name]
	if !known {
		panic(fmt.Sprintf("bolt: table %q is not in the schema", name))
	}
	b := t.tx.Bucket([]byte(name))
	if spec.Order == kv.Growing {
		b.FillPercent = fillGrowing
	}
	return table{b}
}

// Index implements [kv.Tx].
func (t tx) Index(name string) kv.Index {
	spec, known := t.engine.indexes[name]
	if !known {
		panic(fmt.Sprintf("bolt: index %q is not in the schema", name))
	}
	return index{t.tx.Bucket([]byte(name)), spec}
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

// index is a bucket of entries.
type index struct {
	bucket *bbolt.Bucket
	spec   kv.IndexSpec
}

func (i index) entry(key, ref []byte) []byte {
	if len(key) != i.spec.KeySize || len(ref) != i.spec.RefSize {
		panic(fmt.Sprintf("bolt: an entry of index %s has %d and %d bytes", i.spec.Name, len(key), len(ref)))
	}
	return append(bytes.Clone(key), ref...)
}

// Add implements [kv.Index].
func (i index) Add(key, ref []byte) error { return i.bucket.Put(i.entry(key, ref), []byte{}) }

// Remove implements [kv.Index].
func (i index) Remove(key, ref []byte) error { return i.bucket.Delete(i.entry(key, ref)) }

// Find implements [kv.Index].
func (i index) Find(key []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c := i.bucket.Cursor()
		for k, _ := c.Seek(key); bytes.HasPrefix(k, key); k, _ = c.Next() {
			if !yield(k[len(key):]) {
				return
			}
		}
	}
}

// Fetch implements [kv.Index]: everything is near.
func (i index) Fetch([][]byte) {}
