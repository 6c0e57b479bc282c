//lint:file-ignore SA1019 the general curve makes the tables: their entries are the library's word, not ours

package fixedkey

import (
	"math/big"

	"github.com/emmansun/gmsm/sm2"
)

// A scalar is written in signed digits of width bits, from −half to half. A table has the
// positive multiples for every stride-th digit only: the digits between take the same
// row, and what they add up to is doubled width times. So a table is 45 kB, and both that
// a verification needs stay in a core's own cache.
const (
	width  = 6
	half   = 1 << (width - 1)
	digits = 256/width + 1 // the last has room for the carry
	stride = 2
	rows   = (digits + stride - 1) / stride
)

// table holds d·2^(width·stride·i)·P at [i][d−1].
type table [rows][half]affine

// newTable has every entry made by the library's curve, one addition after the other. That
// takes some milliseconds, and leaves nothing in a table to trust our arithmetic for.
func newTable(x, y *big.Int) *table {
	curve := sm2.P256()
	t := new(table)
	for i := range t {
		dx, dy := x, y
		for d := range t[i] {
			t[i][d].set(dx, dy)
			if d == 0 {
				dx, dy = curve.Double(x, y)
				continue
			}
			if d < half-1 {
				dx, dy = curve.Add(dx, dy, x, y)
			}
		}
		for range width*stride - (width - 1) {
			dx, dy = curve.Double(dx, dy) // from half·P on
		}
		x, y = dx, dy
	}
	return t
}

func (p *affine) set(x, y *big.Int) {
	p.x.setBytes(x.FillBytes(make([]byte, 32)))
	p.y.setBytes(y.FillBytes(make([]byte, 32)))
}

// combine returns s·G + t·P for the points of two tables and scalars below n, least
// significant limb first.
func combine(base, key *table, s, t [4]uint64) jacobian {
	var sum jacobian
	ofS, ofT := recode(&s), recode(&t)
	for between := stride - 1; ; between-- {
		// All summands are fetched before the first is added: then the processor waits
		// for its memory once, not once a row.
		var summands [2 * rows]affine
		n := base.fetch(summands[:], &ofS, between)
		n += key.fetch(summands[n:], &ofT, between)
		for i := range summands[:n] {
			sum.add(&summands[i])
		}
		if between == 0 {
			return sum
		}
		for range width {
			sum.double()
		}
	}
}

// fetch writes the multiples that every stride-th digit asks for, from one on, and returns
// how many: a digit of 0 asks for none.
func (t *table) fetch(dst []affine, of *[digits]int8, from int) int {
	n := 0
	for i := range t {
		at := stride*i + from
		if at >= digits {
			break
		}
		switch d := of[at]; {
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

// recode writes a number below n in signed digits, the least significant first.
func recode(k *[4]uint64) [digits]int8 {
	var of [digits]int8
	carry := 0
	for i := range of {
		d := digit(k, i) + carry
		carry = 0
		if d > half {
			d, carry = d-2*half, 1
		}
		of[i] = int8(d)
	}
	return of
}

// digit returns width bits of a number, from bit width·i on.
func digit(k *[4]uint64, i int) int { return bitsOf(k, width*i, width) }

// bitsOf returns n bits of a number from a bit on.
func bitsOf(k *[4]uint64, from, n int) int {
	limb, shift := from/64, from%64
	bits := k[limb] >> shift
	if shift+n > 64 && limb < 3 {
		bits |= k[limb+1] << (64 - shift)
	}
	return int(bits & (1<<n - 1))
}
