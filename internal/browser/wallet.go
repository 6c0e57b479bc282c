package browser

import (
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
)

// Presentation is a licence about to be shown: the device's key, on P-256, is with the
// page, which lends its signature and cannot read it.
type Presentation struct {
	Credential []byte
	At         time.Time // whole seconds
	Question   string    // what the camera read of the hall's code; empty: no hall asks
}

// ToSign returns the bytes that the device signs. The error wraps [qr.ErrMalformed].
func (p Presentation) ToSign() ([]byte, error) {
	whole, err := p.whole()
	if err != nil {
		return nil, err
	}
	return whole.ToBeSigned()
}

// Code returns the digits to show, from the device's raw signature in either of its two
// forms. The error wraps [qr.ErrMalformed].
func (p Presentation) Code(signature []byte) (string, error) {
	whole, err := p.whole()
	if err != nil {
		return "", err
	}
	sig, err := pki.ParseSignature(signature)
	if err != nil {
		return "", err
	}
	b, err := whole.Assemble(sig)
	if err != nil {
		return "", err
	}
	return qr.Encode(qr.KindHolder, b)
}

func (p Presentation) whole() (*qr.Presentation, error) {
	whole := &qr.Presentation{Credential: p.Credential, At: p.At}
	if p.Question == "" {
		return whole, nil
	}
	question, err := qr.ParseChallenge(qr.Scanned(p.Question))
	if err != nil {
		return nil, err
	}
	whole.Challenge = question
	return whole, nil
}

// Hall returns the name of the hall that asks, for the holder to see before the phone
// answers. The error wraps [qr.ErrMalformed].
func Hall(question string) (string, error) {
	c, err := qr.ParseChallenge(qr.Scanned(question))
	if err != nil {
		return "", err
	}
	return c.Hall, nil
}

// NormalSignature brings a raw signature of a P-256 key, a compressed point, into the
// form with s ≤ n/2, which alone is accepted: browsers give either.
func NormalSignature(point, signature []byte) ([]byte, error) {
	key, err := qr.ParseDeviceKey(qr.DeviceP256, point)
	if err != nil {
		return nil, err
	}
	sig, err := pki.ParseSignature(signature)
	if err != nil {
		return nil, err
	}
	sig = key.Normal(sig)
	return sig[:], nil
}
