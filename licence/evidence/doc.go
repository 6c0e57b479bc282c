// Package evidence is the one file that proves a licence decades later: its signed form
// and pages, the certificates and trust files of the time, entries of the audit log with
// their proofs, the texts that describe all the formats, and a time stamp over the whole.
//
// A bundle is a ZIP archive (APPNOTE 6.3.10), so that everybody can look inside without
// this program:
//
//	manifest.cbor   what the bundle holds: name, length and SM3 of every other file
//	manifest.tst    time stamp over the manifest (RFC 3161, DER)
//	…               the files, in the order of their names
//
// A ZIP has two directories and room for what no directory names; readers that look at
// one and readers that look at the other see two archives. So there is one accepted form:
// files are stored and not compressed, nothing optional is there, and an archive that is
// not, byte for byte, what [Bundle.Marshal] writes for its files is refused ([ErrForm]).
// Compressed bombs, doubled names, names that leave the folder, hidden and trailing bytes
// cannot be in it. Sizes are bounded before anything is copied.
//
// The package is pure. It does not say whether what is inside is true: whoever verifies
// the time stamp judges the licence, the certificates and the proofs by the trust files
// inside, as of the stamped time. docs/evidence.md describes that.
package evidence
