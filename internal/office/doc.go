// Package office holds the whole acts of the service: issue a licence, suspend and
// revoke it, make and use a seal, sign for a person, publish what scanners cache. The
// command line and HTTP both call it, so nothing is written twice.
//
// An [Office] is an open data folder:
//
//	elicence.db    the store (package internal/store/records, in a bbolt file)
//	keys/          the key store; kek beside it if the key-encryption key is a file
//	documents/     pictures, encrypted
//	catalogue/     the operator's changes of the catalogue; need not be there
//	cache/         what can be made anew: PDFium as it was compiled for this machine
//	desk.sock      while the service runs: where the counter's commands ask it
//	offline/       keys that the service does not need: the root's and the trust
//	               root's, under a passphrase; to be moved off the machine
//
// Every act that changes something names its actor and is an entry of the audit
// log in the same transaction. A look at a licence is an entry before it is answered.
// An act that returns an error has changed nothing, but for those of several
// transactions, which say so: the same act again finishes them.
package office
