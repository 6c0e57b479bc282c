package keystore

import (
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"

	"github.com/emmansun/gmsm/sm3"
)

// Secret is a symmetric secret of 32 bytes that computes but is never seen.
type Secret struct{ key [32]byte }

// String tells nothing of the secret.
func (s *Secret) String() string { return "secret(?)" }

// GoString is [Secret.String].
func (s *Secret) GoString() string { return s.String() }

// MAC returns HMAC-SM3 over the parts, each preceded by its length, so that
// parts cannot run together. The first part names the use.
func (s *Secret) MAC(parts ...[]byte) [sm3.Size]byte {
	mac := hmac.New(sm3.New, s.key[:])
	for _, p := range parts {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		mac.Write(p)
	}
	return [sm3.Size]byte(mac.Sum(nil))
}

// AEAD returns SM4-GCM under a key derived for the parts, so that no key is
// used with more than 2^32 random nonces.
func (s *Secret) AEAD(parts ...[]byte) (cipher.AEAD, error) {
	derived := s.MAC(append([][]byte{[]byte("sm4-gcm")}, parts...)...)
	return newGCM(derived[:16])
}
