// Package typeface reads the two embedded Chinese typefaces and answers what a
// page or a seal needs to know: which glyph shows a character, how wide it is,
// what its outline is, and which bytes a document must carry to show it.
//
// # The faces
//
// [Song] is Noto Serif SC SemiBold, the upright style of headings, labels and
// official seals (宋体). [Kai] is LXGW WenKai Regular, the brush style of the
// written-in values (楷体). Both are under the SIL Open Font License 1.1; their
// sources, versions and digests are in fonts/README.md. They are parsed on first
// use and then shared: a [Face] never changes and may be used by many goroutines
// at once.
//
// Between them they show all 8,105 characters of 通用规范汉字表, the whole of the
// URO and of CJK extension A, and the rare characters of personal names that have
// reached practice. Nobody may lose a character of a name silently, so a [Stack]
// tries its faces in order, character by character, and a character that none of
// them shows is a [MissingRuneError] that names it and the text it stood in.
//
// # What is read
//
// OpenType 1.9 (ISO/IEC 14496-22) fonts with TrueType outlines: the tables head,
// hhea, hmtx, maxp, OS/2, cmap (formats 4 and 12), loca and glyf, composites
// included. Every offset and count is checked before it is followed, composites
// have a limit of depth and of points, and a fault is an error that names the
// table. [Face.Subset] writes the TrueType program that a PDF embeds as FontFile2
// (ISO 32000-1, 9.9).
//
// A [Program] is a font that somebody else's document brings along, of which the
// outlines count: TrueType or CFF (Adobe Technical Notes 5176 and 5177), and no
// table that says how wide or how high its glyphs are.
//
// # What is refused
//
// Collections, variable fonts, bitmap fonts and hinting are not read, nor are CFF
// outlines for a [Face]. There is no shaping either: no ligatures, no kerning, no combining marks,
// no right-to-left scripts. Chinese, Latin letters, digits and their punctuation
// need none of it, and a character that would need it is refused by name rather
// than drawn wrongly.
//
//	glyphs, err := typeface.Stack{typeface.Kai(), typeface.Song()}.Glyphs("欧阳龘䶮")
//	if err != nil {
//		return err // "U+… '…' in …: no face has a glyph for it"
//	}
package typeface
