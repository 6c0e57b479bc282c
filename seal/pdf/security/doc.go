// Package security is the standard security handler of PDF: what a password opens, and how
// strings and streams are encrypted under it.
//
// It follows ISO 32000-1:2008, 7.6.2 to 7.6.4 (revisions 2 to 4: MD5 with RC4 or AES-128) and
// ISO 32000-2:2020, 7.6.4 (revisions 5 and 6: SHA-2 with AES-256). All of these are foreign
// algorithms and some are broken: [Key.Weak] says so. They are here so that documents which
// others encrypted can be read, sealed and verified; nothing of ours is protected by them.
//
// The package knows no PDF syntax: [Parameters] are the entries of the encryption dictionary,
// and whoever reads the file says which method ([Method]) a string or stream has.
package security
