package fixedkey_test

import (
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/second"
)

// TestAgrees compares it with the two other implementations on right signatures and on
// wrong ones: each bit of r, s and e flipped, and the edges of the ranges.
func TestAgrees(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	v := fixedkey.New(key.Public())
	for i := range 200 {
		msg := make([]byte, i)
		if _, err := rand.Read(msg); err != nil {
			t.Fatal(err)
		}
		sig, err := key.Sign(msg)
		if err != nil {
			t.Fatal(err)
		}
		if !v.VerifyDigest(key.Public().Digest(msg), sig) {
			t.Fatalf("message %x: a right signature %x is refused", msg, sig)
		}
		wrong, bit := sig, i*7%512
		wrong[bit/8] ^= 1 << (bit % 8)
		if v.VerifyDigest(key.Public().Digest(msg), wrong) {
			t.Fatalf("message %x: a wrong signature %x is accepted", msg, wrong)
		}
		if accepted, err := (second.Opinion{}).Verify(key.Public().Point(), msg, wrong); err != nil || accepted {
			t.Fatalf("control: %v %v", accepted, err)
		}
		e := key.Public().Digest(msg)
		e[i%32] ^= 1
		if v.VerifyDigest(e, sig) {
			t.Fatalf("message %x: a signature of another digest is accepted", msg)
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	v := fixedkey.New(key.Public())
	n := pki.Order()
	one := big.NewInt(1)
	numbers := []*big.Int{new(big.Int), one, big.NewInt(2), new(big.Int).Sub(n, one), n, new(big.Int).Add(n, one), new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)}
	for _, r := range numbers {
		for _, s := range numbers {
			for _, e := range numbers {
				var sig pki.Signature
				r.FillBytes(sig[:32])
				s.FillBytes(sig[32:])
				digest := [32]byte(e.FillBytes(make([]byte, 32)))
				if got, want := v.VerifyDigest(digest, sig), key.Public().VerifyDigest(digest, sig); got != want {
					t.Errorf("r=%x s=%x e=%x: %v, want %v", r, s, e, got, want)
				}
			}
		}
	}
}

// sparse are numbers with few digits in a table: sums of them meet the point at infinity,
// equal points, and opposite ones.
func sparse() []*big.Int {
	n := pki.Order()
	var numbers []*big.Int
	for _, bit := range []uint{0, 1, 5, 6, 7, 11, 12, 13, 128, 252, 255} {
		power := new(big.Int).Lsh(big.NewInt(1), bit)
		power.Mod(power, n)
		numbers = append(numbers, power, new(big.Int).Sub(n, power))
	}
	return append(numbers, big.NewInt(3), big.NewInt(31), big.NewInt(32), big.NewInt(33), big.NewInt(1<<12+1), new(big.Int).Rsh(n, 1))
}

// TestConstructed makes digests that fit any r and s, so that the point takes chosen
// multiples, for keys that are such multiples of the generator themselves: then the sums of
// both tables meet each other.
func TestConstructed(t *testing.T) {
	t.Parallel()
	keys := []*pki.PublicKey{pkitest.NewKey(t).Public()}
	for _, d := range sparse()[:12] {
		keys = append(keys, multiple(t, d))
	}
	right := 0
	for _, key := range keys {
		v := fixedkey.New(key)
		for _, s := range sparse() {
			for _, u := range sparse() {
				e, sig, ok := constructed(key, s, u)
				if got := v.VerifyDigest(e, sig); got != ok || ok && !key.VerifyDigest(e, sig) {
					t.Fatalf("key %s, s=%x t=%x: accepted is %v, want %v", key.Point(), s, u, got, ok)
				}
				if !ok {
					continue
				}
				right++
				if e[31] ^= 1; v.VerifyDigest(e, sig) {
					t.Fatalf("key %s, s=%x t=%x: accepted for another digest", key.Point(), s, u)
				}
			}
		}
	}
	if right < 8000 {
		t.Errorf("%d right signatures: too few to show anything", right)
	}
}

// TestSamples: the published signatures, one of which other code has refused.
func TestSamples(t *testing.T) {
	t.Parallel()
	for _, sample := range pki.Samples() {
		key, err := pki.ParsePoint(sample.Point[:])
		if err != nil {
			t.Fatal(err)
		}
		e := sample.Digest
		if sample.Message != nil {
			e = key.Digest(sample.Message)
		}
		v := fixedkey.New(key)
		if !v.VerifyDigest(e, sample.Signature) {
			t.Errorf("%s is refused", sample.Name)
		}
		e[0] ^= 1
		if v.VerifyDigest(e, sample.Signature) {
			t.Errorf("%s is accepted for another digest", sample.Name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := pkitest.NewKey(f)
	v := fixedkey.New(key.Public())
	sig, err := key.Sign(nil)
	if err != nil {
		f.Fatal(err)
	}
	e := key.Public().Digest(nil)
	f.Add(e[:], sig[:])
	f.Fuzz(func(t *testing.T, e, s []byte) {
		if len(e) != 32 || len(s) != pki.SignatureSize {
			return
		}
		if got, want := v.VerifyDigest([32]byte(e), pki.Signature(s)), key.Public().VerifyDigest([32]byte(e), pki.Signature(s)); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// FuzzConstructed has right signatures over chosen multiples, which random ones never are.
func FuzzConstructed(f *testing.F) {
	key := pkitest.NewKey(f).Public()
	v := fixedkey.New(key)
	for _, k := range sparse() {
		f.Add(k.Bytes(), []byte{1}, uint16(0))
	}
	f.Fuzz(func(t *testing.T, s, u []byte, flip uint16) {
		number := func(b []byte) *big.Int { k := new(big.Int).SetBytes(b[:min(len(b), 40)]); return k.Mod(k, pki.Order()) }
		e, sig, ok := constructed(key, number(s), number(u))
		if got := v.VerifyDigest(e, sig); got != ok {
			t.Fatalf("accepted is %v, want %v", got, ok)
		}
		sig[flip/8%64] ^= 1 << (flip % 8)
		if got, want := v.VerifyDigest(e, sig), key.VerifyDigest(e, sig); got != want {
			t.Errorf("with a bit flipped: %v, want %v", got, want)
		}
	})
}

// BenchmarkVerify takes many signatures in turn, as a service does: the table's rows are
// not all in the nearest cache.
func BenchmarkVerify(b *testing.B) {
	key := pkitest.NewKey(b)
	v := fixedkey.New(key.Public())
	var digests [1024][32]byte
	var signatures [1024]pki.Signature
	for i := range signatures {
		message := []byte{byte(i), byte(i >> 8)}
		var err error
		if signatures[i], err = key.SignUnchecked(message); err != nil {
			b.Fatal(err)
		}
		digests[i] = key.Public().Digest(message)
	}
	for name, verify := range map[string]func([32]byte, pki.Signature) bool{"tables": v.VerifyDigest, "general": key.Public().VerifyDigest} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if !verify(digests[i%len(digests)], signatures[i%len(digests)]) {
					b.Fatal("refused")
				}
			}
		})
	}
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			if _, err := key.SignUnchecked(digests[0][:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("making the tables", func(b *testing.B) {
		for b.Loop() {
			fixedkey.New(key.Public())
		}
	})
}
