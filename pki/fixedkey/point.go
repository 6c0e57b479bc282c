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

// onCurve reports whether p is a point of the curve and not at infinity: y² = x³ − 3·x·z⁴ +
// b·z⁶ and z ≠ 0.
func (p *jacobian) onCurve() bool {
	var zz, z4, left, right element
	zz.square(&p.z)
	z4.square(&zz)
	right.square(&p.x)
	right.sub(&right, &z4)
	right.sub(&right, &z4)
	right.sub(&right, &z4)
	right.mul(&right, &p.x) // x³ − 3·x·z⁴
	b := curveB()
	z4.mul(&z4, &zz)
	z4.mul(&z4, &b)
	right.add(&right, &z4)
	left.square(&p.y)
	return left == right && !p.z.isZero()
}
