// Package pdf reads PDF files lazily and strictly, stamps them by incremental
// update, and reads signatures back.
//
// It is written for one purpose: that a seal or signature on a PDF file means the same to everybody who opens it. A
// reader that repairs what is broken shows one thing where another reader shows another, and a signature covers bytes,
// not what somebody made of them. So this package follows ISO 32000-1:2008 (and 32000-2 where named) to the letter,
// refuses what is damaged and says where, and calls a signed file modified when in doubt.
//
// # Reading
//
// [Open] reads the end of the file and its cross-reference tables and streams; package [syntax] does so, and knows the
// file as objects. Everything else is read when it is asked for: a page's size with [Document.Page], attachments with
// [Document.EmbeddedFiles]. A file of 50 MB costs no more memory than one of 50 KB with as many objects. Nesting,
// chains, circles, decoded sizes and the work altogether are bounded in proportion to the file.
//
// # Stamping
//
// [Document.Prepare] makes an incremental update (7.5.6): not one byte of the
// original changes, so earlier signatures stay what they were. [Stamp] says
// what the signature is called and where it shows, in millimetres on the page
// as people see it, whatever its rotation, crop box or unit. Stamping knows no
// cryptography but the SM3 digest: sign [Prepared.Digest], give the DER to
// [Prepared.Complete], and write the file with [Prepared.WriteTo].
// [Prepared.Document] goes on with the stamped file; the digest's state is
// kept, so the next stamp on a big file hashes only what the last one added.
//
//	doc, err := pdf.Open(file, size)
//	…
//	stamp, err := doc.Prepare(pdf.Stamp{
//		Filter: "Adobe.PPKLite", SubFilter: "ETSI.CAdES.detached",
//		Time: time.Now(), ContentsSize: 4096,
//		Marks: []pdf.Mark{{Page: 1, X: 120, Y: 220, Width: 42, Height: 42, Appearance: seal}},
//	})
//	…
//	err = stamp.Complete(sign(stamp.Digest()))
//	…
//	_, err = stamp.WriteTo(out)
//
// # Reading signatures back
//
// [Document.Signatures] lists the signatures that the newest revision shows (12.7, 12.8) and what is true of each: that
// it covers everything but its own /Contents, which revision of the file it signs, and what later revisions changed,
// which package [revision] finds. Known attacks (universal signature forgery, incremental saving, signature wrapping,
// shadow hide and replace) are in the tests. [Document.Cautions] names what can look otherwise although no byte
// changed: scripts, layers, two tables of objects. Whether the bytes in [Signature.Contents] are a valid signature of
// [Signature.Digest], and by whom, is for [Document.Verify] to find out.
//
// # Longer lives
//
// [Document.AddDSS] appends what a verifier will need later, a [Stamp] with Timestamp a
// document time stamp over it. [Resume] goes on with a stamp whose signature is made
// elsewhere, from nothing but the file.
//
// # What it refuses
//
// Damaged files ([syntax.DamagedError]); encrypted files whose password is not known, and those of other handlers than
// the standard one ([syntax.EncryptedError]); what the permissions of an encrypted file leave to its owner; XFA forms,
// unless the caller gives the XFA up; existing signature fields with binding conditions (/SV) that the signer does not
// meet; files that a certifying signature closed; marks outside of the page, or over an earlier seal unless the stamp
// says so ([RefusedError]). Streams with filters for pictures are not decoded; pages may use them, as their content is
// never read.
//
// Where a rule is bent in a way that no two readers can take for two things, the file is read:
// entries of a cross-reference table with an end of line of another length, a catalog without
// its type, pages that are announced and do not exist, a page that inherits nothing from the
// wrong parent it names, a field that is no dictionary.
//
// # Encrypted files
//
// [OpenWith] takes the user's or the owner's password ([security]). An increment is encrypted
// like the rest of the file; the signature itself never is. Every revision must be encrypted in
// the same way.
package pdf
