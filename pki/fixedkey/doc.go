// Package fixedkey verifies SM2 signatures of one key, several times faster than a
// general implementation: both multiplications of GB/T 32918.2-2016, 7.1, sG and tP, are
// sums of points from tables that are made once for the key.
//
// It is for the check that every signature passes before it leaves the service. Verifying
// costs two and a half times as much as signing; with tables it is half. The arithmetic
// is another than the one that signs, so a fault of either shows.
//
// Nothing here is secret, so nothing runs in constant time. A [Verifier] takes 1.7 MB and
// some milliseconds to make: it is for keys that live long and sign much (time stamps,
// OCSP, status).
package fixedkey
