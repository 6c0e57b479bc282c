package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/pki/audit"
)

// Format is the newest version of the layout in which [Store.Copy] gives the records, and
// OldestFormat the oldest; a [Loader] takes both, and what lies between.
const (
	Format       = formatVersion
	OldestFormat = formatShared
)

// WithRecordKeys is the first format of which nothing can be read without the record keys.
const WithRecordKeys = formatOwn

// added are tables that were added within a format: a copy of before has none.
var added = []string{tableDestroyed, tableCheckpoints}

// Sink takes tables and indexes one after the other, each with its rows in ascending
// order: keys and values, look-up keys and references.
type Sink interface {
	Table(name string) error
	Index(name string) error
	// Row is one of the table or index that began last. The bytes are its own only until
	// it returns.
	Row(key, value []byte) error
}

// Moment is what a copy was made of.
type Moment struct {
	Format  uint64
	LogSize uint64 // entries of the audit log
	LogRoot []byte
}

// Copy gives all records as of one moment to the sink that begin returns. The moment
// lasts until it is done; the store is read and written to meanwhile.
func (s *Store) Copy(ctx context.Context, begin func(Moment) (Sink, error)) error {
	err := s.db.View(ctx, func(tx kv.Tx) error {
		log := s.log(tx)
		size, err := log.Size()
		if err != nil {
			return err
		}
		root, err := audit.Root(log, size)
		if err != nil {
			return err
		}
		sink, err := begin(Moment{getUint(tx.Table(tableMeta), metaFormat), size, root})
		if err != nil {
			return err
		}
		return copyAll(ctx, tx, sink)
	})
	if err != nil {
		return fmt.Errorf("copying the records: %w", err)
	}
	return nil
}

