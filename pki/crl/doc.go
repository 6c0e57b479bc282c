// Package crl writes and reads certificate revocation lists by RFC 5280, 5 and the
// CRL profile of GB/T 20518: version 2, SM2 with SM3 with parameters absent,
// nextUpdate always there.
//
// A [List] is read once and asked often. Its entries stay in the bytes they came
// in, with an index of four bytes each, so that a list of a million certificates
// costs little more than itself:
//
//	list, err := crl.Parse(der)
//	err = list.Verify(issuer, second)
//	if list.CurrentAt(now) && list.Covers(certificate) {
//		revocation, revoked := list.Find(certificate.SerialNumber())
//	}
//
// "Not found" means something only if all three conditions hold. A delta CRL covers
// no certificate by itself; [List.WithDelta] puts it on top of its base.
//
// [Build] streams entries in the order of their serial numbers into one buffer and
// releases nothing that does not read back and verify. A [Publisher] makes the full,
// sharded and delta lists of one authority on a schedule, with numbers that only
// grow and never name two lists.
//
// Refused are indirect CRLs, CRLs that speak of some reasons only or of attribute
// certificates, unknown critical extensions, extensions and serial numbers that
// stand twice, and any ASN.1 that is not DER.
package crl
