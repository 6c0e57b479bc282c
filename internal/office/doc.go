// Package office holds the whole acts of the service: issue a licence, suspend and
// revoke it, make and use a seal, sign for a person, publish what scanners cache. The
// command line and HTTP both call it, so nothing is written twice.
//
// An [Office] is a [datafolder.Folder] with what acts on it. What is done with stored data as
// a whole, such as backups, is in package internal/atrest.
//
// Every act that changes something names its actor and is an entry of the audit log in the same transaction. A look at
// a licence is an entry before it is answered. An act that returns an error has changed nothing, but for those of
// several transactions, which say so: the same act again finishes them.
package office
