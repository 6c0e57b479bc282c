// Package fixedkey is for keys that are used much. It verifies SM2 signatures of one key in
// a third of the time that a general implementation takes: both multiplications of GB/T 32918.2-2016, 7.1, sG and tP,
// are sums of points from tables that are made once for the key.
//
// A [Verifier] is for the check that every signature passes before it leaves the service.
// Verifying costs two and a half times as much as signing; with tables it is less than the
// signature. The arithmetic is another than the one that signs, so a fault of either shows.
//
// A [Signer] signs in two thirds of the time of the library's own, and checks many
// signatures together in a tenth of the time that verifying takes (docs/adr/0033).
//
// [Keys] is for verifiers of codes, which see the same few keys all day. There a wrong
// acceptance would be a forged licence taken for a good one. What stands against it:
// the tables are made by the library, point by point; the sum of the points must lie on the
// curve, which it does not after a fault in a table or in a step of the arithmetic, as that
// leads anywhere in the plane; what the tables do not accept they do not refuse either, it
// goes the long way; and now and then what they accept goes there too.
//
// Nothing that verifies is secret, so none of it runs in constant time; a Signer leaves what
// is secret to libraries that do. The tables of a key are 45 kB and take some ten
// milliseconds to make: they are for keys that are used much.
package fixedkey
