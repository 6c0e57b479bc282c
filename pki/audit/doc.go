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
// Entries that come together are appended as one [Batch], from which each gets a
// [Receipt]: its place and the proof of it, computed without reading the log.
//
// A [Checkpoint] is the signed size and root of the log. It travels in every
// `time` file, so every terminal is a witness, and a [Cosigner] signs only what
// continues what it saw before. [Verify] recomputes the whole log and names the
// first entry that is not what was hashed; [VerifyWitnessed] also finds a log that
// is whole in itself but was cut, made anew or rolled back.
//
// A [Proof] is a file by which somebody without the log knows that an entry is in
// it. docs/audit-format.md describes the formats. The package does not say whether
// an act should have been recorded, and keeps no secret but the keys of commitments.
package audit
