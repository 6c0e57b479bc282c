//lint:file-ignore SA1019 the general curve is what the tables are compared with

package fixedkey

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	mathrand "math/rand/v2"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// signer signs digests by the library. The fixtures of other rooms would import this one.
type signer struct {
	*sm2.PrivateKey
	public *pki.PublicKey
}

func newSigner(tb testing.TB) signer {
	tb.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	public, err := pki.NewPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{key, public}
}

func (s signer) sign(tb testing.TB, message []byte) pki.Signature {
	tb.Helper()
	e := s.public.Digest(message)
	r, v, err := sm2.Sign(rand.Reader, &s.PrivateKey.PrivateKey, e[:])
	if err != nil {
		tb.Fatal(err)
	}
	var sig pki.Signature
	r.FillBytes(sig[:32])
	v.FillBytes(sig[32:])
	return sig
}

// TestTableEntries: every entry is the multiple that it stands for, by the library's
// multiplication, which has not made it, and lies on the curve by our own arithmetic.
func TestTableEntries(t *testing.T) {
	t.Parallel()
	key := newSigner(t).public.ECDSA()
	table := newTable(key.X, key.Y)
	for i := range table {
		for d := range table[i] {
			k := new(big.Int).Lsh(big.NewInt(int64(d)+1), uint(width*stride*i))
			k.Mod(k, pki.Order())
			var want affine
			want.set(sm2.P256().ScalarMult(key.X, key.Y, k.FillBytes(make([]byte, 32))))
			if table[i][d] != want {
				t.Fatalf("row %d, entry %d: another point", i, d)
			}
			if p := (jacobian{table[i][d].x, table[i][d].y, montgomeryOne()}); !p.onCurve() {
				t.Fatalf("row %d, entry %d: not on the curve", i, d)
			}
		}
	}
}

// TestRecode: the digits of a number are within their bounds and add up to it.
func TestRecode(t *testing.T) {
	t.Parallel()
	n := pki.Order()
	numbers := []*big.Int{new(big.Int), big.NewInt(1), new(big.Int).Sub(n, big.NewInt(1)), new(big.Int).Rsh(n, 1)}
	for bit := range uint(255) { // carries that run through, and digits at the turn of the sign
		power := new(big.Int).Lsh(big.NewInt(1), bit)
		numbers = append(numbers, power, new(big.Int).Sub(power, big.NewInt(1)), new(big.Int).Sub(n, power))
	}
	for range 1000 {
		k, err := rand.Int(rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, k)
	}
	for _, k := range numbers {
		l := limbs([32]byte(k.FillBytes(make([]byte, 32))))
		sum := new(big.Int)
		of := recode(&l)
		for i, d := range of {
			if d > half || d < -half {
				t.Fatalf("%x: digit %d is %d", k, i, d)
			}
			sum.Add(sum, new(big.Int).Lsh(big.NewInt(int64(d)), uint(width*i)))
		}
		if sum.Cmp(k) != 0 {
			t.Fatalf("the digits of %x add up to %x", k, sum)
		}
	}
}

// TestFaultsLeaveTheCurve: after one wrong bit in any entry that is used, the sum of the
// points is not on the curve, so that nothing depends on what it is compared with. The
// seed is fixed.
func TestFaultsLeaveTheCurve(t *testing.T) {
	t.Parallel()
	random := mathrand.New(mathrand.NewPCG(1, 2))
	s := newSigner(t)
	v := New(s.public)
	for n := range 500 {
		message := binary.BigEndian.AppendUint64(nil, uint64(n))
		sig := s.sign(t, message)
		of := [2][4]uint64{limbs([32]byte(sig[32:]))}
		of[1] = addModN(limbs([32]byte(sig[:32])), of[0])
		which := random.IntN(2)
		used := recode(&of[which])
		at := random.IntN(digits)
		if used[at] == 0 {
			continue
		}
		tables := [2]table{*v.base, *v.key}
		entry := &tables[which][at/stride][max(used[at], -used[at])-1]
		coordinate := []*element{&entry.x, &entry.y}[random.IntN(2)]
		coordinate[random.IntN(4)] ^= 1 << random.IntN(64)
		if sum := combine(&tables[0], &tables[1], of[0], of[1]); sum.onCurve() {
			t.Fatalf("message %x: a wrong bit in an entry of digit %d is not noticed", message, at)
		}
		if !v.VerifyDigest(s.public.Digest(message), sig) {
			t.Fatal("control: the right tables refuse")
		}
	}
}

// TestOnCurve: points of the curve are, and none of their neighbours.
func TestOnCurve(t *testing.T) {
	t.Parallel()
	params := sm2.P256().Params()
	var g affine
	g.set(params.Gx, params.Gy)
	var p jacobian
	if p.onCurve() {
		t.Error("the point at infinity passes")
	}
	for range 100 {
		p.double()
		p.add(&g)
		if !p.onCurve() {
			t.Fatal("a multiple of the generator is not on the curve")
		}
		for _, change := range []func(*jacobian){
			func(p *jacobian) { p.x.add(&p.x, &g.x) },
			func(p *jacobian) { p.y.add(&p.y, &g.x) },
			func(p *jacobian) { p.z.add(&p.z, &g.x) },
			func(p *jacobian) { p.z = element{} },
			func(p *jacobian) { *p = jacobian{} },
		} {
			other := p
			change(&other)
			if other.onCurve() {
				t.Fatal("a changed point is on the curve")
			}
		}
	}
	var b element
	b.setBytes(params.B.FillBytes(make([]byte, 32)))
	if curveB() != b {
		t.Error("b is not the curve's")
	}
}
