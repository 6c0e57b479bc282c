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
				if got, want := v.VerifyDigest(digest, sig), key.Public().VerifyDigest(digest, sig); got != want || v.VerifyAll([][32]byte{digest}, []pki.Signature{sig}) != want {
					t.Errorf("r=%x s=%x e=%x: %v, want %v", r, s, e, got, want)
				}
			}
		}
	}
}

// TestConstructed makes digests that fit any r and s, so that the point takes chosen
// multiples: small ones, ones near n, equal summands (a doubling), and summands that
// cancel out.
func TestConstructed(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	v := fixedkey.New(key.Public())
	n := pki.Order()
	for i := range 64 {
		s, tt := big.NewInt(int64(i)+1), new(big.Int).Sub(n, big.NewInt(int64(i*i)+1))
		if i%2 == 0 {
			s, tt = new(big.Int).Sub(n, s), new(big.Int).Sub(n, tt)
		}
		r := new(big.Int).Sub(tt, s)
		r.Mod(r, n)
		var sig pki.Signature
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		x, ok := sumX(key.Public(), s, tt)
		if !ok || !sig.WellFormed() {
			continue
		}
		e := new(big.Int).Sub(r, x)
		e.Mod(e, n)
		digest := [32]byte(e.FillBytes(make([]byte, 32)))
		if !key.Public().VerifyDigest(digest, sig) {
			t.Fatalf("%d: the construction is wrong", i)
		}
		if !v.VerifyDigest(digest, sig) || !v.VerifyAll([][32]byte{digest}, []pki.Signature{sig}) {
			t.Errorf("s=%x t=%x: a right signature is refused", s, tt)
		}
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

// TestGeneratorAsKey: for the key 1 both tables are the same, and s = t doubles.
func TestGeneratorAsKey(t *testing.T) {
	t.Parallel()
	key := generator(t)
	v := fixedkey.New(key)
	n := pki.Order()
	for _, s := range []*big.Int{big.NewInt(1), big.NewInt(255), big.NewInt(256), new(big.Int).Sub(n, big.NewInt(1)), new(big.Int).Rsh(n, 1)} {
		for _, tt := range []*big.Int{s, new(big.Int).Sub(n, s), big.NewInt(2)} {
			r := new(big.Int).Sub(tt, s)
			r.Mod(r, n)
			var sig pki.Signature
			r.FillBytes(sig[:32])
			s.FillBytes(sig[32:])
			e := r // as if x were 0
			if x, ok := sumX(key, s, tt); ok {
				e = new(big.Int).Sub(r, x)
				e.Mod(e, n)
			}
			digest := [32]byte(e.FillBytes(make([]byte, 32)))
			if got, want := v.VerifyDigest(digest, sig), key.VerifyDigest(digest, sig); got != want || v.VerifyAll([][32]byte{digest}, []pki.Signature{sig}) != want {
				t.Errorf("s=%x t=%x: %v, want %v", s, tt, got, want)
			}
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
	right := e
	f.Fuzz(func(t *testing.T, e, s []byte) {
		if len(e) != 32 || len(s) != pki.SignatureSize {
			return
		}
		if got, want := v.VerifyDigest([32]byte(e), pki.Signature(s)), key.Public().VerifyDigest([32]byte(e), pki.Signature(s)); got != want {
			t.Errorf("%v, want %v", got, want)
		}
		got := v.VerifyAll([][32]byte{[32]byte(e), right}, []pki.Signature{pki.Signature(s), sig})
		if want := v.VerifyDigest([32]byte(e), pki.Signature(s)); got != want {
			t.Errorf("beside a right one: %v, want %v", got, want)
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
