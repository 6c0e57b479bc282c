package fixedkey

// affine is a point of the curve that is not the point at infinity.
type affine struct{ x, y element }

// jacobian is the point (x/z², y/z³), or the point at infinity if z is 0.
type jacobian struct{ x, y, z element }

// add sets p = p + q.
func (p *jacobian) add(q *affine) {
	if p.z.isZero() {
		p.x, p.y, p.z = q.x, q.y, montgomeryOne()
		return
	}
	var zz, u, s, h, r element
	zz.square(&p.z)
	u.mul(&q.x, &zz)
	s.mul(&q.y, &p.z)
	s.mul(&s, &zz)
	h.sub(&u, &p.x)
	r.sub(&s, &p.y)
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
	v.mul(&p.x, &hh)
	p.x.square(&r)
	p.x.sub(&p.x, &hhh)
	p.x.sub(&p.x, &v)
	p.x.sub(&p.x, &v)
	t.sub(&v, &p.x)
	t.mul(&t, &r)
	hhh.mul(&hhh, &p.y)
	p.y.sub(&t, &hhh)
	p.z.mul(&p.z, &h)
}

// double sets p = 2p, for a curve with a = −3. The curve has prime order, so y is never
// 0, and the point at infinity stays as z = 0.
func (p *jacobian) double() {
	var zz, yy, s, m, t element
	zz.square(&p.z)
	yy.square(&p.y)
	s.mul(&p.x, &yy)
	s.add(&s, &s)
	s.add(&s, &s) // 4·x·y²
	m.add(&p.x, &zz)
	t.sub(&p.x, &zz)
	m.mul(&m, &t)
	t.add(&m, &m)
	m.add(&m, &t) // 3·(x − z²)·(x + z²)
	p.z.mul(&p.y, &p.z)
	p.z.add(&p.z, &p.z)
	p.x.square(&m)
	p.x.sub(&p.x, &s)
	p.x.sub(&p.x, &s)
	yy.square(&yy)
	yy.add(&yy, &yy)
	yy.add(&yy, &yy)
	yy.add(&yy, &yy) // 8·y⁴
	t.sub(&s, &p.x)
	t.mul(&t, &m)
	p.y.sub(&t, &yy)
}

// A scalar is written in signed digits of width bits, from −half to half: each digit has
// a row of the table, which holds the multiples for the positive ones. Wider digits need
// fewer additions and larger tables; ten bits keep both tables in a core's own cache.
const (
	width = 10
	half  = 1 << (width - 1)
	rows  = 256/width + 1
)

// table holds d·2^(width·i)·P at [i][d−1].
type table [rows][half]affine

func newTable(point *affine) *table {
	t := new(table)
	base := *point
	row := make([]jacobian, half)
	for i := range t {
		var multiple jacobian
		for d := range row {
			multiple.add(&base)
			row[d] = multiple
		}
		toAffine(t[i][:], row)
		multiple.double() // 2·half times, the base of the next row
		next := make([]affine, 1)
		toAffine(next, []jacobian{multiple})
		base = next[0]
	}
	return t
}

// toAffine writes points, none of which is at infinity, with one inversion for all.
func toAffine(dst []affine, src []jacobian) {
	products := make([]element, len(src)) // of all z before
	product := montgomeryOne()
	for i := range src {
		products[i] = product
		product.mul(&product, &src[i].z)
	}
	var inverse element
	inverse.invert(&product)
	for i := len(src) - 1; i >= 0; i-- {
		var z, zz element
		z.mul(&inverse, &products[i])
		inverse.mul(&inverse, &src[i].z)
		zz.square(&z)
		dst[i].x.mul(&src[i].x, &zz)
		zz.mul(&zz, &z)
		dst[i].y.mul(&src[i].y, &zz)
	}
}

// addMultiple sets p = p + k·P for the point P of the table and a scalar k below n,
// least significant limb first.
func (p *jacobian) addMultiple(t *table, k [4]uint64) {
	// All summands are fetched before the first is added: then the processor waits for
	// its memory once, not once a row.
	var summands [rows]affine
	for i := range summands[:t.summands(summands[:], k)] {
		p.add(&summands[i])
	}
}

// summands writes the points whose sum is k·P into dst and returns how many there are.
func (t *table) summands(dst []affine, k [4]uint64) int {
	n, carry := 0, 0
	for i := range t {
		d := digit(&k, i) + carry
		carry = 0
		if d > half {
			d, carry = d-2*half, 1
		}
		switch {
		case d > 0:
			dst[n] = t[i][d-1]
			n++
		case d < 0:
			dst[n] = t[i][-d-1]
			dst[n].y.negate()
			n++
		}
	}
	return n
}

// digit returns width bits of a number, from bit width·i on.
func digit(k *[4]uint64, i int) int {
	limb, shift := width*i/64, width*i%64
	bits := k[limb] >> shift
	if shift+width > 64 && limb < 3 {
		bits |= k[limb+1] << (64 - shift)
	}
	return int(bits & (2*half - 1))
}
