package fixedkey

// A wide table has a row for every digit of a scalar, of ten bits with a sign: nothing is
// doubled, so sums need additions only. See table for the narrow ones.
const (
	wideWidth = 10
	wideHalf  = 1 << (wideWidth - 1)
	wideRows  = 256/wideWidth + 1
)

// wideTable holds d·2^(wideWidth·i)·P at [i][d−1].
type wideTable [wideRows][wideHalf]affine

func newWideTable(point *affine) *wideTable {
	t := new(wideTable)
	base := *point
	row := make([]jacobian, wideHalf)
	for i := range t {
		var multiple jacobian
		for d := range row {
			multiple.add(&base)
			row[d] = multiple
		}
		toAffine(t[i][:], row)
		multiple.double() // 2·wideHalf times, the base of the next row
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

// summands writes the points whose sum is k·P into dst, for a scalar k below n, least
// significant limb first, and returns how many there are.
func (t *wideTable) summands(dst []affine, k [4]uint64) int {
	n, carry := 0, 0
	for i := range t {
		d := bitsOf(&k, wideWidth*i, wideWidth) + carry
		carry = 0
		if d > wideHalf {
			d, carry = d-2*wideHalf, 1
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
