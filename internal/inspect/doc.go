// Package inspect says what a file is worth: a code, a picture of one, a PDF, an OFD
// document, an evidence bundle or a signed answer. It decides by one set of trust files and
// needs no network, no store and no office, so whoever has the files gets the verdict that
// the service gives.
//
// An [Inspector] turns what packages verify, pdf, ofd, evidence and answer find into an
// [Inspection]: one verdict of package verify with its cause and next step in both languages,
// and behind it the findings, from what everybody needs to what only experts read. A document
// is valid only if every signature counts and together they cover it; a licence inside must
// be its issuer's, sealed by its issuer, and in force. What nobody can say is no_data, never
// valid.
//
// Whom to ask is said by [Sources]. A folder of trust files is asked by [New]; the service
// asks its own ledger beside them ([Over]), and judges the documents that it made itself by
// the same [Sources.Rules]. What an operator imported ([Imported]) counts for documents only.
//
// The names of the types are the names of the schemas of the HTTP interface.
package inspect
