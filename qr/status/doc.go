// Package status is the coded status list: which licences of a list are revoked
// or suspended, exactly, in about a bit and a half per revoked licence.
//
// A list has 2^20 indices. Its two planes are bitsets of 131,072 bytes: index i
// is bit i mod 8 (least significant first) of byte i div 8. High is the end
// (exclusive) of the last window of indices that was opened; an index at or above
// it was never given out. The hash of a set is
//
//	SM3("elicence/set/1" ‖ uint32 list ‖ uint32 high ‖ revoked plane ‖ suspended plane)
//
// big-endian. It is what the signed status file names, so that snapshots and
// deltas may come from anywhere and in any order: what counts is the hash of the
// resulting set.
//
// A plane travels as Golomb–Rice coded gaps ([EncodePlane]): the first index,
// then each gap less one; the quotient in ones ended by a zero, then k bits of
// remainder, most significant bit first. A snapshot holds the two planes, a delta
// the indices that changed in each. The revoked plane only grows while a list
// lives: a delta that would clear a revoked bit is refused ([ErrUnrevoked]).
//
// Codecs other than Rice are not in this version.
package status
