package keystore

import (
	"crypto/cipher"
	"crypto/hmac"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// Secret is a symmetric secret of 32 bytes that computes but is never seen.
type Secret struct {
	key  [32]byte
	macs sync.Pool // of *keyedMAC: half of a short MAC's time is to take in the key
}

// String tells nothing of the secret.
func (s *Secret) String() string { return "secret(?)" }

// GoString is [Secret.String].
func (s *Secret) GoString() string { return s.String() }

// MAC returns HMAC-SM3 over the parts, each preceded by its length, so that
// parts cannot run together. The first part names the use.
func (s *Secret) MAC(parts ...[]byte) [sm3.Size]byte {
	m, known := s.macs.Get().(*keyedMAC)
	if !known {
		m = &keyedMAC{mac: hmac.New(sm3.New, s.key[:])}
	}
	b := m.text[:0]
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	m.mac.Write(b)
	m.mac.Sum(m.sum[:0])
	sum := m.sum
	m.mac.Reset()
	clear(m.text[:]) // it may be somebody's number, and the sum a key
	clear(m.sum[:])
	s.macs.Put(m)
	return sum
}

// keyedMAC is a MAC that has taken in its key, with the memory for a text and for its sum.
type keyedMAC struct {
	mac  hash.Hash
	text [128]byte
	sum  [sm3.Size]byte
}

// AEAD returns SM4-GCM under a key derived for the parts, so that no key is
// used with more than 2^32 random nonces.
func (s *Secret) AEAD(parts ...[]byte) (cipher.AEAD, error) {
	derived := s.MAC(append([][]byte{[]byte("sm4-gcm")}, parts...)...)
	return newGCM(derived[:16])
}
