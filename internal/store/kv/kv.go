// Package kv is what the records of the service need of a database: ordered tables of
// bytes, indexes, transactions that see one moment, one writer at a time. An engine
// (bbolt, PostgreSQL) implements it; what the records mean is written once, above it.
//
// One writer at a time is not a limit of the engines. The audit log is a Merkle tree
// with one right edge, and the register counts its changes: every write would wait for
// every other at these two in any database. So callers that come together share a
// transaction instead, and its one trip to the disks.
//
// Engines promise: a transaction is seen as a whole or not at all; Update has returned
// without an error only when what it wrote and what it was shown survive the loss of
// power (and, where the engine keeps copies on other machines, the loss of this one);
// keys are ordered as bytes.
package kv

import (
	"context"
	"iter"

	"github.com/elicence/elicence/internal/bilingual"
)

// ErrInUse says that another process has the database open, where an engine allows one.
var ErrInUse = bilingual.New("数据正由另一进程使用", "the store is in use by another process")

// ErrUnknown says that nobody can tell whether a transaction took place: the connection
// was lost while it was committed, or the copies did not answer. Whoever repeats the act
// with its request id learns which.
var ErrUnknown = bilingual.New("不能确定变更是否已保存", "it is not known whether the change was stored")

// Engine is an open database. It is safe for concurrent use.
type Engine interface {
	// View runs f on one moment of the database.
	View(ctx context.Context, f func(Tx) error) error
	// Update runs f and commits what it wrote, unless f returns an error, which is then
	// returned as it is. The commit is not bound to ctx: a caller that has gone away must
	// not leave it open whether the act took place. Engines may run f more than once, so
	// f sets whatever it tells its caller anew each time.
	Update(ctx context.Context, f func(Tx) error) error
	// Confirm is a View for who will acknowledge an earlier act because it sees its
	// record: it returns without an error only when everything that f was shown is as
	// durable as Update promises. An engine may show a change before it is that. It may
	// run f more than once.
	Confirm(ctx context.Context, f func(Tx) error) error
	Close() error
}

// Tx is a transaction. It must not be used by two goroutines at once, nor after the
// function that got it has returned; nor may bytes that it returned.
//
// A read that fails in the engine returns nothing, and the whole transaction fails with
// it: View and Update return the engine's error in place of f's, whatever f made of the
// nothing that it saw. So nobody takes a failed read for an absent record.
type Tx interface {
	// Table returns a table of the schema that the engine was opened with. One that is
	// not in it is a mistake of the program and panics.
	Table(name string) Table
	// Index returns an index of the schema.
	Index(name string) Index
}

// Table is an ordered map.
type Table interface {
	// Get returns a key's value, nil if there is none. An empty value is not nil.
	Get(key []byte) []byte
	// Put sets a key's value. The key must not be empty. An engine may keep the value
	// until the transaction ends: it must not be changed meanwhile.
	Put(key, value []byte) error
	// Delete removes a key that may not be there.
	Delete(key []byte) error
	// Range yields keys of [from, to) in ascending order; to nil: to the end. The table
	// must not be written to meanwhile. Where to is not behind from there are none.
	Range(from, to []byte) iter.Seq2[[]byte, []byte]
	// Fetch tells the engine which keys will be read soon, so that one that is far away
	// gets them in one trip. It changes nothing else.
	Fetch(keys [][]byte)
}

// Index finds records by keys that are not theirs. Entries are pairs of a look-up key and
// a reference, both of a fixed size that the schema says; one look-up key may have many.
type Index interface {
	// Add adds an entry. One that is there already stays as it is.
	Add(key, ref []byte) error
	// Remove takes an entry away that may not be there.
	Remove(key, ref []byte) error
	// Find yields the references of a look-up key, in no order that means anything.
	Find(key []byte) iter.Seq[[]byte]
	// All yields every entry, a look-up key and its reference, in ascending order of the
	// two behind each other: what a copy of the database is made from. The index must not
	// be written to meanwhile.
	All() iter.Seq2[[]byte, []byte]
	// From is All without the entries whose look-up key is before one.
	From(key []byte) iter.Seq2[[]byte, []byte]
	// Fetch is what [Table.Fetch] is.
	Fetch(keys [][]byte)
}

// Order says how a table's keys come, so that an engine can lay it out well.
type Order uint8

const (
	// Random keys come in any order.
	Random Order = iota
	// Growing keys are each larger than all before them.
	Growing
)

// TableSpec describes a table.
type TableSpec struct {
	Name  string
	Order Order
}

// IndexSpec describes an index; sizes are in bytes.
type IndexSpec struct {
	Name             string
	KeySize, RefSize int
}

// Schema is all that a database holds.
type Schema struct {
	Tables  []TableSpec
	Indexes []IndexSpec
}
