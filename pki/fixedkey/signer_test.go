//lint:file-ignore SA1019 the general curve makes the edges

package fixedkey

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
)

func number(tb testing.TB, text string) *big.Int {
	tb.Helper()
	n, ok := new(big.Int).SetString(strings.ReplaceAll(text, " ", ""), 16)
	if !ok {
		tb.Fatalf("%q is not a number", text)
	}
	return n
}

func bytesOf(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }

func fastSigner(tb testing.TB) (*Signer, *big.Int) {
	tb.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := NewSigner(bytesOf(private.D))
	if err != nil {
		tb.Fatal(err)
	}
	return s, private.D
}

// TestStandardsExample is the example of GB/T 32918.5-2017, A.2, with its nonce.
func TestStandardsExample(t *testing.T) {
	t.Parallel()
	s, err := NewSigner(bytesOf(number(t, "3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8")))
	if err != nil {
		t.Fatal(err)
	}
	e := s.public.Digest([]byte("message digest"))
	if want := "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"; hex.EncodeToString(e[:]) != want {
		t.Fatalf("e = %x, want %s", e, want)
	}
	made, ok := s.signWith(bytesOf(number(t, "59276E27 D506861A 16680F3A D9C02DCC EF3CC1FA 3CDBE4CE 6D54B80D EAC1BC21")), e)
	want := bytesOf(number(t, "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3"))
	want = append(want, bytesOf(number(t, "B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA"))...)
	if !ok || !bytes.Equal(made.sig[:], want) {
		t.Errorf("%x, %v; want %x", made.sig, ok, want)
	}
	if x := bytesOf(number(t, "04EBFC71 8E8D1798 62043226 8E77FEB6 415E2EDE 0E073C0F 4F640ECD 2E149A73")); !bytes.Equal(made.x[:], x) {
		t.Errorf("x = %x, want %x", made.x, x)
	}
}

// TestSignersAreAccepted: what it signs is accepted by the library, by the second
// implementation and by OpenSSL, alone and together.
func TestSignersAreAccepted(t *testing.T) {
	t.Parallel()
	for range 20 {
		s, _ := fastSigner(t)
		msgs := make([][]byte, 20)
		digests := make([][32]byte, len(msgs))
		for i := range msgs {
			msgs[i] = fmt.Appendf(nil, "message %d", i)
			digests[i] = s.public.Digest(msgs[i])
		}
		sigs, err := s.SignDigests(rand.Reader, digests)
		if err != nil {
			t.Fatal(err)
		}
		for i, msg := range msgs {
			alone, err := s.SignDigest(rand.Reader, digests[i])
			if err != nil {
				t.Fatal(err)
			}
			for _, sig := range []pki.Signature{sigs[i], alone} {
				if !s.public.Verify(msg, sig) {
					t.Fatalf("the library refuses %x", sig)
				}
				if ok, err := (second.Opinion{}).Verify(s.public.Point(), msg, sig); err != nil || !ok {
					t.Fatalf("the second implementation refuses %x: %v", sig, err)
				}
			}
		}
	}
	s, _ := fastSigner(t)
	dir := t.TempDir()
	key, message, signature := filepath.Join(dir, "key"), filepath.Join(dir, "message"), filepath.Join(dir, "signature")
	text := []byte("what OpenSSL is asked for")
	e := s.public.Digest(text)
	der, err := s.Sign(rand.Reader, e[:], crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string][]byte{key: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: s.public.SPKI()}), message: text, signature: der} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tooltest.Need(t, "openssl")
	tooltest.Run(t, "openssl", "dgst", "-sm3", "-verify", key, "-signature", signature, "-sigopt", "distid:"+pki.UserID, message)
}

