// Package exchange reads and writes the files in which licences travel by the thousand:
// CSV and JSON Lines of applications, the faults of an import, and the columns of the
// national catalogue (GB/T 36902-2018). docs/import.md is its description for the people
// who make such files.
//
// A file is read once to the end before anything of it counts: its digest, and whether it
// is UTF-8 or GB18030 throughout. After that it is read row by row in constant memory, and
// may not change ([Source.Unchanged]).
//
// What it refuses: files in neither encoding, headers with a name that the category does
// not know, rows that a spreadsheet has spoilt (numbers in scientific notation, formulas).
// It repairs nothing but what a spreadsheet wraps around a text so that it stays a text,
// and the spaces around a value.
package exchange
