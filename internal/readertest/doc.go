// Package readertest is a second reader of codes and of what a scanner caches, for
// tests. It is written from docs/code-format.md and docs/trust-format.md alone and
// imports nothing of this module: another CBOR library, another SM2 and SM3, plain
// loops. Where it and the real reader differ on a test vector, one of them or the
// documents are wrong.
//
// It answers with verdicts, not with words, and takes its time.
package readertest
