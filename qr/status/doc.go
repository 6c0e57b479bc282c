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
// A plane travels as the gaps between its indices: the first index, then each gap
// less one. They are Golomb–Rice coded (the quotient in ones ended by a zero, then
// k bits of remainder, most significant bit first) or written in base 128 and
// packed with zstd, whichever is shorter. A snapshot holds the two planes
// ([Set.Snapshot]), a delta the indices that changed in each ([Set.Delta]). The
// revoked plane only grows while a list lives: a delta that would clear a revoked
// bit is refused ([ErrUnrevoked]).
//
// A delta leads from one state to one other. A skip-delta ([Set.Skip]) leads from
// every state within an hour, a day, a week or 30 days to the present one, for
// terminals that were away.
//
// [Set.TokenList] states a list in the form of the IETF Token Status List
// (draft-ietf-oauth-status-list-20), for third parties. Nothing here reads that
// form, and nothing here signs.
package status
