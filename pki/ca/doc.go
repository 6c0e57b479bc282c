// Package ca is the certificate authority. A certificate is made in an order
// that types enforce:
//
//	Prepare   check the request against its profile, build the signed part, lint
//	          it, store the intent                                     → *Draft
//	Issue     sign, verify what was signed (for CA and service certificates with
//	          both implementations), store the result with its audit entry
//
// A [Draft] is the only way to the key, and it works once. The intent is on the
// disk before anything is signed, so a certificate that may exist can always be
// revoked by its serial number.
//
// Profiles follow GB/T 20518-2018; see package cert for the form. Revocation,
// CRLs, OCSP, renewal and ceremonies are not in this version.
package ca
