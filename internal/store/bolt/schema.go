package bolt

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/kv"
)

// bucketSchema names the tables and indexes of the file.
var bucketSchema = []byte("schema")

// describe is what the file says of each table and index.
func (e *Engine) describe() map[string]string {
	all := make(map[string]string)
	for name := range e.tables {
		all[name] = "table"
	}
	for name, i := range e.indexes {
		all[name] = fmt.Sprintf("index of runs %d %d", i.KeySize, i.RefSize)
	}
	return all
}

// agree compares the file with the schema, and makes what a new version has added.
func (e *Engine) agree() error {
	known, stored := e.describe(), 0
	err := e.db.View(func(tx *bbolt.Tx) error {
		schema := tx.Bucket(bucketSchema)
		if schema == nil {
			return unnamed(tx)
		}
		return schema.ForEach(func(name, what []byte) error {
			stored++
			switch {
			case known[string(name)] == "":
				return fmt.Errorf("this program does not know %s %s of the store", what, name)
			case known[string(name)] != string(what):
				return fmt.Errorf("%s of the store is %s, this program knows it as %s", name, what, known[string(name)])
			case tx.Bucket(name) == nil:
				return fmt.Errorf("bucket %s is missing", name)
			}
			return nil
		})
	})
	if err != nil || stored == len(known) {
		return err
	}
	return e.db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketSchema); err != nil {
			return err
		}
		return e.complete(tx)
	})
}

// unnamed accepts the files of before the bucket of the schema, which are known by their
// settings.
func unnamed(tx *bbolt.Tx) error {
	if meta := tx.Bucket([]byte("meta")); meta == nil || len(meta.Get([]byte("format"))) != 8 {
		return errors.New("not one of our stores, or its making was cut off")
	}
	return nil
}

// complete makes the buckets that are not there yet.
func (e *Engine) complete(tx *bbolt.Tx) error {
	schema := tx.Bucket(bucketSchema)
	for name, what := range e.describe() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("bucket %s: %w", name, err)
		}
		if err := schema.Put([]byte(name), []byte(what)); err != nil {
			return err
		}
	}
	return nil
}

// Retired returns a table that is no longer in the schema, nil where the file has none of
// this name. It is how a store takes over what an earlier version wrote.
func (t *tx) Retired(name string) kv.Table {
	b := t.tx.Bucket([]byte(name))
	if _, current := t.engine.describe()[name]; current || b == nil {
		return nil
	}
	return &table{bucket: b, touch: t.touch}
}

// Drop removes a table that is no longer in the schema.
func (t *tx) Drop(name string) error {
	if _, current := t.engine.describe()[name]; current {
		return fmt.Errorf("table %s is in use", name)
	}
	return t.tx.DeleteBucket([]byte(name))
}
