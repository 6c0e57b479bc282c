// Package ca is the certificate authority. A certificate is made in an order that types
// enforce:
//
//	Prepare   check the request against its profile, build the signed part, lint it
//	          (package lint), store the intent                          → *Draft
//	Issue     sign, read back and verify what was signed (for CA and service
//	          certificates with both implementations), store the result with its entry
//	          in the audit log
//
// A [Draft] is the only way to the key, and it works once. The intent is on the disk
// before anything is signed, so a certificate that may exist can always be revoked by
// its serial number. A break between any two steps leaves an intent without a
// certificate; [Recover] abandons it at the next start. It is never signed again: SM2
// signatures are random, and two certificates of one serial number would be worse than
// one that nobody has.
//
// What certificates look like is data: one file a profile ([DefaultProfiles]), of which an
// operator may change what is safe ([LoadProfiles]). The form follows GB/T 20518-2018;
// see package cert.
//
// A key has one role for ever ([Role]) and one certificate at a time; renewals with an
// overlap keep the key and the role, and a new key gets a certificate of its own. Keys
// that anybody can guess are refused, and so is every request in which something reads as
// a citizen number: a person's subject has a random serial number, which only the
// authority's own records map to somebody.
//
// The package signs certificates and says what states they go through ([Status]). CRLs
// and OCSP responses are made elsewhere from what a [Ledger] knows; the ceremony that
// makes a root is package ceremony.
package ca
