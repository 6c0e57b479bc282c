//lint:file-ignore SA1019 the general curve is what the sums are compared with

package fixedkey

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// makeSome signs digests and does not verify.
func makeSome(tb testing.TB, s *Signer, digests [][32]byte) []signature {
	tb.Helper()
	made := make([]signature, len(digests))
	for i, e := range digests {
		var err error
		if made[i], err = s.sign(rand.Reader, e); err != nil {
			tb.Fatal(err)
		}
	}
	return made
}

func someDigests(n int) [][32]byte {
	digests := make([][32]byte, n)
	for i := range digests {
		binary.BigEndian.PutUint32(digests[i][:], uint32(i*i))
		digests[i][31] = 0xff
	}
	return digests
}

// TestSignDigests: any number is signed, and each signature is right for its digest.
func TestSignDigests(t *testing.T) {
	t.Parallel()
	s, _ := fastSigner(t)
	for _, n := range []int{0, 1, fewTogether, fewTogether + 1, 100, atOnce, atOnce + 1, 2*atOnce + 3} {
		digests := someDigests(n)
		sigs, err := s.SignDigests(rand.Reader, digests)
		if err != nil || len(sigs) != n {
			t.Fatalf("%d: %d, %v", n, len(sigs), err)
		}
		for i, sig := range sigs {
			if (i < 20 || i > n-20) && !s.public.VerifyDigest(digests[i], sig) {
				t.Fatalf("signature %d of %d is wrong", i, n)
			}
		}
	}
}

// TestTogether: the sums accept what is right and refuse a fault of each kind at each place,
// without the help of the library's verification.
func TestTogether(t *testing.T) {
	t.Parallel()
	s, d := fastSigner(t)
	const n = 60
	digests := someDigests(n)
	made := makeSome(t, s, digests)
	stranger, _ := fastSigner(t)
	judge := func(digests [][32]byte, made []signature) bool {
		factors, err := drawFactors(rand.Reader, len(made))
		if err != nil {
			t.Fatal(err)
		}
		return s.together(digests, made, factors)
	}
	if !judge(digests, made) {
		t.Fatal("right signatures are refused")
	}
	faults := []struct {
		what   string
		change func(e *[32]byte, m *signature, i int)
	}{
		{"a bit of the signature", func(_ *[32]byte, m *signature, i int) { m.sig[i*7%64] ^= 1 << (i % 8) }},
		{"a bit of the digest", func(e *[32]byte, _ *signature, i int) { e[i%32] ^= 1 << (i % 8) }},
		{"a bit of x", func(_ *[32]byte, m *signature, i int) { m.x[i%32] ^= 1 << (i % 8) }},
		{"a bit of y", func(_ *[32]byte, m *signature, i int) { m.y[i%32] ^= 1 << (i % 8) }},
		{"the opposite point", func(_ *[32]byte, m *signature, _ int) {
			p := sm2.P256().Params().P
			m.y = [32]byte(bytesOf(new(big.Int).Sub(p, new(big.Int).SetBytes(m.y[:]))))
		}},
		{"r = 0", func(_ *[32]byte, m *signature, _ int) { clear(m.sig[:32]) }},
		{"s = 0", func(_ *[32]byte, m *signature, _ int) { clear(m.sig[32:]) }},
		{"s + n", func(_ *[32]byte, m *signature, _ int) {
			sum, _ := add(limbs([32]byte(m.sig[32:])), order())
			putLimbs(m.sig[32:], sum)
		}},
		{"another key's", func(e *[32]byte, m *signature, _ int) { *m = makeSome(t, stranger, [][32]byte{*e})[0] }},
		{"another's nonce", func(e *[32]byte, m *signature, _ int) {
			m.x, m.y = made[0].x, made[0].y
		}},
		// What a fault in the computation of kG leaves behind, if everything after it is
		// right: a point of the curve that is not kG, and s for it.
		{"another point of the curve", func(e *[32]byte, m *signature, i int) {
			k := big.NewInt(int64(1000 + i))
			x, y := sm2.P256().ScalarBaseMult(bytesOf(new(big.Int).Add(k, big.NewInt(1))))
			m.x, m.y = [32]byte(bytesOf(x)), [32]byte(bytesOf(y))
			N := pki.Order()
			r := new(big.Int).SetBytes(e[:])
			r.Add(r, x).Mod(r, N)
			sum := new(big.Int).Add(k, r)
			inverse := new(big.Int).ModInverse(new(big.Int).Add(d, big.NewInt(1)), N)
			sum.Mul(sum, inverse).Sub(sum, r).Mod(sum, N)
			r.FillBytes(m.sig[:32])
			sum.FillBytes(m.sig[32:])
		}},
	}
	for _, f := range faults {
		for i := 1; i < n; i += 3 {
			wrong, other := slices.Clone(made), slices.Clone(digests)
			f.change(&other[i], &wrong[i], i)
			if judge(other, wrong) {
				t.Errorf("%s, in place %d: accepted", f.what, i)
			}
			if f.what == "a bit of x" || f.what == "a bit of y" || f.what == "the opposite point" || f.what == "another's nonce" {
				continue // the signature itself is right
			}
			if err := s.check(rand.Reader, other, wrong); !errors.Is(err, pki.ErrSelfCheck) {
				t.Errorf("%s, in place %d: %v", f.what, i, err)
			}
		}
	}
	// Two wrong ones that would cancel each other out if all factors were the same.
	wrong := slices.Clone(made)
	for i, by := range []int64{1, -1} {
		sum := new(big.Int).SetBytes(made[i].sig[32:])
		sum.Add(sum, big.NewInt(by)).Mod(sum, pki.Order()).FillBytes(wrong[i].sig[32:])
	}
	if judge(digests, wrong) {
		t.Error("two faults that cancel each other out are accepted")
	}
}

