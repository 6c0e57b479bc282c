// Package placement says where on a document a seal, a signature or a code goes: at a place
// of named pages, at words or at the date of issue, cut over the edges of the pages (骑缝章),
// and, for a code, where the page shows nothing. All lengths are millimetres on the page as
// the reader sees it, whatever its rotation, box or unit.
//
// It refuses places that are not there and words that stand there more than once, rather than
// guess. It only reads documents; package pdf draws the marks.
package placement
