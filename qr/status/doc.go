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
// The lists of a domain have a state together ([State]), which travels in one file. A
// snapshot holds it whole ([State.Snapshot]); a delta holds what changed since an
// earlier one, in a form that leads to it from every state in between ([State.Delta]),
// so that a terminal which was away takes one file, however many states it has missed.
// What a file holds are the gaps between the places of all its lists: the first, then
// each gap less one. They are Golomb–Rice coded (the quotient in ones ended by a zero,
// then k bits of remainder, most significant bit first) or written in base 128 and
// packed with zstd, whichever is shorter.
//
// The revoked plane only grows while a list lives: a state that would clear a revoked
// bit is refused ([ErrUnrevoked]).
//
// The service keeps what changed by quarters of an hour, hours and days ([Step],
// [Thin]), from which it makes the deltas.
//
// [Set.TokenList] states a list in the form of the IETF Token Status List
// (draft-ietf-oauth-status-list-20), for third parties, and a [TokenKey] signs it.
// Nothing here reads that form.
package status
