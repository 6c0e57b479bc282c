package sdf

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki/keystore"
)

// Wrapper returns the device's key-encryption key, for keystore.Unlock.Token.
func (d *Device) Wrapper() (keystore.Wrapper, error) {
	if d.kek == 0 {
		return nil, fmt.Errorf("%s: no key-encryption key is named", d.name)
	}
	return &wrapper{d}, nil
}

type wrapper struct{ device *Device }

// wrapped is a key-encryption key of a store under a session key, which is under
// the device's key-encryption key. SM4-CBC hides; that the answer is the right one
// is proven where it is used, by the GCM tag of the store's keyring.
type wrapped struct {
	_          struct{} `cbor:",toarray"`
	SessionKey []byte
	IV         [sm4.BlockSize]byte
	Ciphertext []byte
}

const sessionKeyBits = 128

// WrappingKey describes the device's key-encryption key.
func (w *wrapper) WrappingKey() keystore.WrappingKey {
	return keystore.WrappingKey{
		Device: w.device.name, Label: fmt.Sprintf("KEK %d", w.device.kek), Algorithm: keystore.AlgorithmSM4, Bits: sessionKeyBits,
	}
}

// mark is what stands behind the wrapped bytes and binds them to their context.
func mark(context []byte) []byte {
	sum := sm3.Sum(append([]byte("elicence/sdf/wrap/1\x00"), context...))
	return sum[:sm4.BlockSize]
}

// Wrap encrypts a key of whole SM4 blocks.
func (w *wrapper) Wrap(kek, context []byte) ([]byte, error) {
	if len(kek) == 0 || len(kek)%sm4.BlockSize != 0 {
		return nil, fmt.Errorf("wrapping %d bytes: want whole blocks", len(kek))
	}
	var out wrapped
	if _, err := rand.Read(out.IV[:]); err != nil {
		return nil, fmt.Errorf("drawing an initial vector: %w", err)
	}
	plain := append(append(make([]byte, 0, len(kek)+sm4.BlockSize), kek...), mark(context)...)
	defer clear(plain)
	err := w.device.with(func(s *session) error {
		sessionKey, handle, err := s.GenerateKeyWithKEK(sessionKeyBits, sgdSM4ECB, w.device.kek)
		if err != nil {
			return fmt.Errorf("making a session key: %w", err)
		}
		out.SessionKey = sessionKey
		out.Ciphertext, err = s.Encrypt(handle, sgdSM4CBC, out.IV[:], plain)
		return errors.Join(err, s.DestroyKey(handle))
	})
	if err != nil {
		return nil, err
	}
	return detcbor.Marshal(out)
}

// Unwrap is the inverse of Wrap.
func (w *wrapper) Unwrap(b, context []byte) ([]byte, error) {
	var in wrapped
	if err := detcbor.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("reading the wrapped key: %w", err)
	}
	if len(in.Ciphertext) < 2*sm4.BlockSize || len(in.Ciphertext)%sm4.BlockSize != 0 {
		return nil, fmt.Errorf("the wrapped key has %d bytes", len(in.Ciphertext))
	}
	var plain []byte
	err := w.device.with(func(s *session) error {
		handle, err := s.ImportKeyWithKEK(sgdSM4ECB, w.device.kek, in.SessionKey)
		if err != nil {
			return fmt.Errorf("taking the session key back: %w", err)
		}
		plain, err = s.Decrypt(handle, sgdSM4CBC, in.IV[:], in.Ciphertext)
		return errors.Join(err, s.DestroyKey(handle))
	})
	if err != nil {
		return nil, err
	}
	n := len(plain) - sm4.BlockSize
	if n <= 0 || subtle.ConstantTimeCompare(plain[n:], mark(context)) != 1 {
		clear(plain)
		return nil, errors.New("the wrapped key belongs to another store, or the device's key is another")
	}
	return plain[:n], nil
}
