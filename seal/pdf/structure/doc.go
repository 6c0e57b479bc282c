// Package structure reads what the objects of a PDF file make up: its pages (ISO 32000-1, 7.7.3) and where they show
// something, its interactive form with the fields (12.7), and the annotations of pages (12.5). It reads them of any
// revision of the file; what of them counts and what may change, packages above decide.
//
// Lengths are in a page's own units, [Sheet] maps them to millimetres as people see the page. Errors are those of package
// [syntax].
package structure
