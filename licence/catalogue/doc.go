// Package catalogue holds the licence categories: 195 kinds of e-licence with
// their 1,333 fields, as data (categories.csv and fields.csv, embedded).
//
// [Load] reads the embedded files, [Parse] any others of the same form. Both
// validate everything before they hand out anything, and report every fault
// with its file and line: a service with a faulty catalogue refuses to start.
// What is checked: the header row; ids 001, 002, … without a gap; the 21
// characters of the type code (GB/T 36904-2018: the 18-character unified social
// credit code of the defining agency, then 3 characters); closed lists; names
// and aliases that belong to one category only; anchored number patterns that
// accept their own example; fields in sequence whose example is a valid value;
// and the rules of the code on a licence (1 to 4 fields, never sensitive, text,
// image or a citizen number, at most 280 characters together).
//
// A [Change] adds categories or gives those that there are a new schema number; a licence
// names the schema that it was issued by, and [Catalogue.Version] keeps every one.
//
// A [Field] checks the form of one value. What belongs to a whole licence
// (required fields, holder, dates) is checked by package licence.
package catalogue
