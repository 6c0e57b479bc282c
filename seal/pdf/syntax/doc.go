// Package syntax reads and writes PDF files as what ISO 32000-1, clause 7 calls their syntax: objects, filters, file
// structure and encryption. It knows no pages, no forms and no signatures; the packages above it, structure, revision
// and pdf, give a meaning to what is read here.
//
// [Open] reads the end of the file and its cross-reference tables and streams (7.5.4, 7.5.8, hybrid files included).
// Objects are read when they are asked for, by a [View]: the file as its newest revision, or an earlier one, shows it
// (7.5.6). Nesting, chains, circles, decoded sizes and the work altogether are bounded in proportion to the file. It
// follows the standard to the letter and refuses what is damaged ([DamagedError]), as readers that repair show different
// things; [Salvage] alone looks for objects in what is damaged.
//
// An [Increment] is what a further revision appends; not one byte of what was there changes. [Strays] says what a revision
// has that a reader which looks for objects would take for others than it lists.
//
// Offsets are bytes from the beginning of the file, unless another origin is named.
package syntax
