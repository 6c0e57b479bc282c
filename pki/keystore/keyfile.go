package keystore

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
)

// kind is what a key file protects.
type kind string

const (
	kindSigner kind = "sm2"            // the private key d, 32 bytes
	kindDevice kind = "sm2-device"     // what a device wants before it signs
	kindSecret kind = "secret"         // a symmetric secret, 32 bytes
	kindHalf   kind = "cosign-service" // as cosign.Service.Bytes
)

// keyFile is one key at rest. Everything but the ciphertext is its associated
// data.
type keyFile struct {
	Version    uint64  `cbor:"1,keyasint"`
	Purpose    Purpose `cbor:"2,keyasint"`
	Name       string  `cbor:"3,keyasint"`
	Kind       kind    `cbor:"4,keyasint"`
	Point      []byte  `cbor:"5,keyasint,omitempty"`
	Created    int64   `cbor:"6,keyasint"` // Unix seconds
	Generation uint64  `cbor:"7,keyasint"` // of the master key
	Device     string  `cbor:"8,keyasint,omitempty"`
	Ref        string  `cbor:"9,keyasint,omitempty"`
	Nonce      []byte  `cbor:"10,keyasint"`
	Ciphertext []byte  `cbor:"11,keyasint"`
}

const (
	maxKeyFile = 4096
	tagSize    = 16
)

func (f keyFile) associated(store ID) ([]byte, error) {
	f.Ciphertext = nil
	b, err := detcbor.Marshal(f)
	if err != nil {
		return nil, err
	}
	return append(store[:], b...), nil
}

// seal encrypts a secret into the file and returns the file. A master key is used
// for one file a name, with a new nonce each time.
func (f keyFile) seal(m []byte, store ID, gmOnly bool, secret []byte) ([]byte, error) {
	f.Nonce = make([]byte, nonceSize)
	if _, err := rand.Read(f.Nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	associated, err := f.associated(store)
	if err != nil {
		return nil, err
	}
	aead, err := newGCM(derive(m, "elicence/keystore/key/2", store, gmOnly, string(f.Purpose), f.Name))
	if err != nil {
		return nil, err
	}
	f.Ciphertext = aead.Seal(nil, f.Nonce, secret, associated)
	return detcbor.Marshal(f)
}

// open decrypts the secret. The caller clears it.
func (f keyFile) open(m []byte, store ID, gmOnly bool) ([]byte, error) {
	associated, err := f.associated(store)
	if err != nil {
		return nil, err
	}
	aead, err := newGCM(derive(m, "elicence/keystore/key/2", store, gmOnly, string(f.Purpose), f.Name))
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, f.Nonce, f.Ciphertext, associated)
	if err != nil {
		return nil, ErrDamaged
	}
	return secret, nil
}

// parseKeyFile decodes a key file without opening it. The error wraps
// [ErrDamaged] unless the file is of another version.
func parseKeyFile(b []byte) (keyFile, error) {
	var f keyFile
	if len(b) > maxKeyFile {
		return keyFile{}, fmt.Errorf("the file has %d bytes, at most %d are expected: %w", len(b), maxKeyFile, ErrDamaged)
	}
	if err := detcbor.Unmarshal(b, &f); err != nil {
		return keyFile{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if f.Version != version {
		return keyFile{}, fmt.Errorf("the file has version %d, this program knows version %d", f.Version, version)
	}
	if err := f.check(); err != nil {
		return keyFile{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return f, nil
}

func (f keyFile) check() error {
	if err := checkName(f.Purpose, f.Name); err != nil {
		return err
	}
	switch f.Kind {
	case kindSigner, kindDevice, kindHalf:
		if _, err := pki.ParsePoint(f.Point); err != nil {
			return fmt.Errorf("the public point: %w", err)
		}
	case kindSecret:
		if len(f.Point) != 0 {
			return errors.New("a symmetric secret has a public point")
		}
	default:
		return fmt.Errorf("%q is not a kind of key", f.Kind)
	}
	inDevice := f.Kind == kindDevice
	switch {
	case (f.Device != "") != inDevice || (f.Ref != "") != inDevice:
		return errors.New("the device is missing or out of place")
	case len(f.Device) > maxLabel || len(f.Ref) > maxLabel:
		return errors.New("the device's name is too long")
	case f.Generation < 1 || f.Created < 0:
		return errors.New("generation or time is missing")
	case len(f.Nonce) != nonceSize:
		return fmt.Errorf("the nonce has %d bytes, want %d", len(f.Nonce), nonceSize)
	case len(f.Ciphertext) < tagSize:
		return errors.New("the ciphertext is cut off")
	}
	return nil
}
