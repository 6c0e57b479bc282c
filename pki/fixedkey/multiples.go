package fixedkey

import "slices"

// factorDigits is how many signed digits of width bits a factor of 64 bits has; the last has
// room for the carry.
const factorDigits = 64/width + 1

// sumOfMultiples returns Σ aP for points and factors, by the method of Pippenger: for each
// digit of the factors the points with the same digit are added up, in heaps whose memory is
// used again, and what is in these sums is multiplied by the digit once. It is false where two points that meet are the same
// or opposite, which their owner finds in no lifetime.
func sumOfMultiples(points []affine, factors []uint64, sums *heaps) (jacobian, bool) {
	sums.take(points, factors)
	for sums.longest > 1 {
		if !sums.halve() {
			return jacobian{}, false
		}
	}
	var total jacobian
	for digit := factorDigits - 1; digit >= 0; digit-- {
		for range width {
			total.double()
		}
		// Σ i·S[i] is what the sums from the end on, added to each other, add up to.
		var running, sum jacobian
		for i := half - 1; i >= 0; i-- {
			if h := digit*half + i; sums.count[h] > 0 {
				running.add(&sums.points[sums.begin[h]])
			}
			sum.addJacobian(&running)
		}
		total.addJacobian(&sum)
	}
	return total, true
}

// heaps are points that are to be added up, heap by heap. A heap for each digit and each
// value that it may have, from 1 to half; of a negative digit the point is negated.
type heaps struct {
	digits  [][factorDigits]int8 // of each factor
	points  []affine
	begin   [factorDigits * half]int // of each heap in points
	count   [factorDigits * half]int // of each heap's points that are left
	longest int

	differences, products []element // of halve
}

// take puts points in heaps.
func (h *heaps) take(points []affine, factors []uint64) {
	h.count, h.longest = [factorDigits * half]int{}, 0
	h.digits = slices.Grow(h.digits[:0], len(factors))[:len(factors)]
	for i, a := range factors {
		carry := 0
		for j := range h.digits[i] {
			d := int(a&(1<<width-1)) + carry
			a >>= width
			carry = 0
			if d > half {
				d, carry = d-2*half, 1
			}
			h.digits[i][j] = int8(d)
			if d != 0 {
				h.count[j*half+max(d, -d)-1]++
			}
		}
	}
	total := 0
	for i, n := range h.count {
		h.begin[i] = total
		h.longest = max(h.longest, n)
		total += n
	}
	h.points = slices.Grow(h.points[:0], total)[:total]
	h.differences, h.products = slices.Grow(h.differences[:0], total/2)[:total/2], slices.Grow(h.products[:0], total/2)[:total/2]
	next := h.begin
	for i := range h.digits {
		for j, d := range h.digits[i] {
			if d == 0 {
				continue
			}
			at := &next[j*half+max(int(d), -int(d))-1]
			h.points[*at] = points[i]
			if d < 0 {
				h.points[*at].y.negate()
			}
			*at++
		}
	}
}

// halve adds up the points of each heap in pairs. In affine coordinates each addition needs
// an inverse, and all inverses are had for one. It is false, and leaves the heaps undefined,
// where the chord through two points is not one.
func (h *heaps) halve() bool {
	// The last pair comes first here and last below, so that inverses are taken apart in
	// the reverse order and sums overwrite only what was added already.
	product := montgomeryOne()
	pair := 0
	for i := len(h.count) - 1; i >= 0; i-- {
		points := h.points[h.begin[i]:][:h.count[i]]
		for j := len(points)/2 - 1; j >= 0; j-- {
			d := &h.differences[pair]
			d.sub(&points[2*j+1].x, &points[2*j].x)
			if d.isZero() {
				return false
			}
			h.products[pair] = product
			product.mul(&product, d)
			pair++
		}
	}
	var inverse element
	inverse.invert(&product)
	h.longest = 0
	for i := range h.count {
		points := h.points[h.begin[i]:][:h.count[i]]
		for j := range len(points) / 2 {
			pair--
			var slope element
			slope.mul(&inverse, &h.products[pair]) // 1 / (q.x − p.x)
			inverse.mul(&inverse, &h.differences[pair])
			points[j] = chord(&points[2*j], &points[2*j+1], &slope)
		}
		if n := len(points); n%2 == 1 {
			points[n/2] = points[n-1]
		}
		h.count[i] = (len(points) + 1) / 2
		h.longest = max(h.longest, h.count[i])
	}
	return true
}

// chord returns p + q for points with different x, given 1 / (q.x − p.x).
func chord(p, q *affine, inverse *element) affine {
	var sum affine
	var slope element
	slope.sub(&q.y, &p.y)
	slope.mul(&slope, inverse)
	sum.x.square(&slope)
	sum.x.sub(&sum.x, &p.x)
	sum.x.sub(&sum.x, &q.x)
	sum.y.sub(&p.x, &sum.x)
	sum.y.mul(&sum.y, &slope)
	sum.y.sub(&sum.y, &p.y)
	return sum
}

// addJacobian sets p = p + q.
func (p *jacobian) addJacobian(q *jacobian) {
	switch {
	case q.z.isZero():
		return
	case p.z.isZero():
		*p = *q
		return
	}
	var pzz, qzz, u1, u2, s1, s2, h, r element
	pzz.square(&p.z)
	qzz.square(&q.z)
	u1.mul(&p.x, &qzz)
	u2.mul(&q.x, &pzz)
	s1.mul(&p.y, &q.z)
	s1.mul(&s1, &qzz)
	s2.mul(&q.y, &p.z)
	s2.mul(&s2, &pzz)
	h.sub(&u2, &u1)
	r.sub(&s2, &s1)
	if h.isZero() {
		if r.isZero() {
			p.double()
			return
		}
		*p = jacobian{}
		return
	}
	var hh, hhh, v, t element
	hh.square(&h)
	hhh.mul(&h, &hh)
	v.mul(&u1, &hh)
	p.x.square(&r)
	p.x.sub(&p.x, &hhh)
	p.x.sub(&p.x, &v)
	p.x.sub(&p.x, &v)
	t.sub(&v, &p.x)
	t.mul(&t, &r)
	hhh.mul(&hhh, &s1)
	p.y.sub(&t, &hhh)
	p.z.mul(&p.z, &q.z)
	p.z.mul(&p.z, &h)
}
