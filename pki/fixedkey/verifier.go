package fixedkey

import (
	"encoding/binary"
	"math/bits"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// Verifier verifies signatures of one key. It is immutable and safe for concurrent use.
type Verifier struct{ base, key *table }

// New makes the tables of a key.
func New(key *pki.PublicKey) *Verifier {
	params := sm2.P256().Params()
	var g, k affine
	g.x.setBytes(params.Gx.FillBytes(make([]byte, 32)))
	g.y.setBytes(params.Gy.FillBytes(make([]byte, 32)))
	point := key.Uncompressed()
	k.x.setBytes(point[1:33])
	k.y.setBytes(point[33:])
	return &Verifier{newTable(&g), newTable(&k)}
}

// VerifyDigest reports whether sig is a signature of the key over e = SM3(ZA ‖ M), as
// [pki.PublicKey.Digest] computes it (GB/T 32918.2-2016, 7.1).
func (v *Verifier) VerifyDigest(e [32]byte, sig pki.Signature) bool {
	if !sig.WellFormed() {
		return false
	}
	r, s := [32]byte(sig[:32]), [32]byte(sig[32:])
	t := addModN(r, s)
	var sum jacobian
	sum.addMultiple(v.base, limbs(s))
	sum.addMultiple(v.key, limbs(t))
	if sum.z.isZero() {
		return false
	}
	// R = e + x1 mod n is to be r, so x1 is r − e mod n, or that and n if it is below p.
	x := subModN(r, e)
	if sum.hasX(&x) {
		return true
	}
	above, carry := addN(x)
	return !carry && below(above, [4]uint64{p0, p1, p2, p3}) && sum.hasX(&above)
}

// hasX reports whether the point's affine x is the number of 32 big-endian bytes.
func (p *jacobian) hasX(x *[32]byte) bool {
	var want, zz element
	want.setBytes(x[:])
	zz.mul(&p.z, &p.z)
	want.mul(&want, &zz)
	return want == p.x
}

// n, the order of the base point, least significant limb first.
func order() [4]uint64 {
	return [4]uint64{0x53bbf40939d54123, 0x7203df6b21c6052b, 0xffffffffffffffff, 0xfffffffeffffffff}
}

func limbs(b [32]byte) [4]uint64 {
	return [4]uint64{
		binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[:]),
	}
}

func toBytes(l [4]uint64) [32]byte {
	var b [32]byte
	for i := range l {
		binary.BigEndian.PutUint64(b[8*i:], l[3-i])
	}
	return b
}

func add(x, y [4]uint64) ([4]uint64, uint64) {
	var z [4]uint64
	var c uint64
	for i := range z {
		z[i], c = bits.Add64(x[i], y[i], c)
	}
	return z, c
}

func sub(x, y [4]uint64) ([4]uint64, uint64) {
	var z [4]uint64
	var b uint64
	for i := range z {
		z[i], b = bits.Sub64(x[i], y[i], b)
	}
	return z, b
}

func below(b [32]byte, bound [4]uint64) bool {
	_, borrow := sub(limbs(b), bound)
	return borrow == 1
}

// addModN adds two numbers below n.
func addModN(x, y [32]byte) [32]byte {
	z, carry := add(limbs(x), limbs(y))
	reduced, borrow := sub(z, order())
	if carry == 1 || borrow == 0 {
		z = reduced
	}
	return toBytes(z)
}

// subModN subtracts a number of 256 bits from one below n.
func subModN(x, y [32]byte) [32]byte {
	yy := limbs(y)
	if reduced, borrow := sub(yy, order()); borrow == 0 {
		yy = reduced // 2^256 < 2n
	}
	z, borrow := sub(limbs(x), yy)
	if borrow == 1 {
		z, _ = add(z, order())
	}
	return toBytes(z)
}

// addN adds n and reports whether the sum has more than 256 bits.
func addN(x [32]byte) ([32]byte, bool) {
	z, carry := add(limbs(x), order())
	return toBytes(z), carry == 1
}