func copyAll(ctx context.Context, tx kv.Tx, sink Sink) error {
	const often = 1024
	rows := 0
	row := func(key, value []byte) error {
		if rows++; rows%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return sink.Row(key, value)
	}
	for _, t := range Schema().Tables {
		if err := sink.Table(t.Name); err != nil {
			return err
		}
		for key, value := range tx.Table(t.Name).Range(nil, nil) {
			if err := row(key, value); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
	}
	for _, i := range Schema().Indexes {
		if err := sink.Index(i.Name); err != nil {
			return err
		}
		for key, ref := range tx.Index(i.Name).All() {
			if err := row(key, ref); err != nil {
				return fmt.Errorf("index %s: %w", i.Name, err)
			}
		}
	}
	return nil
}

// Digest is a [Sink] that tells whether two databases hold the same.
type Digest struct {
	sum  hash.Hash
	rows map[string]uint64
	name string
}

// NewDigest returns a digest of nothing yet.
func NewDigest() *Digest { return &Digest{sum: sm3.New(), rows: make(map[string]uint64)} }

func (d *Digest) add(kind byte, parts ...[]byte) {
	d.sum.Write([]byte{kind})
	for _, p := range parts {
		d.sum.Write(binary.AppendUvarint(nil, uint64(len(p))))
		d.sum.Write(p)
	}
}

// Table implements [Sink].
func (d *Digest) Table(name string) error {
	d.name = name
	d.add('t', []byte(name))
	return nil
}

// Index implements [Sink].
func (d *Digest) Index(name string) error {
	d.name = name
	d.add('i', []byte(name))
	return nil
}

// Row implements [Sink].
func (d *Digest) Row(key, value []byte) error {
	d.rows[d.name]++
	d.add('r', key, value)
	return nil
}

// Rows returns how many rows there were in each table and index.
func (d *Digest) Rows() map[string]uint64 { return maps.Clone(d.rows) }

// Sum returns SM3 over everything.
func (d *Digest) Sum() [sm3.Size]byte { return [sm3.Size]byte(d.sum.Sum(nil)) }

// Loader fills an empty database with records. The database is no store until
// [Loader.Close] has succeeded: what is cut off is cleared by the next one.
type Loader struct {
	ctx  context.Context
	db   kv.Engine
	last []pair // of the table meta, which makes the database a store

	sum     *Digest // of everything but the table meta
	omitted []byte  // a key of the table meta that is not taken

	name    string
	isIndex bool
	batch   []pair
	size    int
	seen    map[string]bool
	loaded  func(rows int)
}

var _ Sink = (*Loader)(nil)

type pair struct{ key, value []byte }

// Rows are written in transactions of so many bytes and rows.
const (
	batchBytes = 4 << 20
	batchRows  = 20000
)

// NewLoader begins to fill a database that was opened with [Schema]. One that is a store
// is left alone: the error then wraps fs.ErrExist. Loaded, if not nil, is told of rows
// that are durable.
func NewLoader(ctx context.Context, db kv.Engine, loaded func(rows int)) (*Loader, error) {
	if loaded == nil {
		loaded = func(int) {}
	}
	l := &Loader{ctx: ctx, db: db, sum: NewDigest(), seen: make(map[string]bool), loaded: loaded}
	err := db.View(ctx, func(tx kv.Tx) error {
		for range tx.Table(tableMeta).Range(nil, nil) {
			return fs.ErrExist
		}
		return nil
	})
	if err == nil {
		err = l.clear()
	}
	if err != nil {
		return nil, fmt.Errorf("filling the database: %w", err)
	}
	return l, nil
}

// clear removes what an earlier loader has left half-done.
func (l *Loader) clear() error {
	for {
		left := 0
		err := l.db.Update(l.ctx, func(tx kv.Tx) error {
			left = 0
			for _, t := range Schema().Tables {
				var keys [][]byte
				for key := range tx.Table(t.Name).Range(nil, nil) {
					if keys = append(keys, bytes.Clone(key)); len(keys) == batchRows {
						break
					}
				}
				left += len(keys)
				for _, key := range keys {
					if err := tx.Table(t.Name).Delete(key); err != nil {
						return err
					}
				}
			}
			for _, i := range Schema().Indexes {
				var entries []pair
				for key, ref := range tx.Index(i.Name).All() {
					if entries = append(entries, pair{bytes.Clone(key), bytes.Clone(ref)}); len(entries) == batchRows {
						break
					}
				}
				left += len(entries)
				for _, e := range entries {
					if err := tx.Index(i.Name).Remove(e.key, e.value); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil || left == 0 {
			return err
		}
	}
}

// Table implements [Sink].
func (l *Loader) Table(name string) error {
	return l.begin(name, false, slices.ContainsFunc(Schema().Tables, func(t kv.TableSpec) bool { return t.Name == name }))
}

// Index implements [Sink].
func (l *Loader) Index(name string) error {
	return l.begin(name, true, slices.ContainsFunc(Schema().Indexes, func(i kv.IndexSpec) bool { return i.Name == name }))
}

func (l *Loader) begin(name string, isIndex, known bool) error {
	switch {
	case !known:
		return fmt.Errorf("this program does not know table %q of the records", name)
	case l.seen[name]:
		return fmt.Errorf("table %s comes twice", name)
	}
	l.seen[name] = true
	if err := l.flush(); err != nil {
		return err
	}
	l.name, l.isIndex = name, isIndex
	if isIndex {
		return l.sum.Index(name)
	}
	return l.sum.Table(name)
}

// Omit leaves a setting out: one that the copy must not have.
func (l *Loader) Omit(setting string) error {
	if len(l.seen) > 0 {
		return errors.New("filling the database: it has begun")
	}
	l.omitted = settingKey(setting)
	return nil
}

// Row implements [Sink].
func (l *Loader) Row(key, value []byte) error {
	if l.isIndex {
		spec := Schema().Indexes[slices.IndexFunc(Schema().Indexes, func(i kv.IndexSpec) bool { return i.Name == l.name })]
		if len(key) != spec.KeySize || len(value) != spec.RefSize {
			return fmt.Errorf("index %s: an entry has %d and %d bytes", l.name, len(key), len(value))
		}
	}
	p := pair{bytes.Clone(key), append([]byte{}, value...)}
	if l.name == tableMeta {
		if !bytes.Equal(key, l.omitted) {
			l.last = append(l.last, p)
		}
		return nil
	}
	if err := l.sum.Row(key, value); err != nil {
		return err
	}
	l.batch = append(l.batch, p)
	if l.size += len(key) + len(value); l.size >= batchBytes || len(l.batch) >= batchRows {
		return l.flush()
	}
	return nil
}

func (l *Loader) flush() error {
	if len(l.batch) == 0 {
		return nil
	}
	err := l.db.Update(l.ctx, func(tx kv.Tx) error {
		for _, p := range l.batch {
			var err error
			if l.isIndex {
				err = tx.Index(l.name).Add(p.key, p.value)
			} else {
				err = tx.Table(l.name).Put(p.key, p.value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("filling %s: %w", l.name, err)
	}
	l.loaded(len(l.batch))
	l.batch, l.size = l.batch[:0], 0
	return nil
}

// Compare reads everything back that was loaded, before the database becomes a store, and
// returns its digest. The table meta, which makes it one, is not there yet.
func (l *Loader) Compare() (*Digest, error) {
	if err := l.flush(); err != nil {
		return nil, err
	}
	back := NewDigest()
	if err := l.db.View(l.ctx, func(tx kv.Tx) error { return copyAll(l.ctx, tx, back) }); err != nil {
		return nil, fmt.Errorf("reading the database back: %w", err)
	}
	if back.Sum() != l.sum.Sum() {
		return nil, fmt.Errorf("the database gives back other records than it was given: %v rows, %v were given", back.Rows(), l.sum.Rows())
	}
	return back, nil
}

// Close makes the database a store.
func (l *Loader) Close() error {
	if err := l.flush(); err != nil {
		return err
	}
	format := slices.ContainsFunc(l.last, func(p pair) bool { return bytes.Equal(p.key, metaFormat) })
	for _, name := range added {
		l.seen[name] = true
	}
	if !format || len(l.seen) != len(Schema().Tables)+len(Schema().Indexes) {
		return errors.New("filling the database: tables are missing")
	}
	l.name, l.isIndex, l.batch = tableMeta, false, l.last
	return l.flush()
}
