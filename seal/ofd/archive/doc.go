// Package archive opens the package of an OFD document (GB/T 33190-2016, clause 6): a ZIP
// of XML files. [Open] takes only one in which every program that unpacks it finds the same
// files, and [ParseXML] only XML that all readers read alike. It knows nothing of what the
// files say.
package archive
