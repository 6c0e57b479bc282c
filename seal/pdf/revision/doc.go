// Package revision says what a later revision of a PDF file changed (ISO 32000-1, 7.5.6), for those who signed an earlier
// one.
//
// [Compare] walks what both revisions reach from their trailers, so it finds content that was swapped by redirecting a
// reference as well as content that was overwritten. Of pages, fields and the catalog certain entries may change, as
// another signature, a comment or a field that is filled in needs it; everything else that differs is [Modified], and
// so is what cannot be compared, or what a reader that repairs would take for something else. Whether a signature
// allows the changes that came after it is for its verifier to say.
package revision
