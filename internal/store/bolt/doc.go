// Package bolt is the embedded engine of the store (package kv): one bbolt file.
//
// Every Update is one bbolt transaction, fsynced before it returns. NoSync and
// NoFreelistSync stay off. One process opens the file at a time; a second one is refused
// with [kv.ErrInUse].
//
// The file has a bucket for each table and each index of its schema, and the bucket
// "schema" that names them:
//
//	schema     name → what it is, as text: "table", or "index", key size, reference size
//	TABLE      the table's keys and values
//	INDEX      look-up key ‖ reference → nothing
//
// Reads of the file cannot fail, as bbolt maps it into memory: a disk that cannot be read
// ends the process.
package bolt
