package fixedkey

import (
	"encoding/binary"
	"math/big"
	"math/bits"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// Verifier verifies signatures of one key. It is immutable and safe for concurrent use.
type Verifier struct{ base, key *table }

// New makes the tables of a key.
func New(key *pki.PublicKey) *Verifier {
	return newVerifier(baseTable(), key)
}

func newVerifier(base *table, key *pki.PublicKey) *Verifier {
	point := key.Uncompressed()
	return &Verifier{base, newTable(new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:]))}
}

func baseTable() *table {
	params := sm2.P256().Params()
	return newTable(params.Gx, params.Gy)
}

// VerifyDigest reports whether sig is a signature of the key over e = SM3(ZA ‖ M), as
// [pki.PublicKey.Digest] computes it (GB/T 32918.2-2016, 7.1).
func (v *Verifier) VerifyDigest(e [32]byte, sig pki.Signature) bool {
	s, t, ok := scalars(sig)
	if !ok {
		return false
	}
	sum := combine(v.base, v.key, s, t)
	if !sum.onCurve() {
		return false // at infinity, or not what it should be: see the package's comment
	}
	first, second, both := candidates(sig, e)
	return sum.hasX(first) || both && sum.hasX(second)
}

// scalars returns s and t = r + s of a signature whose numbers are in their ranges
// (GB/T 32918.2-2016, 7.1, B1, B2, B5).
func scalars(sig pki.Signature) (s, t [4]uint64, ok bool) {
	r, s := limbs([32]byte(sig[:32])), limbs([32]byte(sig[32:]))
	zero := [4]uint64{}
	if r == zero || s == zero || !below(r, order()) || !below(s, order()) {
		return s, t, false
	}
	t = addModN(r, s)
	return s, t, t != zero
}

// candidates returns what the sum's x may be: R = e + x mod n is to be r, so x is
// r − e mod n, or that and n if it is below p.
func candidates(sig pki.Signature, e [32]byte) (first, second [4]uint64, both bool) {
	first = subModN(limbs([32]byte(sig[:32])), limbs(e))
	second, carry := add(first, order())
	return first, second, carry == 0 && below(second, [4]uint64{p0, p1, p2, p3})
}

// hasX reports whether the point's affine x is a number below p.
func (p *jacobian) hasX(x [4]uint64) bool {
	want, zz := element(x), element{}
	want.toMontgomery()
	zz.square(&p.z)
	want.mul(&want, &zz)
	return want == p.x
}

// n, the order of the base point, least significant limb first.
func order() [4]uint64 {
	return [4]uint64{0x53bbf40939d54123, 0x7203df6b21c6052b, 0xffffffffffffffff, 0xfffffffeffffffff}
}

// limbs takes a big-endian number, least significant limb first.
func limbs(b [32]byte) [4]uint64 {
	return [4]uint64{
		binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[:]),
	}
}

// putLimbs writes a number as 32 big-endian bytes.
func putLimbs(dst []byte, x [4]uint64) {
	for i := range x {
		binary.BigEndian.PutUint64(dst[24-8*i:], x[i])
	}
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

func below(x, bound [4]uint64) bool {
	_, borrow := sub(x, bound)
	return borrow == 1
}

// addModN adds two numbers below n.
func addModN(x, y [4]uint64) [4]uint64 {
	z, carry := add(x, y)
	if reduced, borrow := sub(z, order()); carry == 1 || borrow == 0 {
		return reduced
	}
	return z
}

// reduceModN reduces any number of 256 bits.
func reduceModN(x [4]uint64) [4]uint64 {
	if reduced, borrow := sub(x, order()); borrow == 0 {
		return reduced // 2^256 < 2n
	}
	return x
}

// subModN subtracts any number of 256 bits from one below n.
func subModN(x, y [4]uint64) [4]uint64 {
	z, borrow := sub(x, reduceModN(y))
	if borrow == 1 {
		z, _ = add(z, order())
	}
	return z
}
