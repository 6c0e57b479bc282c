package fixedkey

import (
	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// Together verifies signatures that were made together by one key, for whoever made them:
// the self-check of bulk issue. Its tables are wide, 1.7 MB a key, and of our own
// arithmetic; a verdict on somebody else's signature is for [Verifier]. It is immutable and
// safe for concurrent use.
type Together struct {
	base, key *wideTable
	alone     *Verifier
}

// NewTogether makes the tables of a key.
func NewTogether(key *pki.PublicKey) *Together {
	params := sm2.P256().Params() //nolint:staticcheck // the parameters alone
	var g, k affine
	g.set(params.Gx, params.Gy)
	point := key.Uncompressed()
	k.x.setBytes(point[1:33])
	k.y.setBytes(point[33:])
	return &Together{newWideTable(&g), newWideTable(&k), New(key)}
}

// VerifyDigest is [Verifier.VerifyDigest].
func (v *Together) VerifyDigest(e [32]byte, sig pki.Signature) bool {
	return v.alone.VerifyDigest(e, sig)
}

// VerifyAll reports whether every one of many signatures is a signature of the key over
// the digest beside it. The sums of all signatures are added up in lockstep, in affine
// coordinates: each step of each needs an inverse, and all inverses of a step are had for
// one.
func (v *Together) VerifyAll(digests [][32]byte, sigs []pki.Signature) bool {
	if len(digests) != len(sigs) {
		return false
	}
	for len(sigs) > 0 {
		n := min(len(sigs), atOnce)
		if !v.verifyAtOnce(digests[:n], sigs[:n]) {
			return false
		}
		digests, sigs = digests[n:], sigs[n:]
	}
	return true
}

// atOnce is how many signatures share an inversion. With more the inversion costs no less
// worth speaking of, and the summands leave the processor's cache.
const atOnce = 128

// running is the sum of one signature.
type running struct {
	summands [2 * wideRows]affine
	n        int // summands
	sum      affine
	begun    bool // sum is not the point at infinity
}

func (v *Together) verifyAtOnce(digests [][32]byte, sigs []pki.Signature) bool {
	sums := make([]running, len(sigs))
	longest := 0
	for i, sig := range sigs {
		s, t, ok := scalars(sig)
		if !ok {
			return false
		}
		r := &sums[i]
		r.n = v.base.summands(r.summands[:], s)
		r.n += v.key.summands(r.summands[r.n:], t)
		longest = max(longest, r.n)
	}
	differences, products := make([]element, len(sums)), make([]element, len(sums))
	for step := range longest {
		if !addStep(sums, step, differences, products) {
			// A sum met its own summand or that one's inverse, which happens to nobody in
			// a lifetime, and to whoever chooses signatures for it: the long way knows both.
			return v.verifyEach(digests, sigs)
		}
	}
	for i, sig := range sigs {
		if !sums[i].begun || !sums[i].sum.hasX(sig, digests[i]) {
			return false
		}
	}
	return true
}

func (v *Together) verifyEach(digests [][32]byte, sigs []pki.Signature) bool {
	for i, sig := range sigs {
		if !v.VerifyDigest(digests[i], sig) {
			return false
		}
	}
	return true
}

// addStep adds to each sum its summand of a step. It reports false, and leaves the sums
// undefined, where the chord through two points is not one.
func addStep(sums []running, step int, differences, products []element) bool {
	product := montgomeryOne()
	for i := range sums {
		r := &sums[i]
		if step >= r.n || !r.begun {
			continue
		}
		d := &differences[i]
		d.sub(&r.summands[step].x, &r.sum.x)
		if d.isZero() {
			return false
		}
		products[i] = product
		product.mul(&product, d)
	}
	var inverse element
	inverse.invert(&product)
	for i := len(sums) - 1; i >= 0; i-- {
		r := &sums[i]
		if step >= r.n {
			continue
		}
		q := &r.summands[step]
		if !r.begun {
			r.sum, r.begun = *q, true
			continue
		}
		var slope, x element
		slope.mul(&inverse, &products[i]) // 1 / (q.x − sum.x)
		inverse.mul(&inverse, &differences[i])
		x.sub(&q.y, &r.sum.y)
		slope.mul(&slope, &x)
		x.square(&slope)
		x.sub(&x, &r.sum.x)
		x.sub(&x, &q.x)
		r.sum.x.sub(&r.sum.x, &x)
		slope.mul(&slope, &r.sum.x)
		r.sum.y.sub(&slope, &r.sum.y)
		r.sum.x = x
	}
	return true
}

// hasX reports whether the point's x is what a signature over a digest wants.
func (p *affine) hasX(sig pki.Signature, digest [32]byte) bool {
	first, second, both := candidates(sig, digest)
	for _, x := range [2][4]uint64{first, second} {
		want := element(x)
		want.toMontgomery()
		if want == p.x {
			return true
		}
		if !both {
			break
		}
	}
	return false
}