// TestTheSamePointTwice: what the sums cannot add is judged one by one.
func TestTheSamePointTwice(t *testing.T) {
	t.Parallel()
	s, _ := fastSigner(t)
	digests := make([][32]byte, 20) // all the same
	made := makeSome(t, s, digests[:1])
	for len(made) < len(digests) {
		made = append(made, made[0])
	}
	if err := s.check(rand.Reader, digests, made); err != nil {
		t.Errorf("right signatures: %v", err)
	}
	made[19].sig[63] ^= 1
	if err := s.check(rand.Reader, digests, made); !errors.Is(err, pki.ErrSelfCheck) {
		t.Errorf("a wrong one among them: %v", err)
	}
}

// TestSumOfMultiples compares with the library's multiplication, for factors with all kinds
// of digits.
func TestSumOfMultiples(t *testing.T) {
	t.Parallel()
	curve := sm2.P256()
	factors := []uint64{1, 2, 31, 32, 33, 63, 64, 65, 1<<11 + 1, 1<<63 + 1, 1<<64 - 1, 1<<64 - 33, 0x8208208208208208, 0x7df7df7df7df7df7, 0xffffffff00000001}
	sums := new(heaps)
	for i := range 40 {
		random, err := drawFactors(rand.Reader, i)
		if err != nil {
			t.Fatal(err)
		}
		all := append(slices.Clone(factors[:i%(len(factors)+1)]), random...)
		points := make([]affine, len(all))
		wantX, wantY := new(big.Int), new(big.Int)
		for j, a := range all {
			k, err := rand.Int(rand.Reader, pki.Order())
			if err != nil {
				t.Fatal(err)
			}
			x, y := curve.ScalarBaseMult(bytesOf(k))
			points[j].set(x, y)
			px, py := curve.ScalarMult(x, y, bytesOf(new(big.Int).SetUint64(a)))
			if j == 0 {
				wantX, wantY = px, py
				continue
			}
			wantX, wantY = curve.Add(wantX, wantY, px, py)
		}
		sum, ok := sumOfMultiples(points, all, sums)
		if len(all) == 0 {
			if !ok || !sum.z.isZero() {
				t.Error("a sum of nothing is something")
			}
			continue
		}
		var want affine
		want.set(wantX, wantY)
		if !ok || !sum.equals(&want) {
			t.Errorf("%d points: another sum", len(all))
		}
	}
}

// TestAddJacobian meets the same point, the opposite one and infinity on either side.
func TestAddJacobian(t *testing.T) {
	t.Parallel()
	curve := sm2.P256()
	at := func(k, z int64) jacobian {
		if k == 0 {
			return jacobian{}
		}
		x, y := curve.ScalarBaseMult(bytesOf(new(big.Int).Mod(big.NewInt(k), pki.Order())))
		var a affine
		a.set(x, y)
		var ofZ, zz element
		ofZ.setBytes(bytesOf(big.NewInt(z)))
		zz.square(&ofZ)
		p := jacobian{z: ofZ}
		p.x.mul(&a.x, &zz)
		zz.mul(&zz, &ofZ)
		p.y.mul(&a.y, &zz)
		return p
	}
	for _, c := range [][2]int64{{0, 0}, {0, 5}, {5, 0}, {5, 5}, {5, -5}, {-5, 5}, {1, 2}, {7, -3}, {3, 3}} {
		p, q := at(c[0], 9), at(c[1], 4)
		p.addJacobian(&q)
		if c[0]+c[1] == 0 {
			if !p.z.isZero() {
				t.Errorf("%d + %d is not at infinity", c[0], c[1])
			}
			continue
		}
		want := at(c[0]+c[1], 1)
		if !p.equals(&affine{want.x, want.y}) {
			t.Errorf("%d + %d is another point", c[0], c[1])
		}
	}
}

func BenchmarkSignDigests(b *testing.B) {
	s, _ := fastSigner(b)
	for _, n := range []int{64, 171, 512} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			digests := someDigests(n)
			for b.Loop() {
				if _, err := s.SignDigests(rand.Reader, digests); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(n*b.N), "µs/signature")
		})
		b.Run(fmt.Sprintf("%d-checked", n), func(b *testing.B) {
			digests := someDigests(n)
			made := makeSome(b, s, digests)
			for b.Loop() {
				if err := s.check(rand.Reader, digests, made); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(n*b.N), "µs/signature")
		})
	}
}
