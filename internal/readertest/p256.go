package readertest

import "math/big"

// curve is y² = x³ − 3x + b over a prime field: SM2 and P-256 are of this form.
type curve struct{ p, b *big.Int }

func number(hexadecimal string) *big.Int {
	n, _ := new(big.Int).SetString(hexadecimal, 16)
	return n
}

// P-256 of FIPS 186-4, D.1.2.3.
var (
	nistP256 = curve{
		p: number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
		b: number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
	}
	nistOrder = number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
	nistBase  = affine{
		x: number("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
		y: number("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
	}
)

// decompress returns the point with the given x whose y has the given parity.
func decompress(c curve, point []byte) (*big.Int, *big.Int, error) {
	if len(point) != 33 || point[0] != 2 && point[0] != 3 {
		return nil, nil, errFormat
	}
	x := new(big.Int).SetBytes(point[1:])
	right := new(big.Int).Exp(x, big.NewInt(3), c.p)
	right.Sub(right, new(big.Int).Mul(big.NewInt(3), x))
	right.Mod(right.Add(right, c.b), c.p)
	y := new(big.Int).ModSqrt(right, c.p)
	if y == nil || x.Cmp(c.p) >= 0 {
		return nil, nil, errFormat
	}
	if byte(y.Bit(0)) != point[0]-2 {
		y.Sub(c.p, y)
	}
	return x, y, nil
}

// affine is a point; the one at infinity has no x.
type affine struct{ x, y *big.Int }

// add adds two points of P-256 as one does by hand.
func add(a, b affine) affine {
	p := nistP256.p
	switch {
	case a.x == nil:
		return b
	case b.x == nil:
		return a
	}
	slope, below := new(big.Int), new(big.Int)
	if a.x.Cmp(b.x) == 0 {
		if below.Mod(below.Add(a.y, b.y), p).Sign() == 0 {
			return affine{}
		}
		slope.Mul(a.x, a.x)
		slope.Sub(slope.Mul(slope, big.NewInt(3)), big.NewInt(3))
		below.Lsh(a.y, 1)
	} else {
		slope.Sub(b.y, a.y)
		below.Sub(b.x, a.x)
	}
	slope.Mod(slope.Mul(slope, below.ModInverse(below.Mod(below, p), p)), p)
	x := new(big.Int).Mul(slope, slope)
	x.Mod(x.Sub(x.Sub(x, a.x), b.x), p)
	y := new(big.Int).Sub(a.x, x)
	y.Mod(y.Sub(y.Mul(y, slope), a.y), p)
	return affine{x, y}
}

func multiply(k *big.Int, point affine) affine {
	var sum affine
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = add(sum, sum)
		if k.Bit(i) == 1 {
			sum = add(sum, point)
		}
	}
	return sum
}

// verifyECDSA verifies r ‖ s on P-256 (FIPS 186-4, 6.4) with s at most half of the
// order.
func verifyECDSA(x, y *big.Int, digest, signature []byte) bool {
	n := nistOrder
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(n) >= 0 || s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		return false
	}
	inverse := new(big.Int).ModInverse(s, n)
	u := new(big.Int).Mul(new(big.Int).SetBytes(digest), inverse)
	v := new(big.Int).Mul(r, inverse)
	sum := add(multiply(u.Mod(u, n), nistBase), multiply(v.Mod(v, n), affine{x, y}))
	return sum.x != nil && sum.x.Mod(sum.x, n).Cmp(r) == 0
}
