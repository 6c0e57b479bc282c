// Package cert writes and reads X.509 certificates by GB/T 20518-2018 (the
// profile of GM/T 0015): SM2 keys, signature algorithm 1.2.156.10197.1.501 with
// parameters absent, names in UTF8String with the country as PrintableString,
// serial numbers of 128 random bits, times as UTCTime through 2049.
//
// A certificate never carries a citizen number or a digest of one: a person's
// subject has a random serialNumber that only the authority can map. An
// organisation's unified social credit code is public and goes into the extension
// 1.2.156.10260.4.1.4 (OrganizationCode).
//
// [Parse] accepts one form and refuses an extension that it cannot understand
// whole. Trust is decided in package path. Certificates that others wrote and that
// Parse refuses can be shown with [ReadForeign], which gives a type that no
// trust decision takes.
//
// Requests (PKCS #10, RFC 2986) are read by [ParseRequest], which verifies that their
// sender has the private key, and written by [NewRequest].
//
// The package is apart from package pki because parsing certificates drags in
// net and net/url, which the hall terminal must not carry.
package cert
