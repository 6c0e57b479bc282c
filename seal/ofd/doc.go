// Package ofd reads signed OFD documents (GB/T 33190-2016) and judges their signatures.
// It writes nothing.
//
// An OFD document is a ZIP package of XML files. A signature (clause 18) is a file
// Signature.xml that lists files of the package with their digests, and beside it the
// signature value over the SM3 of Signature.xml: an SES_Signature of GB/T 38540 for a
// seal (Type Seal), or CMS signed data by GB/T 35275 for a signature (Type Sign).
//
// # What is refused
//
// [Open] takes a package only if every program that unpacks it finds the same files in
// it: the local headers must name what the directory names, nothing may lie between the
// entries or before them, no name may stand twice (in two cases, composed or not), lead out
// of the package, or be encrypted. Sizes are bounded before anything is unfolded, and an entry
// that unfolds to more than it says is damaged. XML with a document type, with entities
// or beyond the bounds of depth and number is refused, and so is an element that stands
// twice where the standard has one: which of them counts differs between readers.
//
// # What is judged
//
// For each signature ([Package.Verify]), each step by itself: whether its files are
// there and can be read; every digest that it lists; whether it covers the whole
// document; the seal beside it being the one in the signature; and the signature value,
// the seal and the certificates as in package seal.
//
// Coverage is strict. What the document shows comes from the files of the package, and a
// file that no digest protects can be exchanged without breaking a signature, whatever
// it holds: fonts change what glyphs mean. So a signature that leaves files out, but for
// the signatures' own, is [ErrPartial], with the files by name.
//
// A seal is drawn by readers, from itself, where the signature says ([Stamp]). What of it is
// seen is told, and slices of it on several pages must be the whole seal, in one line
// ([PictureFinding]).
// What may look otherwise than it is, although it is signed, is a [Caution].
//
// Digests by SM3 only; what is listed under another method cannot be judged
// ([ErrUnknownFormat]).
package ofd
