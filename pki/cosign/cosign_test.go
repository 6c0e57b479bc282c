package cosign

import (
	"bytes"
	"errors"
	"math/big"
	"testing"
	"testing/cryptotest"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
)

func enrol(tb testing.TB) (*Device, *Service) {
	tb.Helper()
	enrolling, request, err := NewDevice([]byte("enrolment 1"))
	if err != nil {
		tb.Fatal(err)
	}
	service, err := NewService([]byte("enrolment 1"), request)
	if err != nil {
		tb.Fatal(err)
	}
	return enrolling.Finish(service.Public()), service
}

func jointly(tb testing.TB, d *Device, s *Service, message []byte) (pki.Signature, error) {
	tb.Helper()
	pending, commitment, err := d.Begin([]byte("request 1"), message)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := s.Answer([]byte("request 1"), message, commitment)
	if err != nil {
		tb.Fatal(err)
	}
	return pending.Finish(answer)
}

// TestJointSignature: the result is an ordinary SM2 signature for both
// independent implementations.
func TestJointSignature(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	for range 20 {
		message := []byte("a document")
		sig, err := jointly(t, d, s, message)
		if err != nil {
			t.Fatal(err)
		}
		if !sm2.VerifyASN1WithSM2(d.Public().ECDSA(), nil, message, sig.DER()) {
			t.Error("the working implementation refuses the joint signature")
		}
		if ok, err := (second.Opinion{}).Verify(d.Public().Point(), message, sig); !ok || err != nil {
			t.Error("the second opinion refuses the joint signature")
		}
	}
}

