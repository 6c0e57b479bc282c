package cosign

import (
	"crypto/rand"
	"fmt"

	"github.com/elicence/elicence/pki"
)

// EnrolRequest is the device's message when a key is made.
type EnrolRequest struct {
	_     struct{}  `cbor:",toarray"`
	Point pki.Point // d1⁻¹·G
	Proof Proof
}

// Enrolling is a device that has sent its request.
type Enrolling struct{ d1 scalar }

// Device is the person's half of a key.
type Device struct {
	d1     scalar
	public *pki.PublicKey
}

// Service is the service's half of a key.
type Service struct {
	d2     scalar
	public *pki.PublicKey
}

// NewDevice draws the person's half and returns the request for the service.
// The context names the enrolment; both sides must give the same.
func NewDevice(context []byte) (*Enrolling, EnrolRequest, error) {
	d1, err := randomScalar()
	if err != nil {
		return nil, EnrolRequest{}, err
	}
	inverse := d1.inverse()
	proof, err := prove(enrolContext(context), inverse)
	if err != nil {
		return nil, EnrolRequest{}, err
	}
	return &Enrolling{d1}, EnrolRequest{Point: baseMult(inverse).compress(), Proof: proof}, nil
}

func enrolContext(context []byte) []byte { return append([]byte("enrol\x00"), context...) }

func randomScalar() (scalar, error) {
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return scalar{}, fmt.Errorf("drawing randomness: %w", err)
	}
	return derive(seed, "half")
}

// NewService draws the service's half for a device's request and fixes the
// public key P = d2⁻¹·(d1⁻¹·G) − G.
func NewService(context []byte, request EnrolRequest) (*Service, error) {
	if err := request.Proof.check(enrolContext(context), request.Point); err != nil {
		return nil, fmt.Errorf("enrolling a device: %w", err)
	}
	p1, err := parsePoint(request.Point)
	if err != nil {
		return nil, fmt.Errorf("enrolling a device: %w", err)
	}
	d2, err := randomScalar()
	if err != nil {
		return nil, err
	}
	p := p1.mult(d2.inverse()).minusG()
	if p.isInfinity() {
		return nil, fmt.Errorf("enrolling a device: the public key is at infinity: %w", ErrMessage)
	}
	compressed := p.compress()
	public, err := pki.ParsePoint(compressed[:])
	if err != nil {
		return nil, fmt.Errorf("enrolling a device: %w", err)
	}
	return &Service{d2, public}, nil
}

// Finish completes the device with the public key that the service answered.
// Whether the two halves belong together shows at the first joint signature.
func (e *Enrolling) Finish(public *pki.PublicKey) *Device {
	return &Device{e.d1, public}
}

// Public returns the joint public key.
func (s *Service) Public() *pki.PublicKey { return s.public }

// Public returns the joint public key.
func (d *Device) Public() *pki.PublicKey { return d.public }

// Bytes returns the service's half for the key store, which encrypts it: the
// point, then d2.
func (s *Service) Bytes() []byte {
	p := s.public.Point()
	return append(p[:], s.d2.bytes()...)
}

// ParseService is the inverse of [Service.Bytes].
func ParseService(b []byte) (*Service, error) {
	if len(b) != pki.PointSize+scalarSize {
		return nil, fmt.Errorf("service's half of %d bytes: %w", len(b), ErrMessage)
	}
	public, err := pki.ParsePoint(b[:pki.PointSize])
	if err != nil {
		return nil, fmt.Errorf("service's half: %w", err)
	}
	d2, err := parseScalar(b[pki.PointSize:])
	if err != nil {
		return nil, fmt.Errorf("service's half: %w", err)
	}
	if d2.isZero() {
		return nil, fmt.Errorf("service's half is zero: %w", ErrMessage)
	}
	return &Service{d2, public}, nil
}
