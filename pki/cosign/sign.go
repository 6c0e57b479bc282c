package cosign

import (
	"fmt"

	"github.com/elicence/elicence/pki"
)

// Commitment is the device's message of a signing run.
type Commitment struct {
	_      struct{}  `cbor:",toarray"`
	Digest [32]byte  // e = SM3(ZA ‖ M), as the device computed it
	Point  pki.Point // Q1 = w1·G
	Proof  Proof
}

// Answer is the service's message of a signing run.
type Answer struct {
	_  struct{} `cbor:",toarray"`
	R  []byte   // r, 32 bytes
	S1 []byte   // d2·(r + w2), 32 bytes
}

// Pending is a signing run of which the device has sent its message.
type Pending struct {
	device *Device
	digest [32]byte
	w1     scalar
	used   bool
}

// Begin starts a signing run over the message M that the device holds. The
// context names the signing request; both sides must give the same.
func (d *Device) Begin(context, message []byte) (*Pending, Commitment, error) {
	e := d.public.Digest(message)
	w1, err := derive(d.d1.bytes(), "device nonce", context, e[:])
	if err != nil {
		return nil, Commitment{}, err
	}
	proof, err := prove(signContext(context, e), w1)
	if err != nil {
		return nil, Commitment{}, err
	}
	return &Pending{device: d, digest: e, w1: w1}, Commitment{Digest: e, Point: baseMult(w1).compress(), Proof: proof}, nil
}

func signContext(context []byte, e [32]byte) []byte {
	return append(append([]byte("sign\x00"), e[:]...), context...)
}

// Answer gives the service's part for the message M that the service itself has
// before it. The caller counts the try on the disk before it calls, and checks
// that the request is live. A commitment to another digest is [ErrDigest].
func (s *Service) Answer(context, message []byte, c Commitment) (Answer, error) {
	e := s.public.Digest(message)
	if c.Digest != e {
		return Answer{}, ErrDigest
	}
	if err := c.Proof.check(signContext(context, e), c.Point); err != nil {
		return Answer{}, fmt.Errorf("answering a commitment: %w", err)
	}
	q1, err := parsePoint(c.Point)
	if err != nil {
		return Answer{}, fmt.Errorf("answering a commitment: %w", err)
	}
	for {
		w2, err := derive(s.d2.bytes(), "service nonce", context, e[:], c.Point[:])
		if err != nil {
			return Answer{}, err
		}
		q := baseMult(w2).plus(q1.mult(s.d2.inverse()))
		if q.isInfinity() {
			continue
		}
		var x [32]byte
		q.x.FillBytes(x[:])
		r := reduce(e).add(reduce(x))
		s1 := s.d2.mul(r.add(w2))
		if r.isZero() || s1.isZero() {
			continue
		}
		return Answer{R: r.bytes(), S1: s1.bytes()}, nil
	}
}

// Finish completes the signature and verifies it. A result that does not verify
// is [ErrResult] and is not released. A run can be finished once.
func (p *Pending) Finish(a Answer) (pki.Signature, error) {
	if p.used {
		return pki.Signature{}, ErrUsed
	}
	p.used = true
	r, err := parseScalar(a.R)
	if err != nil {
		return pki.Signature{}, fmt.Errorf("service's answer: %w", err)
	}
	s1, err := parseScalar(a.S1)
	if err != nil {
		return pki.Signature{}, fmt.Errorf("service's answer: %w", err)
	}
	s := p.device.d1.mul(s1.add(p.w1)).sub(r)
	var sig pki.Signature
	copy(sig[:32], r.bytes())
	copy(sig[32:], s.bytes())
	// A wrong PIN gives a wrong s here, and this is where it shows.
	if !p.device.public.VerifyDigest(p.digest, sig) {
		return pki.Signature{}, ErrResult
	}
	return sig, nil
}
