//lint:file-ignore SA1019 the general curve is the other side of the comparison

package fixedkey

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"math/bits"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
)

// SignDigests is [Signer.SignDigest] for many digests, and verifies all signatures before
// it returns one: it is [pki.ErrSelfCheck] if any is wrong, and does not tell which.
//
// A signature (r, s) over e is right if sG + tP, for t = r + s mod n and the public key P,
// has an x with e + x = r mod n (GB/T 32918.2-2016, 7.1). The point R that it was made
// with is known here, so what is to be shown of each is that R is a point of the curve, that
// e + x = r mod n for its x, and that sG + tP − R is the point at infinity. The last is shown
// of all together, by sums with random factors a that are drawn when the signatures are
// there: Σ a(sG + tP − R) is at infinity. If one summand is not, this sum is for at most one
// of the 2^63 factors that its own may be, whatever the others are.
func (s *Signer) SignDigests(random io.Reader, digests [][sm3.Size]byte) ([]pki.Signature, error) {
	made := make([]signature, len(digests))
	for i, e := range digests {
		var err error
		if made[i], err = s.sign(random, e); err != nil {
			return nil, err
		}
	}
	for begin := 0; begin < len(made); begin += atOnce {
		end := min(begin+atOnce, len(made))
		if err := s.check(random, digests[begin:end], made[begin:end]); err != nil {
			return nil, err
		}
	}
	sigs := make([]pki.Signature, len(made))
	for i := range made {
		sigs[i] = made[i].sig
	}
	return sigs, nil
}

const (
	// atOnce is how many signatures are verified together. With more each costs no less
	// worth speaking of, and the points leave the processor's cache.
	atOnce = 512
	// fewTogether is how many the library verifies one by one in the time that the sums
	// take at least.
	fewTogether = 5
)

// check verifies signatures that were just made. Where the sums do not come out right the
// library has the word, one by one.
func (s *Signer) check(random io.Reader, digests [][sm3.Size]byte, made []signature) error {
	if len(made) > fewTogether {
		factors, err := drawFactors(random, len(made))
		if err != nil {
			return err
		}
		if s.together(digests, made, factors) {
			return nil
		}
	}
	for i, m := range made {
		if !s.public.VerifyDigest(digests[i], m.sig) {
			return pki.ErrSelfCheck
		}
	}
	return nil
}

// drawFactors draws odd numbers of 64 bits. As none is 0, a source that has failed leaves a
// check that a single fault does not pass.
func drawFactors(random io.Reader, n int) ([]uint64, error) {
	b := make([]byte, 8*n)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("drawing randomness: %w", err)
	}
	factors := make([]uint64, n)
	for i := range factors {
		factors[i] = binary.LittleEndian.Uint64(b[8*i:]) | 1
	}
	return factors, nil
}

// together reports whether all signatures are right. It may be false where they are, if a
// point is there twice.
func (s *Signer) together(digests [][sm3.Size]byte, made []signature, factors []uint64) bool {
	points := make([]affine, len(made))
	var ofG, ofP wideSum
	for i := range made {
		m := &made[i]
		scalar, t, ok := scalars(m.sig)
		if !ok || !points[i].setBytes(&m.x, &m.y) {
			return false
		}
		if addModN(reduceModN(limbs(digests[i])), reduceModN(limbs(m.x))) != limbs([32]byte(m.sig[:32])) {
			return false
		}
		ofG.add(factors[i], &scalar)
		ofP.add(factors[i], &t)
	}
	sums := s.sums.Get().(*heaps)
	defer s.sums.Put(sums)
	sum, ok := sumOfMultiples(points, factors, sums)
	if !ok {
		return false
	}
	// The other side is the library's, and so are its tables.
	curve := sm2.P256()
	key := s.public.ECDSA()
	gx, gy := curve.ScalarBaseMult(ofG.modN())
	px, py := curve.ScalarMult(key.X, key.Y, ofP.modN())
	x, y := curve.Add(gx, gy, px, py)
	var want affine
	want.set(x, y)
	return sum.equals(&want)
}

// setBytes takes the coordinates of a point, and reports whether it is on the curve.
func (p *affine) setBytes(x, y *[32]byte) bool {
	field := [4]uint64{p0, p1, p2, p3}
	p.x, p.y = limbs(*x), limbs(*y)
	if !below(p.x, field) || !below(p.y, field) {
		return false
	}
	p.x.toMontgomery()
	p.y.toMontgomery()
	on := jacobian{p.x, p.y, montgomeryOne()}
	return on.onCurve()
}

// equals reports whether two points are the same.
func (p *jacobian) equals(q *affine) bool {
	var zz, x, y element
	zz.square(&p.z)
	x.mul(&q.x, &zz)
	zz.mul(&zz, &p.z)
	y.mul(&q.y, &zz)
	return !p.z.isZero() && p.x == x && p.y == y
}

// wideSum is a sum of products of 64 and 256 bits, of less than 2^64 of them.
type wideSum [6]uint64

func (z *wideSum) add(factor uint64, x *[4]uint64) {
	var carry uint64
	for i, limb := range x {
		carry, z[i] = mulAdd(factor, limb, z[i], carry)
	}
	z[4], carry = bits.Add64(z[4], carry, 0)
	z[5] += carry
}

// modN returns the sum modulo n as 32 big-endian bytes.
func (z *wideSum) modN() []byte {
	b := make([]byte, 0, 8*len(z))
	for i := len(z) - 1; i >= 0; i-- {
		b = binary.BigEndian.AppendUint64(b, z[i])
	}
	sum := new(big.Int).SetBytes(b)
	return sum.Mod(sum, pki.Order()).FillBytes(make([]byte, 32))
}
