// Package audit is the tamper-evident log: an append-only Merkle tree (RFC 6962,
// 2.1, with SM3 in place of SHA-256) over everything that was done.
//
// An [Entry] says who did what to which object, when, and commits to the object
// by its SM3 digest. What is personal about an act (names, numbers, reasons) is
// not in the entry: the entry holds HMAC-SM3 of it under a key of its own, and
// key and text lie beside the log, from where the law may have them erased. The
// log stays whole and provable without them.
//
// This package is pure: it computes over a [Storage] and owns no file. A store
// appends in the same transaction as what an entry records, so that one fsync
// covers both: there is no act without its entry, and no entry without its act.
//
// A [Checkpoint] is the signed size and root of the log. It travels in every
// `time` file, so every terminal is a witness: a log that was cut, edited or
// rolled back contradicts a checkpoint that somebody holds. [Verify] recomputes
// the whole log and names the first entry that is not what was hashed.
package audit
