// Package render sets a licence on A4 pages, as a PDF that a person accepts as the
// licence: frame, title, fields with their Chinese and English labels, photograph,
// code, issuing authority, and the place where the round seal goes.
//
// A [Sheet] is everything that is printed, as text; [Page] sets it. The nine kinds
// of licence have three looks: the framed certificate, the card, and the decision
// with a table. What the sheet does not say is left out.
//
// # Nothing overflows
//
// Long values wrap. If the fields do not fit on the first page they are made
// smaller, down to 9 points; if that does not help they are set at 11 points and go
// on to continuation pages (附页), which repeat the title, the number and the
// holder and count the pages. The code, the issuing authority and the seal are
// always on the first page, so that it is complete in itself.
//
// # What is refused
//
// A character that no embedded face shows is a *typeface.MissingRuneError with the
// field it stands in; nobody's name is printed with a hole. A picture that cannot
// be used wraps typeset.ErrImage, an attachment typeset.ErrAttachment, everything
// else [ErrSheet]. Values are not checked for their meaning: package licence has
// done that.
//
// The same sheet gives the same bytes. The seal is not drawn here: package seal/pdf
// applies it to the finished file, where [Rendered] says.
package render
