package ca

import (
	_ "embed"
	"encoding/hex"
	"sort"

	"github.com/elicence/elicence/pki"
)

// weakPoints are the x coordinates of points whose private keys anybody can guess or
// read: d = 1 … 256, powers of two, d of one repeated byte, the examples of the
// standards and of well-known programs. 64 hexadecimal digits and a line feed each,
// ascending. The point of n − d has the same x as that of d. TestWeakPoints makes the
// file anew from the private keys.
//
//go:embed weak-points.txt
var weakPoints string

const weakLine = 2*32 + 1

// weak reports whether a public key's private half is known to everybody.
func weak(key *pki.PublicKey) bool { return weakX(key.Uncompressed()) }

// weakX is weak for 0x04 ‖ x ‖ y.
func weakX(uncompressed []byte) bool {
	x := hex.EncodeToString(uncompressed[1:33])
	n := len(weakPoints) / weakLine
	i := sort.Search(n, func(i int) bool { return weakPoints[i*weakLine:i*weakLine+64] >= x })
	return i < n && weakPoints[i*weakLine:i*weakLine+64] == x
}
