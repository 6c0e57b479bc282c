// Package bolt is the embedded engine of the store (package kv): one bbolt file.
//
// Every Update is one bbolt transaction, fsynced before it returns. NoSync and
// NoFreelistSync stay off. One process opens the file at a time; a second one is refused
// with [kv.ErrInUse].
//
// The file has a bucket for each table and each index of its schema, and the bucket
// "schema" that names them:
//
//	schema     name → what it is, as text: "table", or "index of runs", key size, reference size
//	TABLE      the table's keys and values
//	INDEX      number of a run (32 bits, big-endian) → a bucket, whose sequence is twice its
//	           entries, and one more if it has marks:
//	             number of a segment (32 bits) → sorted entries (look-up key ‖ reference)
//	             marks → sorted entries that are hidden in runs of lower numbers
//	           A sequence of 0: the run was merged into another one, and what is left of it
//	           goes with the next transactions
//
// bbolt maps the file into memory: a disk that cannot be read ends the process. A run that
// is not as it was written fails the transaction that reads it.
package bolt
