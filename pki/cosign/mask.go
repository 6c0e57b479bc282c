package cosign

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/argon2"

	"github.com/elicence/elicence/pki"
)

// SaltSize is the length in bytes of the salt of a masked half.
const SaltSize = 16

// Masked is the device's half as it is stored: d1 + KDF(PIN, salt) mod n.
// Nothing in it tells a right PIN from a wrong one.
type Masked struct {
	_      struct{} `cbor:",toarray"`
	Point  pki.Point
	Salt   []byte
	Masked []byte // 32 bytes
}

// Mask hides the half under a PIN and a fresh salt of [SaltSize] bytes.
func (d *Device) Mask(pin, salt []byte) (Masked, error) {
	pad, err := stretch(pin, salt)
	if err != nil {
		return Masked{}, err
	}
	return Masked{Point: d.public.Point(), Salt: salt, Masked: d.d1.add(pad).bytes()}, nil
}

// Unmask returns the half that a PIN opens. A wrong PIN opens a wrong half,
// which only a signing run shows.
func (m Masked) Unmask(pin []byte) (*Device, error) {
	public, err := pki.ParsePoint(m.Point[:])
	if err != nil {
		return nil, fmt.Errorf("masked half: %w", err)
	}
	masked, err := parseScalar(m.Masked)
	if err != nil {
		return nil, fmt.Errorf("masked half: %w", err)
	}
	pad, err := stretch(pin, m.Salt)
	if err != nil {
		return nil, err
	}
	return &Device{masked.sub(pad), public}, nil
}

// stretch turns a PIN into a number below n: argon2id, 3 passes over 64 MiB,
// then HMAC-SM3 under its result until a value is below n.
func stretch(pin, salt []byte) (scalar, error) {
	if len(salt) != SaltSize {
		return scalar{}, fmt.Errorf("salt of %d bytes, want %d: %w", len(salt), SaltSize, ErrMessage)
	}
	seed := argon2.IDKey(pin, salt, 3, 64<<10, 4, 32)
	for counter := uint32(0); ; counter++ {
		mac := hmac.New(sm3.New, seed)
		mac.Write(binary.BigEndian.AppendUint32([]byte("pin mask"), counter))
		if pad, err := parseScalar(mac.Sum(nil)); err == nil {
			return pad, nil
		}
	}
}
