// Package typeset sets Chinese text on pages and writes them as new PDF 1.7
// documents (ISO 32000-1). It is what the licences of this service are printed
// with; it is not a general PDF library, and it never changes a document that
// exists (package seal/pdf does).
//
// # Measures
//
// Lengths are millimetres and positions are measured from the top left corner of
// the page, x to the right and y downwards. Sizes of type are points (1/72 inch).
// Text stands on its baseline.
//
// # Text
//
// A [Style] sets a string into a [Text], and only there can text fail: a
// character that no face shows is a *typeface.MissingRuneError, never a blank.
// After that a Text can be measured, broken into lines, shrunk to fit and drawn.
// Lines are broken by UAX #14 and by GB/T 15834-2011, 5.1: no closing mark
// begins a line, no opening mark ends one, dashes and ellipses are not cut, Latin
// words and numbers stay whole where they fit.
//
// A document carries each face once, as a Type 0 font with Identity-H encoding
// and a subset of the glyphs its pages use (ISO 32000-1, 9.7), with a ToUnicode
// map that gives back every character as it was set, those beyond U+FFFF
// included.
//
// # The rest of a page
//
// Filled and stroked paths, JPEG pictures (carried as they are, without their
// private metadata) and PNG pictures, module bitmaps such as QR symbols drawn as
// rectangles, attached files (AF and EmbeddedFiles, ISO 32000-2, 14.13), document
// information, XMP, and an output intent that says that colours are sRGB. A [Fragment]
// gives the same drawing as operators and objects for an appearance stream that
// somebody else writes.
//
// # What is refused
//
// CMYK and arithmetic-coded JPEG, pictures above [MaxImagePixels] or
// [MaxImageBytes] (before they are unfolded), attachment names with path
// separators. There is no encryption, no tagging and no form fields.
//
// The same calls give the same bytes: the time and the file identifier come from
// the caller.
//
//	doc := typeset.New(typeset.Info{Title: "居住证", Time: now, ID: id})
//	page := doc.Page(210, 297)
//	style := typeset.Style{Faces: typeface.Stack{typeface.Song()}, Size: 22}
//	title, err := style.Set("居住证")
//	if err != nil {
//		return err
//	}
//	page.Text(105-title.Width()/2, 40, title)
//	file, err := doc.PDF()
package typeset
