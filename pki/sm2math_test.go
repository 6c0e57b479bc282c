package pki_test

import (
	"crypto/sha256"
	"math/big"

	"github.com/emmansun/gmsm/sm3"
)

// SM2 in big integers from the formulas of GB/T 32918, slow and with nothing hidden,
// for vectors that no signer would make.

func bigOf(hexadecimal string) *big.Int {
	n, ok := new(big.Int).SetString(hexadecimal, 16)
	if !ok {
		panic("bad constant " + hexadecimal)
	}
	return n
}

// curve is sm2p256v1 (GB/T 32918.5).
type curve struct{ p, a, b, n *big.Int }

func sm2Curve() curve {
	p := bigOf("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF")
	return curve{
		p: p, a: new(big.Int).Sub(p, big.NewInt(3)),
		b: bigOf("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"),
		n: bigOf("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123"),
	}
}

// affine is a point; nil is the point at infinity.
type affine struct{ x, y *big.Int }

func (curve) g() *affine {
	return &affine{
		bigOf("32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"),
		bigOf("BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"),
	}
}

func (c curve) add(p, q *affine) *affine {
	switch {
	case p == nil:
		return q
	case q == nil:
		return p
	}
	var slope *big.Int
	switch {
	case p.x.Cmp(q.x) != 0:
		slope = new(big.Int).Sub(q.y, p.y)
		slope.Mul(slope, new(big.Int).ModInverse(mod(new(big.Int).Sub(q.x, p.x), c.p), c.p))
	case p.y.Cmp(q.y) != 0 || p.y.Sign() == 0:
		return nil
	default:
		slope = new(big.Int).Mul(p.x, p.x)
		slope.Mul(slope, big.NewInt(3)).Add(slope, c.a)
		slope.Mul(slope, new(big.Int).ModInverse(mod(new(big.Int).Lsh(p.y, 1), c.p), c.p))
	}
	x := new(big.Int).Mul(slope, slope)
	x = mod(x.Sub(x, p.x).Sub(x, q.x), c.p)
	y := new(big.Int).Sub(p.x, x)
	return &affine{x, mod(y.Mul(y, slope).Sub(y, p.y), c.p)}
}

func (c curve) mul(k *big.Int, p *affine) *affine {
	var sum *affine
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.add(sum, sum)
		if k.Bit(i) == 1 {
			sum = c.add(sum, p)
		}
	}
	return sum
}

// onCurve returns a point with the x, or nil.
func (c curve) onCurve(x *big.Int) *affine {
	y := new(big.Int).Mul(x, x)
	y.Add(y, c.a).Mul(y, x).Add(y, c.b)
	if y = new(big.Int).ModSqrt(mod(y, c.p), c.p); y == nil {
		return nil
	}
	return &affine{x, y}
}

func mod(x, m *big.Int) *big.Int { return new(big.Int).Mod(x, m) }

func (p *affine) uncompressed() []byte {
	b := make([]byte, 65)
	b[0] = 4
	p.x.FillBytes(b[1:33])
	p.y.FillBytes(b[33:])
	return b
}

// digest returns e = SM3(ZA ‖ M).
func (c curve) digest(p *affine, id string, msg []byte) *big.Int {
	h := sm3.New()
	h.Write([]byte{byte(len(id) * 8 >> 8), byte(len(id) * 8)})
	h.Write([]byte(id))
	for _, v := range []*big.Int{c.a, c.b, c.g().x, c.g().y, p.x, p.y} {
		h.Write(v.FillBytes(make([]byte, 32)))
	}
	za := h.Sum(nil)
	h.Reset()
	h.Write(za)
	h.Write(msg)
	return new(big.Int).SetBytes(h.Sum(nil))
}

// sign returns (r, s) for a digest, a private key and a nonce.
func (c curve) sign(e, d, k *big.Int) (r, s *big.Int) {
	r = mod(new(big.Int).Add(e, c.mul(k, c.g()).x), c.n)
	s = new(big.Int).Mul(r, d)
	s.Sub(k, s)
	s.Mul(s, new(big.Int).ModInverse(new(big.Int).Add(d, big.NewInt(1)), c.n))
	return r, mod(s, c.n)
}

// chosen returns a scalar in 1…n−2 that depends on a label only.
func (c curve) chosen(label string) *big.Int {
	sum := sha256.Sum256([]byte("elicence SM2 vectors " + label))
	k := mod(new(big.Int).SetBytes(sum[:]), new(big.Int).Sub(c.n, big.NewInt(2)))
	return k.Add(k, big.NewInt(1))
}