// TestPublicKey: 1 + d = (d1·d2)⁻¹ gives P = d·G.
func TestPublicKey(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	sum := d.d1.mul(s.d2).inverse()
	private := new(big.Int).Sub(new(big.Int).SetBytes(sum.bytes()), big.NewInt(1))
	key, err := sm2.NewPrivateKeyFromInt(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := pki.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if !public.Equal(d.Public()) {
		t.Errorf("public key %s, want %s", d.Public().Point(), public.Point())
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	other, _ := enrol(t)
	message, context := []byte("a document"), []byte("request 1")
	_, good, err := d.Begin(context, message)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := d.Begin(context, message)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		message []byte
		context []byte
		change  func(*Commitment)
		want    error
	}{
		{"another document at the service", []byte("b document"), context, func(*Commitment) {}, ErrDigest},
		{"another request", message, []byte("request 2"), func(*Commitment) {}, ErrProof},
		{"another point", message, context, func(c *Commitment) { c.Point = second.Point }, ErrProof},
		{"another proof", message, context, func(c *Commitment) { c.Proof = second.Proof }, ErrProof},
		{"the service's own key as the point", message, context, func(c *Commitment) { c.Point = other.Public().Point() }, ErrProof},
		{"a point off the curve", message, context, func(c *Commitment) { c.Point = pki.Point{2, 31: 5, 32: 5} }, ErrMessage},
		{"no point", message, context, func(c *Commitment) { c.Point = pki.Point{} }, ErrMessage},
		{"short proof", message, context, func(c *Commitment) { c.Proof.Z = c.Proof.Z[1:] }, ErrMessage},
		{"proof not below the order", message, context, func(c *Commitment) { c.Proof.Z = bytes.Repeat([]byte{0xff}, 32) }, ErrMessage},
		{"zero proof", message, context, func(c *Commitment) { c.Proof.Z = make([]byte, 32) }, ErrProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := good
			tt.change(&c)
			if _, err := s.Answer(tt.context, tt.message, c); !errors.Is(err, tt.want) {
				t.Errorf("Answer = %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := s.Answer(context, message, good); err != nil {
		t.Errorf("the unchanged commitment is refused: %v", err)
	}
}

func TestWrongAnswersReleaseNothing(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	_, stranger := enrol(t)
	message := []byte("a document")
	for _, tt := range []struct {
		name   string
		change func(*Answer)
		want   error
	}{
		{"bit of r", func(a *Answer) { a.R[31] ^= 1 }, ErrResult},
		{"bit of s1", func(a *Answer) { a.S1[31] ^= 1 }, ErrResult},
		{"s1 not reduced", func(a *Answer) { a.S1 = bytes.Repeat([]byte{0xff}, 32) }, ErrMessage},
		{"short r", func(a *Answer) { a.R = a.R[1:] }, ErrMessage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pending, commitment, err := d.Begin(nil, message)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := s.Answer(nil, message, commitment)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(&answer)
			if sig, err := pending.Finish(answer); !errors.Is(err, tt.want) || sig != (pki.Signature{}) {
				t.Errorf("Finish = %x, %v, want nothing and %v", sig, err, tt.want)
			}
			if _, err := pending.Finish(answer); !errors.Is(err, ErrUsed) {
				t.Errorf("second Finish = %v, want ErrUsed", err)
			}
		})
	}
	t.Run("another person's half at the service", func(t *testing.T) {
		t.Parallel()
		impostor := &Service{stranger.d2, d.Public()}
		if _, err := jointly(t, d, impostor, message); !errors.Is(err, ErrResult) {
			t.Errorf("Finish = %v, want ErrResult", err)
		}
	})
}

// TestRefresh: both halves can be changed without a new public key.
func TestRefresh(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	a, err := randomScalar()
	if err != nil {
		t.Fatal(err)
	}
	d2, s2 := &Device{d.d1.mul(a), d.public}, &Service{s.d2.mul(a.inverse()), s.public}
	if _, err := jointly(t, d2, s2, []byte("m")); err != nil {
		t.Errorf("refreshed halves: %v", err)
	}
	if _, err := jointly(t, d, s2, []byte("m")); !errors.Is(err, ErrResult) {
		t.Errorf("an old half with a new one: %v, want ErrResult", err)
	}
}

func TestNoncesDiffer(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	_, c, err := d.Begin(nil, []byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for range 50 {
		a, err := s.Answer(nil, []byte("m"), c)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(a.R)] {
			t.Fatal("the service used a nonce twice for the same commitment")
		}
		seen[string(a.R)] = true
	}
}

// TestNoncesAreHedged: where the random source repeats itself, as that of a cloned
// machine does, another message still gets another nonce, on both sides.
func TestNoncesAreHedged(t *testing.T) { // not parallel: the random source is everybody's
	d, s := enrol(t)
	nonces := func(message string) (device pki.Point, service string) {
		t.Helper()
		cryptotest.SetGlobalRandom(t, 1)
		_, c, err := d.Begin(nil, []byte(message))
		if err != nil {
			t.Fatal(err)
		}
		cryptotest.SetGlobalRandom(t, 2)
		a, err := s.Answer(nil, []byte(message), c)
		if err != nil {
			t.Fatal(err)
		}
		r, errR := parseScalar(a.R)
		s1, errS := parseScalar(a.S1)
		if err := errors.Join(errR, errS); err != nil {
			t.Fatal(err)
		}
		return c.Point, string(s1.mul(s.d2.inverse()).sub(r).bytes()) // w2 = d2⁻¹·s1 − r
	}
	device, service := nonces("a")
	if again, serviceAgain := nonces("a"); again != device || serviceAgain != service {
		t.Fatal("the random source does not repeat itself: this test shows nothing")
	}
	other, serviceOther := nonces("b")
	if other == device {
		t.Error("the device used a nonce twice")
	}
	if serviceOther == service {
		t.Error("the service used a nonce twice")
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	salt := bytes.Repeat([]byte{7}, SaltSize)
	masked, err := d.Mask([]byte("135790"), salt)
	if err != nil {
		t.Fatal(err)
	}
	right, err := masked.Unmask([]byte("135790"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jointly(t, right, s, []byte("m")); err != nil {
		t.Errorf("right PIN: %v", err)
	}
	wrong, err := masked.Unmask([]byte("135791"))
	if err != nil {
		t.Fatalf("a wrong PIN shows before the service has answered: %v", err)
	}
	if _, err := jointly(t, wrong, s, []byte("m")); !errors.Is(err, ErrResult) {
		t.Errorf("wrong PIN: %v, want ErrResult", err)
	}
}

func TestServiceBytes(t *testing.T) {
	t.Parallel()
	d, s := enrol(t)
	again, err := ParseService(s.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jointly(t, d, again, []byte("m")); err != nil {
		t.Errorf("half after storing: %v", err)
	}
	for _, bad := range [][]byte{nil, s.Bytes()[1:], make([]byte, 65), append(s.Bytes()[:33], make([]byte, 32)...)} {
		if _, err := ParseService(bad); err == nil {
			t.Errorf("ParseService(%x) succeeds", bad)
		}
	}
}

func TestEnrolRefusesBorrowedPoints(t *testing.T) {
	t.Parallel()
	_, request, err := NewDevice([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewService([]byte("b"), request); !errors.Is(err, ErrProof) {
		t.Errorf("request of another enrolment: %v, want ErrProof", err)
	}
	d, _ := enrol(t)
	request.Point = d.Public().Point()
	if _, err := NewService([]byte("a"), request); !errors.Is(err, ErrProof) {
		t.Errorf("somebody else's point: %v, want ErrProof", err)
	}
}