// TestNonceEdges: where the standard draws another nonce none is taken, and neither is a
// number that is none.
func TestNonceEdges(t *testing.T) {
	t.Parallel()
	s, d := fastSigner(t)
	n := pki.Order()
	k := new(big.Int).Sub(n, big.NewInt(12345))
	x, _ := sm2.P256().ScalarBaseMult(bytesOf(k))
	digest := func(r *big.Int) [32]byte {
		e := new(big.Int).Sub(r, x)
		return [32]byte(bytesOf(e.Mod(e, n)))
	}
	one := big.NewInt(1)
	rOfS0 := new(big.Int).ModInverse(d, n) // s = 0 for r = k / d
	rOfS0.Mul(rOfS0, k).Mod(rOfS0, n)
	for _, c := range []struct {
		what string
		k    *big.Int
		e    [32]byte
	}{
		{"k = 0", new(big.Int), digest(one)},
		{"k = n - 1", new(big.Int).Sub(n, one), digest(one)},
		{"k = n", n, digest(one)},
		{"k = 2^256 - 1", new(big.Int).Sub(new(big.Int).Lsh(one, 256), one), digest(one)},
		{"r = 0", k, digest(new(big.Int))},
		{"r + k = n", k, digest(big.NewInt(12345))},
		{"s = 0", k, digest(rOfS0)},
	} {
		if made, ok := s.signWith(bytesOf(c.k), c.e); ok {
			t.Errorf("%s is taken: %x", c.what, made.sig)
		}
	}
	for _, r := range []*big.Int{one, big.NewInt(12344), big.NewInt(12346), new(big.Int).Sub(n, one), new(big.Int).Add(rOfS0, one)} {
		made, ok := s.signWith(bytesOf(k), digest(r))
		if !ok || !s.public.VerifyDigest(digest(r), made.sig) {
			t.Errorf("r = %x: %x, %v", r, made.sig, ok)
		}
	}
	// The smallest and the largest nonce, and digests that are not below n.
	for _, k := range []*big.Int{one, new(big.Int).Sub(n, big.NewInt(2))} {
		for _, e := range []*big.Int{new(big.Int), one, n, new(big.Int).Add(n, one), new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)} {
			made, ok := s.signWith(bytesOf(k), [32]byte(bytesOf(e)))
			if !ok || !s.public.VerifyDigest([32]byte(bytesOf(e)), made.sig) {
				t.Errorf("k = %x, e = %x: %x, %v", k, e, made.sig, ok)
			}
		}
	}
}

// TestBadPrivateKeys: only numbers from 1 to n − 2 are private keys.
func TestBadPrivateKeys(t *testing.T) {
	t.Parallel()
	n := pki.Order()
	one := big.NewInt(1)
	for _, d := range [][]byte{nil, make([]byte, 31), make([]byte, 32), make([]byte, 33), bytesOf(new(big.Int).Sub(n, one)), bytesOf(n), bytes.Repeat([]byte{0xff}, 32)} {
		if _, err := NewSigner(d); err == nil {
			t.Errorf("%x is taken", d)
		}
	}
	for _, d := range []*big.Int{one, new(big.Int).Sub(n, big.NewInt(2))} {
		s, err := NewSigner(bytesOf(d))
		if err != nil {
			t.Fatal(err)
		}
		sig, err := s.SignDigest(rand.Reader, [32]byte{1})
		if err != nil || !s.public.VerifyDigest([32]byte{1}, sig) {
			t.Errorf("d = %x: %x, %v", d, sig, err)
		}
	}
}

