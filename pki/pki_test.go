package pki_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestStandardSignature: GB/T 32918.5-2017, annex A, with its intermediate value
// e.
func TestStandardSignature(t *testing.T) {
	t.Parallel()
	s := pki.Samples()[0]
	key, err := pki.ParsePoint(s.Point[:])
	if err != nil {
		t.Fatal(err)
	}
	e := key.Digest(s.Message)
	if want := unhex(t, "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"); !bytes.Equal(e[:], want) {
		t.Errorf("e = %x, want %x", e, want)
	}
	if !key.Verify(s.Message, s.Signature) {
		t.Error("the published signature is refused")
	}
	wantXY := unhex(t, "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"+
		"CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13")
	if got := key.Uncompressed(); !bytes.Equal(got, wantXY) {
		t.Errorf("uncompressed = %x, want %x", got, wantXY)
	}
}

func TestSM3Vectors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		if got := sm3.Sum([]byte(in)); hex.EncodeToString(got[:]) != want {
			t.Errorf("SM3(%q) = %x, want %s", in, got, want)
		}
	}
}

func TestSM4Vectors(t *testing.T) {
	t.Parallel()
	key := unhex(t, "0123456789abcdeffedcba9876543210")
	block, err := sm4.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.Clone(key)
	block.Encrypt(got, got)
	if want := "681edf34d206965e86b3e94f536e4246"; hex.EncodeToString(got) != want {
		t.Errorf("one round = %x, want %s", got, want)
	}
	for range 999_999 {
		block.Encrypt(got, got)
	}
	if want := "595298c7c6fd271f0402f804c33d3f66"; hex.EncodeToString(got) != want {
		t.Errorf("a million rounds = %x, want %s", got, want)
	}
}

func TestSelfTests(t *testing.T) {
	t.Parallel()
	if err := errors.Join(pki.SelfTest(), second.SelfTest()); err != nil {
		t.Error(err)
	}
}

// TestBothWays: what one implementation signs the other accepts, and both refuse
// the same changes.
func TestBothWays(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	for i := range 50 {
		msg := bytes.Repeat([]byte{byte(i)}, i)
		sig, err := key.Sign(msg)
		if err != nil {
			t.Fatal(err)
		}
		if o := pki.Unanimous(key.Public(), msg, sig, second.Opinion{}); o != pki.Good {
			t.Fatalf("Unanimous = %v for a good signature, want Good", o)
		}
		for _, bit := range []int{0, 255, 256, 511} {
			wrong := sig
			wrong[bit/8] ^= 1 << (bit % 8)
			if o := pki.Judge(key.Public(), msg, wrong, second.Opinion{}); o != pki.Bad {
				t.Errorf("Judge = %v with bit %d flipped, want Bad", o, bit)
			}
		}
		if key.Public().Verify(append(msg, 0), sig) {
			t.Error("a longer message is accepted")
		}
	}
}

// TestDegenerateSignatures: r and s that any verifier must refuse.
func TestDegenerateSignatures(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	msg := []byte("m")
	good, err := key.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	n := pki.Order()
	r, s := new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])
	sub := func(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }
	add := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
	one := big.NewInt(1)
	for _, tt := range []struct {
		name       string
		r, s       *big.Int
		wellFormed bool
	}{
		{"r = 0", new(big.Int), s, false},
		{"s = 0", r, new(big.Int), false},
		{"r = n", n, s, false},
		{"s = n", r, n, false},
		{"r = n + 1", add(n, one), s, false},
		{"s = n - r: t = 0", r, sub(n, r), false},
		{"s = n - s", r, sub(n, s), true},
		{"r = n - r", sub(n, r), s, true},
		{"exchanged", s, r, true},
		{"r = 1, s = 1", one, one, true},
		{"r = n - 1, s = n - 1", sub(n, one), sub(n, one), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var sig pki.Signature
			tt.r.FillBytes(sig[:32])
			tt.s.FillBytes(sig[32:])
			if got := sig.WellFormed(); got != tt.wellFormed {
				t.Errorf("WellFormed = %v, want %v", got, tt.wellFormed)
			}
			if key.Public().Verify(msg, sig) {
				t.Error("accepted")
			}
			if o := pki.Judge(key.Public(), msg, sig, second.Opinion{}); o != pki.Bad {
				t.Errorf("Judge = %v, want Bad", o)
			}
		})
	}
}

func TestAnotherUserID(t *testing.T) {
	t.Parallel()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"8765432187654321", "ALICE123@YAHOO.COM"} {
		der, err := private.Sign(rand.Reader, []byte("m"), sm2.NewSM2SignerOption(true, []byte(id)))
		if err != nil {
			t.Fatal(err)
		}
		sig, err := pki.ParseSignatureDER(der)
		if err != nil {
			t.Fatal(err)
		}
		if key.Verify([]byte("m"), sig) {
			t.Errorf("a signature under the user ID %s is accepted", id)
		}
	}
}

func TestSignatureDER(t *testing.T) {
	t.Parallel()
	one := append(make([]byte, 31), 1)
	sig := pki.Signature(append(one, append(make([]byte, 31), 0x80)...))
	const want = "300702010102020080"
	if got := hex.EncodeToString(sig.DER()); got != want {
		t.Errorf("DER = %s, want %s", got, want)
	}
	back, err := pki.ParseSignatureDER(sig.DER())
	if err != nil || back != sig {
		t.Errorf("ParseSignatureDER = %x, %v, want %x", back, err, sig)
	}
	for name, bad := range map[string]string{
		"empty":               "",
		"negative r":          "30060201ff020101",
		"padded s":            "30080201010203000001",
		"trailing inside":     "3009020101020101020101",
		"trailing behind":     "300602010102010100",
		"indefinite length":   "30800201010201010000",
		"long-form length":    "308106020101020101",
		"one integer":         "3003020101",
		"too long an integer": "3026020101" + "0221" + strings.Repeat("7f", 33),
		"octet string":        "3006020101040101",
	} {
		if sig, err := pki.ParseSignatureDER(unhex(t, bad)); !errors.Is(err, pki.ErrBadSignature) {
			t.Errorf("%s: ParseSignatureDER(%s) = %x, %v, want ErrBadSignature", name, bad, sig, err)
		}
	}
}

