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
	zz.mul(&p.z, &p.z)
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
	hh.mul(&h, &h)
	hhh.mul(&h, &hh)
	v.mul(&p.x, &hh)
	p.x.mul(&r, &r)
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
	zz.mul(&p.z, &p.z)
	yy.mul(&p.y, &p.y)
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
	p.x.mul(&m, &m)
	p.x.sub(&p.x, &s)
	p.x.sub(&p.x, &s)
	yy.mul(&yy, &yy)
	yy.add(&yy, &yy)
	yy.add(&yy, &yy)
	yy.add(&yy, &yy) // 8·y⁴
	t.sub(&s, &p.x)
	t.mul(&t, &m)
	p.y.sub(&t, &yy)
}

// windows is the number of bytes of a scalar: each has a row of the table.
const windows = 32

// table holds d·256^i·P for every byte d ≠ 0 at every place i from the end.
type table [windows][255]affine

func newTable(point *affine) *table {
	t := new(table)
	base := *point
	row := make([]jacobian, 256)
	for i := range t {
		row[0] = jacobian{}
		for d := 1; d < 256; d++ {
			row[d] = row[d-1]
			row[d].add(&base)
		}
		toAffine(t[i][:], row[1:])
		last := row[255]
		last.add(&base) // 256 times, the base of the next row
		next := make([]affine, 1)
		toAffine(next, []jacobian{last})
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
		zz.mul(&z, &z)
		dst[i].x.mul(&src[i].x, &zz)
		zz.mul(&zz, &z)
		dst[i].y.mul(&src[i].y, &zz)
	}
}

// addMultiple sets p = p + k·P for the point P of the table and 32 big-endian bytes k.
func (p *jacobian) addMultiple(t *table, k *[32]byte) {
	for i := range windows {
		if d := k[windows-1-i]; d != 0 {
			p.add(&t[i][d-1])
		}
	}
}
