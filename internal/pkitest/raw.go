package pkitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/elicence/elicence/pki"
)

// RawSigner signs a message: 64 bytes, r ‖ s.
type RawSigner func(message []byte) pki.Signature

// NewSM2Signer returns the compressed point of a new SM2 key, and the key.
func NewSM2Signer(tb testing.TB) ([]byte, RawSigner) {
	tb.Helper()
	key := NewKey(tb)
	point := key.Public().Point()
	return point[:], func(message []byte) pki.Signature {
		signature, err := key.Sign(message)
		if err != nil {
			tb.Fatal(err)
		}
		return signature
	}
}

// NewP256Signer returns the compressed point of a new key on P-256, and the key, which
// signs SHA-256 with any s, as browsers do.
func NewP256Signer(tb testing.TB) ([]byte, RawSigner) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	uncompressed, err := key.PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return append([]byte{2 | uncompressed[64]&1}, uncompressed[1:33]...), func(message []byte) pki.Signature {
		digest := sha256.Sum256(message)
		der, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			tb.Fatal(err)
		}
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &rs); err != nil {
			tb.Fatal(err)
		}
		var signature pki.Signature
		rs.R.FillBytes(signature[:32])
		rs.S.FillBytes(signature[32:])
		return signature
	}
}