// TestNonces: nonces differ for other digests, other randomness, other tries and other keys.
// With all of them the same they are the same, as nothing else is in them.
func TestNonces(t *testing.T) {
	t.Parallel()
	s, _ := fastSigner(t)
	other, _ := fastSigner(t)
	seen := make(map[[32]byte]string)
	for _, c := range []struct {
		what  string
		nonce [32]byte
	}{
		{"one", s.nonce([32]byte{1}, [32]byte{2}, 0)},
		{"another digest", s.nonce([32]byte{1}, [32]byte{3}, 0)},
		{"other randomness", s.nonce([32]byte{4}, [32]byte{2}, 0)},
		{"another try", s.nonce([32]byte{1}, [32]byte{2}, 1)},
		{"another key", other.nonce([32]byte{1}, [32]byte{2}, 0)},
		{"both exchanged", s.nonce([32]byte{2}, [32]byte{1}, 0)},
	} {
		if seen[c.nonce] != "" {
			t.Errorf("%s and %s have the same nonce", c.what, seen[c.nonce])
		}
		seen[c.nonce] = c.what
	}
	if seen[s.nonce([32]byte{1}, [32]byte{2}, 0)] != "one" {
		t.Error("a nonce hangs on something else")
	}
}

// zeros is a source of randomness that has failed without a word.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestFailingRandomness: no source, one that fails or ends is an error; one that repeats
// still gives each digest a nonce of its own, and the check is still one.
func TestFailingRandomness(t *testing.T) {
	t.Parallel()
	s, _ := fastSigner(t)
	if _, err := s.SignDigest(nil, [32]byte{}); !errors.Is(err, ErrRandomness) {
		t.Errorf("no source: %v", err)
	}
	broken := errors.New("broken")
	if _, err := s.SignDigest(iotest.ErrReader(broken), [32]byte{}); !errors.Is(err, broken) {
		t.Errorf("a broken source: %v", err)
	}
	if _, err := s.SignDigests(io.LimitReader(rand.Reader, 32*30+8), make([][32]byte, 30)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a source that ends: %v", err)
	}
	digests := make([][32]byte, 40)
	for i := range digests {
		digests[i][0] = byte(i)
	}
	sigs, err := s.SignDigests(zeros{}, digests)
	if err != nil {
		t.Fatal(err)
	}
	points := make(map[[4]uint64]bool)
	for i, sig := range sigs {
		x, _, _ := candidates(sig, digests[i])
		points[x] = true
	}
	if len(points) != len(sigs) {
		t.Errorf("%d nonces for %d digests", len(points), len(sigs))
	}
	made := makeSome(t, s, digests)
	made[7].sig[40] ^= 1
	if err := s.check(zeros{}, digests, made); !errors.Is(err, pki.ErrSelfCheck) {
		t.Errorf("a fault is not seen: %v", err)
	}
}

func TestSignerTakesDigestsOnly(t *testing.T) {
	t.Parallel()
	s, _ := fastSigner(t)
	if _, err := s.Sign(rand.Reader, make([]byte, 31), crypto.Hash(0)); err == nil {
		t.Error("31 bytes are signed")
	}
	if _, err := s.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); err == nil {
		t.Error("a digest by SHA-256 is signed")
	}
	if _, err := s.Sign(rand.Reader, make([]byte, 32), sm2.DefaultSM2SignerOpts); err == nil {
		t.Error("a message is signed as if it were a digest")
	}
	if text := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(text, "inverse") {
		t.Errorf("it is printed with its fields: %s", text)
	}
}

// TestSignsConcurrently is for the race detector.
func TestSignsConcurrently(t *testing.T) {
	t.Parallel()
	s, _ := fastSigner(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			e := [32]byte{byte(i)}
			sig, err := s.SignDigest(rand.Reader, e)
			if err != nil || !s.public.VerifyDigest(e, sig) {
				t.Errorf("%x, %v", sig, err)
			}
		})
	}
	wg.Wait()
}

// BenchmarkSigner is beside the library's own signature; see BenchmarkSignDigests for many.
func BenchmarkSigner(b *testing.B) {
	s, d := fastSigner(b)
	private, err := sm2.NewPrivateKeyFromInt(d)
	if err != nil {
		b.Fatal(err)
	}
	e := s.public.Digest([]byte("message"))
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			if _, err := private.Sign(rand.Reader, e[:], crypto.Hash(0)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signer", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.SignDigest(rand.Reader, e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
