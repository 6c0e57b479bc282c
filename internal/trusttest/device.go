package trusttest

import (
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
)

// Device is a holder's device in software.
type Device struct {
	Key  *qr.DeviceKey
	Sign pkitest.RawSigner
}

// NewDevice returns a device with a new key.
func NewDevice(tb testing.TB, algorithm qr.DeviceAlgorithm) *Device {
	tb.Helper()
	newSigner := pkitest.NewSM2Signer
	if algorithm == qr.DeviceP256 {
		newSigner = pkitest.NewP256Signer
	}
	point, sign := newSigner(tb)
	key, err := qr.ParseDeviceKey(algorithm, point)
	if err != nil {
		tb.Fatal(err)
	}
	return &Device{key, sign}
}

// Present signs a presentation and returns its digits.
func (d *Device) Present(tb testing.TB, credential []byte, at time.Time, challenge *qr.Challenge) string {
	tb.Helper()
	p := &qr.Presentation{Credential: credential, At: at, Challenge: challenge}
	message, err := p.ToBeSigned()
	if err != nil {
		tb.Fatal(err)
	}
	b, err := p.Assemble(d.Sign(message))
	if err != nil {
		tb.Fatal(err)
	}
	return digits(tb, qr.KindHolder, b)
}

// ForDevice returns a valid driving licence's credential for a device, signed at a
// time.
func (d *Domain) ForDevice(signedAt time.Time, device *Device) *qr.Credential {
	c := d.Credential(signedAt)
	c.Device, c.Expires, c.Summary.Status = device.Key, signedAt.Add(qr.MaxDeviceLife), 1<<32|78
	return c
}

// SignedForDevice signs a credential for a device with a key.
func SignedForDevice(tb testing.TB, c *qr.Credential, key *pki.Key) []byte {
	tb.Helper()
	b, err := c.SignForDevice(key)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Shown returns a code of kind 3 of a valid driving licence, made at a time.
func (d *Domain) Shown(at time.Time, choice qr.Choice) *qr.Shown {
	return &qr.Shown{SignedAt: at, Expires: at.Add(qr.MaxShownLife), Chosen: d.Credential(at).Summary.Choose(choice)}
}

// ShownCode signs a code of kind 3 with a key and returns its digits.
func ShownCode(tb testing.TB, s *qr.Shown, key *pki.Key) string {
	tb.Helper()
	b, err := s.Sign(key)
	if err != nil {
		tb.Fatal(err)
	}
	return digits(tb, qr.KindService, b)
}

func digits(tb testing.TB, kind qr.Kind, b []byte) string {
	tb.Helper()
	text, err := qr.Encode(kind, b)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
