package fixedkey

import "math/bits"

// element is a number modulo p = 2^256 − 2^224 − 2^96 + 2^64 − 1 in Montgomery form
// (times 2^256), below p, least significant limb first.
type element [4]uint64

// p, the order of the field.
const (
	p0 = 0xffffffffffffffff
	p1 = 0xffffffff00000000
	p2 = 0xffffffffffffffff
	p3 = 0xfffffffeffffffff
)

// montgomeryOne is 2^256 mod p, montgomerySquare is 2^512 mod p.
func montgomeryOne() element { return element{1, 0x00000000ffffffff, 0, 0x0000000100000000} }
func montgomerySquare() element {
	return element{0x0000000200000003, 0x00000002ffffffff, 0x0000000100000001, 0x0000000400000002}
}

// curveB is b of y² = x³ − 3·x + b.
func curveB() element {
	return element{0x90d230632bc0dd42, 0x71cf379ae9b537ab, 0x527981505ea51c3c, 0x240fe188ba20e2c8}
}

// setBytes takes 32 big-endian bytes of a number below p.
func (z *element) setBytes(b []byte) {
	*z = limbs([32]byte(b))
	z.toMontgomery()
}

// toMontgomery takes a number below p into Montgomery form.
func (z *element) toMontgomery() {
	square := montgomerySquare()
	z.mul(z, &square)
}

func (z *element) isZero() bool { return z[0]|z[1]|z[2]|z[3] == 0 }

// reduce subtracts p once if the number, with a carry above it, is not below p. Which of
// both it is looks random, so that a mask is faster than a branch.
func (z *element) reduce(carry uint64) {
	t0, b := bits.Sub64(z[0], p0, 0)
	t1, b := bits.Sub64(z[1], p1, b)
	t2, b := bits.Sub64(z[2], p2, b)
	t3, b := bits.Sub64(z[3], p3, b)
	_, b = bits.Sub64(carry, 0, b)
	keep := -b // all ones if z is below p
	z[0] = t0 ^ keep&(t0^z[0])
	z[1] = t1 ^ keep&(t1^z[1])
	z[2] = t2 ^ keep&(t2^z[2])
	z[3] = t3 ^ keep&(t3^z[3])
}

func (z *element) add(x, y *element) {
	var c uint64
	z[0], c = bits.Add64(x[0], y[0], 0)
	z[1], c = bits.Add64(x[1], y[1], c)
	z[2], c = bits.Add64(x[2], y[2], c)
	z[3], c = bits.Add64(x[3], y[3], c)
	z.reduce(c)
}

func (z *element) sub(x, y *element) {
	var b uint64
	z[0], b = bits.Sub64(x[0], y[0], 0)
	z[1], b = bits.Sub64(x[1], y[1], b)
	z[2], b = bits.Sub64(x[2], y[2], b)
	z[3], b = bits.Sub64(x[3], y[3], b)
	borrowed := -b // all ones if p is to be added
	var c uint64
	z[0], c = bits.Add64(z[0], p0&borrowed, 0)
	z[1], c = bits.Add64(z[1], p1&borrowed, c)
	z[2], c = bits.Add64(z[2], p2&borrowed, c)
	z[3], _ = bits.Add64(z[3], p3&borrowed, c)
}

// negate sets z = −z, for a z that is not 0.
func (z *element) negate() {
	p := element{p0, p1, p2, p3}
	var b uint64
	z[0], b = bits.Sub64(p[0], z[0], 0)
	z[1], b = bits.Sub64(p[1], z[1], b)
	z[2], b = bits.Sub64(p[2], z[2], b)
	z[3], _ = bits.Sub64(p[3], z[3], b)
}

// mul sets z = x·y / 2^256 mod p: for each limb of x, times y is added and the lowest
// limb is cleared. It is written out because it is nearly all of the work.
func (z *element) mul(x, y *element) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	y0, y1, y2, y3 := y[0], y[1], y[2], y[3]
	var t0, t1, t2, t3, t4, t5, carry uint64
	carry, t0 = bits.Mul64(x0, y0)
	carry, t1 = mulAdd(x0, y1, carry, 0)
	carry, t2 = mulAdd(x0, y2, carry, 0)
	carry, t3 = mulAdd(x0, y3, carry, 0)
	t4 = carry
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, t5)
	carry, t0 = mulAdd(x1, y0, t0, 0)
	carry, t1 = mulAdd(x1, y1, t1, carry)
	carry, t2 = mulAdd(x1, y2, t2, carry)
	carry, t3 = mulAdd(x1, y3, t3, carry)
	t4, t5 = bits.Add64(t4, carry, 0)
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, t5)
	carry, t0 = mulAdd(x2, y0, t0, 0)
	carry, t1 = mulAdd(x2, y1, t1, carry)
	carry, t2 = mulAdd(x2, y2, t2, carry)
	carry, t3 = mulAdd(x2, y3, t3, carry)
	t4, t5 = bits.Add64(t4, carry, 0)
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, t5)
	carry, t0 = mulAdd(x3, y0, t0, 0)
	carry, t1 = mulAdd(x3, y1, t1, carry)
	carry, t2 = mulAdd(x3, y2, t2, carry)
	carry, t3 = mulAdd(x3, y3, t3, carry)
	t4, t5 = bits.Add64(t4, carry, 0)
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, t5)
	*z = element{t0, t1, t2, t3}
	z.reduce(t4)
}