func TestParsePoint(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t).Public()
	point := key.Point()
	back, err := pki.ParsePoint(point[:])
	if err != nil || !back.Equal(key) || back.KID() != key.KID() {
		t.Errorf("ParsePoint gives another key: %v", err)
	}
	spki, err := pki.ParseSPKI(key.SPKI())
	if err != nil || !spki.Equal(key) {
		t.Errorf("ParseSPKI gives another key: %v", err)
	}
	uncompressed := key.Uncompressed()
	offCurve := bytes.Clone(point[:])
	for { // half of all x have no point
		offCurve[32]++
		if _, err := pki.ParsePoint(offCurve); err != nil {
			break
		}
	}
	for name, bad := range map[string][]byte{
		"empty":           nil,
		"short":           point[:32],
		"uncompressed":    uncompressed,
		"infinity":        {0},
		"33 zeros":        make([]byte, 33),
		"bad prefix":      append([]byte{4}, point[1:]...),
		"off the curve":   offCurve,
		"x not below p":   append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...),
		"trailing byte":   append(point[:], 0),
		"hybrid encoding": append([]byte{6}, uncompressed[1:]...),
	} {
		if _, err := pki.ParsePoint(bad); !errors.Is(err, pki.ErrBadPoint) {
			t.Errorf("%s: ParsePoint(%x) = %v, want ErrBadPoint", name, bad, err)
		}
	}
	badSPKI := key.SPKI()
	badSPKI[len(badSPKI)-1] ^= 1
	if _, err := pki.ParseSPKI(badSPKI); !errors.Is(err, pki.ErrBadPoint) {
		t.Errorf("ParseSPKI off the curve = %v, want ErrBadPoint", err)
	}
	p256 := unhex(t, "3059301306072a8648ce3d020106082a8648ce3d030107034200")
	if _, err := pki.ParseSPKI(append(p256, uncompressed...)); !errors.Is(err, pki.ErrBadPoint) {
		t.Errorf("ParseSPKI on P-256 = %v, want ErrBadPoint", err)
	}
}

// opinion is a second opinion that always answers the same.
type opinion struct {
	accepts bool
	err     error
}

func (o opinion) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return o.accepts, o.err }

func TestOutcomes(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	good, err := key.Sign([]byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	bad := good
	bad[63] ^= 1
	yes, no, busy := opinion{accepts: true}, opinion{}, opinion{err: pki.ErrBusy}
	for _, tt := range []struct {
		name             string
		sig              pki.Signature
		second           pki.SecondOpinion
		judge, unanimous pki.Outcome
	}{
		{"both accept", good, yes, pki.Good, pki.Good},
		{"both refuse", bad, no, pki.Bad, pki.Bad},
		{"only the fast one accepts", good, no, pki.Good, pki.Disagree},
		{"only the second accepts", bad, yes, pki.Disagree, pki.Disagree},
		{"good, second busy", good, busy, pki.Good, pki.Busy},
		{"refused, second busy", bad, busy, pki.Busy, pki.Busy},
		{"good, no second", good, nil, pki.Good, pki.Good},
		{"refused, no second", bad, nil, pki.Bad, pki.Bad},
		{"not well formed, whatever the second says", pki.Signature{}, yes, pki.Bad, pki.Bad},
	} {
		if got := pki.Judge(key.Public(), []byte("m"), tt.sig, tt.second); got != tt.judge {
			t.Errorf("%s: Judge = %v, want %v", tt.name, got, tt.judge)
		}
		if got := pki.Unanimous(key.Public(), []byte("m"), tt.sig, tt.second); got != tt.unanimous {
			t.Errorf("%s: Unanimous = %v, want %v", tt.name, got, tt.unanimous)
		}
	}
	if err := pki.Disagree.Err(errors.New("bad")); !errors.Is(err, pki.ErrDisagree) {
		t.Errorf("Disagree.Err = %v", err)
	}
}

// TestLimitedOpinion runs in a time of its own, in which an answer takes none: a slow
// machine would earn a new budget while it verifies.
func TestLimitedOpinion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limited := second.NewLimited(2)
		s := pki.Samples()[0]
		for _, wait := range []time.Duration{0, time.Second} {
			time.Sleep(wait)
			for i := range 2 {
				if ok, err := limited.Verify(s.Point, s.Message, s.Signature); !ok || err != nil {
					t.Fatalf("answer %d after %v = %v, %v, want true", i, wait, ok, err)
				}
			}
			if _, err := limited.Verify(s.Point, s.Message, s.Signature); !errors.Is(err, pki.ErrBusy) {
				t.Errorf("answer beyond the budget after %v = %v, want ErrBusy", wait, err)
			}
		}
	})
}

func FuzzParseSignatureDER(f *testing.F) {
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	s := pki.Samples()[0].Signature
	f.Add(s.DER())
	f.Fuzz(func(t *testing.T, der []byte) {
		sig, err := pki.ParseSignatureDER(der)
		if err != nil {
			return
		}
		if !bytes.Equal(sig.DER(), der) {
			t.Errorf("accepted %x, which is not the one encoding of %x", der, sig)
		}
	})
}
