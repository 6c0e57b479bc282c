package keystore

import (
	"crypto/cipher"
	"crypto/hmac"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// derive returns an SM4 key for one use: the first 16 bytes of HMAC-SM3 over the
// label, whether the store is national-only, the store and the parts. None of
// the parts but the last may hold a zero byte, so they cannot run together.
func derive(key []byte, label string, store ID, gmOnly bool, parts ...string) []byte {
	mac := hmac.New(sm3.New, key)
	mac.Write([]byte(label + "\x00"))
	mode := byte(0)
	if gmOnly {
		mode = 1
	}
	mac.Write([]byte{mode})
	mac.Write(store[:])
	for _, p := range parts {
		mac.Write([]byte("\x00" + p))
	}
	return mac.Sum(nil)[:16]
}

// newGCM is SM4-GCM with a nonce of 12 bytes and a tag of 16. The key is zeroed.
func newGCM(key []byte) (cipher.AEAD, error) {
	defer clear(key)
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing SM4: %w", err)
	}
	return cipher.NewGCM(block)
}
