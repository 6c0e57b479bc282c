// Package report puts what was found of a document into a page that people read: what
// was decided and why, then every signature in plain words, in Chinese with English
// beside it, and below that what experts want, step by step and certificate by
// certificate. The third form, for programs, is inspect.Inspection as JSON.
//
// [HTML] is one file without scripts or anything from elsewhere, [PDF] the same for the
// archive and the printer, [Lines] the short form for a terminal. Pictures of seals come from the seals themselves, drawn
// anew. docs/report.md describes the parts.
package report
