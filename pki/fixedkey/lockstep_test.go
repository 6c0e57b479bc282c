package fixedkey_test

import (
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/fixedkey"
)

// signatures makes digests and signatures of a key.
func signatures(tb testing.TB, key *pki.Key, n int) ([][32]byte, []pki.Signature) {
	tb.Helper()
	digests, sigs := make([][32]byte, n), make([]pki.Signature, n)
	for i := range n {
		msg := binary.BigEndian.AppendUint32(nil, uint32(i))
		var err error
		if sigs[i], err = key.Sign(msg); err != nil {
			tb.Fatal(err)
		}
		digests[i] = key.Public().Digest(msg)
	}
	return digests, sigs
}

// TestVerifyAll: many right signatures are right together, in any number, and one wrong
// one among them is found wherever it stands and whatever is wrong with it.
func TestVerifyAll(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	v := fixedkey.NewTogether(key.Public())
	const most = 300
	digests, sigs := signatures(t, key, most)
	for _, n := range []int{0, 1, 2, 127, 128, 129, 256, 257, most} {
		if !v.VerifyAll(digests[:n], sigs[:n]) {
			t.Errorf("%d right signatures are refused", n)
		}
	}
	if v.VerifyAll(digests, sigs[:most-1]) {
		t.Error("a digest without a signature is accepted")
	}
	for i := range most {
		wrong, other := slices.Clone(sigs), slices.Clone(digests)
		switch i % 4 {
		case 0:
			wrong[i][i%64] ^= 1 << (i % 8)
		case 1:
			other[i][i%32] ^= 1 << (i % 8)
		case 2:
			wrong[i] = sigs[(i+1)%most]
		case 3:
			clear(wrong[i][:32])
		}
		if v.VerifyAll(other, wrong) {
			t.Errorf("a wrong signature in place %d is accepted", i)
		}
	}
	stranger := fixedkey.NewTogether(pkitest.NewKey(t).Public())
	if stranger.VerifyAll(digests[:3], sigs[:3]) {
		t.Error("another key accepts them")
	}
}

// TestMeetingSums: signatures whose sums meet a summand, which a chord cannot add, are
// judged as they are alone, and so are those beside them. Of the key 1 both tables are
// the same, so that they are easily made: 2·G + (2 + 1024)·G begins with a doubling.
func TestMeetingSums(t *testing.T) {
	t.Parallel()
	key := multiple(t, big.NewInt(1))
	v := fixedkey.NewTogether(key)
	n := pki.Order()
	var digests [][32]byte
	var sigs []pki.Signature
	for _, numbers := range [][2]int64{{5, 77}, {2, 1026}, {9, 1 << 20}, {3, -3 + 1024}} {
		s, tt := big.NewInt(numbers[0]), big.NewInt(numbers[1])
		r := new(big.Int).Sub(tt, s)
		x, ok := sumX(key, s, tt)
		if !ok {
			t.Fatal("the sum is at infinity")
		}
		var sig pki.Signature
		r.Mod(r, n).FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		e := new(big.Int).Sub(r, x)
		sigs = append(sigs, sig)
		digests = append(digests, [32]byte(e.Mod(e, n).FillBytes(make([]byte, 32))))
		if !v.VerifyDigest(digests[len(digests)-1], sig) {
			t.Fatalf("%v: the construction is wrong", numbers)
		}
	}
	if !v.VerifyAll(digests, sigs) {
		t.Error("right signatures are refused beside one with a doubling")
	}
	for i := range sigs {
		wrong := slices.Clone(digests)
		wrong[i][7] ^= 1
		if v.VerifyAll(wrong, sigs) {
			t.Errorf("a wrong signature in place %d is accepted", i)
		}
	}
}

func BenchmarkVerifyAll(b *testing.B) {
	key := pkitest.NewKey(b)
	v := fixedkey.NewTogether(key.Public())
	digests, sigs := signatures(b, key, 128)
	b.Run("together", func(b *testing.B) {
		for b.Loop() {
			if !v.VerifyAll(digests, sigs) {
				b.Fatal("refused")
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(128*b.N), "µs/signature")
	})
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			for i := range sigs {
				if !v.VerifyDigest(digests[i], sigs[i]) {
					b.Fatal("refused")
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(128*b.N), "µs/signature")
	})
}