// square sets z = x·x / 2^256 mod p: six products counted twice, four squares, and four
// limbs cleared.
func (z *element) square(x *element) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var carry, c uint64
	t2, t1 := bits.Mul64(x0, x1)
	t3, t2 := mulAdd(x0, x2, t2, 0)
	t4, t3 := mulAdd(x0, x3, t3, 0)
	carry, t3 = mulAdd(x1, x2, t3, 0)
	t5, t4 := mulAdd(x1, x3, t4, carry)
	t6, t5 := mulAdd(x2, x3, t5, 0)

	t1, c = bits.Add64(t1, t1, 0)
	t2, c = bits.Add64(t2, t2, c)
	t3, c = bits.Add64(t3, t3, c)
	t4, c = bits.Add64(t4, t4, c)
	t5, c = bits.Add64(t5, t5, c)
	t6, c = bits.Add64(t6, t6, c)
	t7 := c

	hi, t0 := bits.Mul64(x0, x0)
	t1, c = bits.Add64(t1, hi, 0)
	hi, lo := bits.Mul64(x1, x1)
	t2, c = bits.Add64(t2, lo, c)
	t3, c = bits.Add64(t3, hi, c)
	hi, lo = bits.Mul64(x2, x2)
	t4, c = bits.Add64(t4, lo, c)
	t5, c = bits.Add64(t5, hi, c)
	hi, lo = bits.Mul64(x3, x3)
	t6, c = bits.Add64(t6, lo, c)
	t7, _ = bits.Add64(t7, hi, c)

	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, 0)
	t4, c = bits.Add64(t4, t5, 0)
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, c)
	t4, c = bits.Add64(t4, t6, 0)
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, c)
	t4, c = bits.Add64(t4, t7, 0)
	t0, t1, t2, t3, t4 = clearLimb(t0, t1, t2, t3, t4, c)
	*z = element{t0, t1, t2, t3}
	z.reduce(t4)
}

// clearLimb adds the multiple of p that clears the lowest limb of t, and drops that limb. As
// p = −1 mod 2^64 the multiple is the limb m itself, and what is left of m·p above it is
// m·(2^192 − 2^160 − 2^32 + 1).
func clearLimb(m, t1, t2, t3, t4, t5 uint64) (r0, r1, r2, r3, r4 uint64) {
	lo, hi := m<<32, m>>32
	a0, b := bits.Sub64(m, lo, 0)
	a1, b := bits.Sub64(0, hi, b)
	a2, b := bits.Sub64(0, lo, b)
	a3, _ := bits.Sub64(m, hi, b)
	var c uint64
	t1, c = bits.Add64(t1, a0, 0)
	t2, c = bits.Add64(t2, a1, c)
	t3, c = bits.Add64(t3, a2, c)
	t4, c = bits.Add64(t4, a3, c)
	return t1, t2, t3, t4, t5 + c
}

// mulAdd returns a·b + c + d, which fits into two limbs.
func mulAdd(a, b, c, d uint64) (hi, lo uint64) {
	hi, lo = bits.Mul64(a, b)
	var carry uint64
	lo, carry = bits.Add64(lo, c, 0)
	hi += carry
	lo, carry = bits.Add64(lo, d, 0)
	return hi + carry, lo
}

// invert sets z = 1/x, as x^(p−2). The exponent is 31 ones and a zero, 128 ones, 32 zeros,
// 32 ones, 30 ones, a zero and a one; its runs of ones are made of shorter ones.
func (z *element) invert(x *element) {
	// then sets z = a^(2^n)·b: the bits of a, followed by n that are those of b.
	then := func(a *element, n int, b *element) element {
		r := *a
		for range n {
			r.square(&r)
		}
		r.mul(&r, b)
		return r
	}
	ones1 := *x
	ones2 := then(&ones1, 1, &ones1)
	ones4 := then(&ones2, 2, &ones2)
	ones8 := then(&ones4, 4, &ones4)
	ones16 := then(&ones8, 8, &ones8)
	ones24 := then(&ones16, 8, &ones8)
	ones28 := then(&ones24, 4, &ones4)
	ones30 := then(&ones28, 2, &ones2)
	ones31 := then(&ones30, 1, &ones1)
	ones32 := then(&ones31, 1, &ones1)
	r := then(&ones31, 33, &ones32)
	for range 3 {
		r = then(&r, 32, &ones32)
	}
	r = then(&r, 64, &ones32)
	r = then(&r, 30, &ones30)
	*z = then(&r, 2, &ones1)
}
