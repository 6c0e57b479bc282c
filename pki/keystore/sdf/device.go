package sdf

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
)

// Key is a signing key that the device's management has made.
type Key struct {
	Index    uint32 // 1…
	Password []byte // for SDF_GetPrivateKeyAccessRight; nil: the device wants none
}

// Config says which keys of a device may be used.
type Config struct {
	Library Library
	// Keys may be taken into use, in this order.
	Keys []Key
	// KEK is the index of the key-encryption key inside the device that wraps a
	// store's; 0: none.
	KEK uint32
	// Sessions is how many signatures may be under way at once; 0: 4.
	Sessions int
}

// Device is an open device. It is safe for concurrent use.
type Device struct {
	name     string
	keys     []Key
	kek      uint32
	library  Library
	sessions sessions
}

const defaultSessions = 4

// Open asks the device for its name. The caller closes the device; the library is
// then closed too.
func Open(c Config) (*Device, error) {
	n := c.Sessions
	if n <= 0 {
		n = defaultSessions
	}
	d := &Device{keys: slices.Clone(c.Keys), kek: c.KEK, library: c.Library, sessions: sessions{inUse: make(chan struct{}, n)}}
	var info DeviceInfo
	err := d.with(func(s *session) error {
		var err error
		info, err = s.DeviceInfo()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening the SDF device: %w", err)
	}
	issuer, serial := text(info.Issuer[:]), text(info.Serial[:])
	if serial == "" {
		return nil, errors.New("opening the SDF device: it has no serial number")
	}
	d.name = "sdf:" + issuer + "/" + serial
	return d, nil
}

func text(padded []byte) string { return string(bytes.TrimRight(padded, " \x00")) }

// Name is "sdf:", the device's issuer and its serial number.
func (d *Device) Name() string { return d.name }

// Close closes the sessions and the device. Nobody may be using it.
func (d *Device) Close() error {
	return errors.Join(d.sessions.close(), d.library.Close())
}

// MakeSigner answers the first of the keys that is not taken.
func (d *Device) MakeSigner(_ keystore.Purpose, _ string, taken func(ref string) bool) (keystore.Place, error) {
	for _, k := range d.keys {
		ref := strconv.FormatUint(uint64(k.Index), 10)
		if taken(ref) {
			continue
		}
		return keystore.Place{Ref: ref, Access: slices.Clone(k.Password)}, nil
	}
	return keystore.Place{}, fmt.Errorf("all %d keys that may be used are in use: make more with the device's management", len(d.keys))
}

// Signer returns the key at an index. Whether the access password is right shows
// here already.
func (d *Device) Signer(at keystore.Place) (crypto.Signer, error) {
	index, err := strconv.ParseUint(at.Ref, 10, 32)
	if err != nil || index == 0 {
		return nil, fmt.Errorf("%q is not the index of a key", at.Ref)
	}
	k := &signer{device: d, index: uint32(index), password: at.Access}
	var exported PublicKey
	err = d.with(func(s *session) error {
		if exported, err = s.ExportSignPublicKey(k.index); err != nil {
			return err
		}
		return s.access(k.index, k.password)
	})
	if errors.Is(err, StatusNoKey) {
		return nil, fmt.Errorf("index %d: %w: %w", k.index, keystore.ErrNoKey, err)
	}
	if err != nil {
		return nil, fmt.Errorf("index %d: %w", k.index, err)
	}
	if k.public, err = exported.ecdsa(); err != nil {
		return nil, fmt.Errorf("index %d: %w", k.index, err)
	}
	return k, nil
}

var zeros [Elements - 32]byte

// ecdsa checks that the key is a point on the SM2 curve, in the standard's layout.
func (p PublicKey) ecdsa() (*ecdsa.PublicKey, error) {
	if p.Bits != 256 || !bytes.HasPrefix(p.X[:], zeros[:]) || !bytes.HasPrefix(p.Y[:], zeros[:]) {
		return nil, fmt.Errorf("the device's public key is not one of 256 bits: %w", pki.ErrBadPoint)
	}
	x, y := p.X[len(zeros):], p.Y[len(zeros):]
	public, err := pki.ParsePoint(append([]byte{2 | y[31]&1}, x...))
	if err != nil {
		return nil, fmt.Errorf("the device's public key: %w", err)
	}
	if !bytes.Equal(public.Uncompressed()[33:], y) {
		return nil, fmt.Errorf("the device's public key: %w", pki.ErrBadPoint)
	}
	return public.ECDSA(), nil
}

// signer is a key in the device.
type signer struct {
	device   *Device
	index    uint32
	password []byte
	public   *ecdsa.PublicKey
}

// Public returns the public half.
func (k *signer) Public() crypto.PublicKey { return k.public }

// Sign has the device sign e = SM3(ZA ‖ M). The device draws its own randomness.
func (k *signer) Sign(_ io.Reader, e []byte, opts crypto.SignerOpts) ([]byte, error) {
	if len(e) != sm3.Size || opts.HashFunc() != 0 {
		return nil, fmt.Errorf("signing %d bytes with hash %v: want the %d bytes of e and no hash", len(e), opts.HashFunc(), sm3.Size)
	}
	var answer Signature
	err := k.device.with(func(s *session) error {
		if err := s.access(k.index, k.password); err != nil {
			return err
		}
		var err error
		answer, err = s.InternalSign(k.index, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("signing with key %d in %s: %w", k.index, k.device.name, err)
	}
	if !bytes.HasPrefix(answer.R[:], zeros[:]) || !bytes.HasPrefix(answer.S[:], zeros[:]) {
		return nil, fmt.Errorf("signing with key %d in %s: the answer is too long: %w", k.index, k.device.name, pki.ErrBadSignature)
	}
	sig := pki.Signature(append(bytes.Clone(answer.R[len(zeros):]), answer.S[len(zeros):]...))
	return sig.DER(), nil
}
