package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// PointSize is the length in bytes of a compressed SM2 point.
const PointSize = 33

// Point is a compressed SM2 public point: 0x02 or 0x03 (the parity of y), then
// x as 32 big-endian bytes (GB/T 32918.1-2016, 4.2.9). It is the identity of a
// key.
type Point [PointSize]byte

// String returns the point in lower-case hexadecimal.
func (p Point) String() string { return hex.EncodeToString(p[:]) }

// KID is the first eight bytes of SM3 over the DER SubjectPublicKeyInfo of a
// key. It is a hint for look-up, never an identity.
type KID [8]byte

// String returns the key hint in lower-case hexadecimal.
func (k KID) String() string { return hex.EncodeToString(k[:]) }

// ErrBadPoint says that bytes are not a point of the SM2 curve in the one
// accepted encoding.
var ErrBadPoint = errors.New("not a point on the SM2 curve")

// PublicKey is an SM2 public key ready to verify: its point has been checked to
// be on the curve and its ZA under the default user ID is computed once. It is
// safe for concurrent use, and what it says and accepts never changes.
type PublicKey struct {
	key   *ecdsa.PublicKey
	point Point
	kid   KID
	za    [sm3.Size]byte
	often beginnings // of messages; nothing but speed
}

// spkiPrefix is the DER of SubjectPublicKeyInfo up to the 65-byte uncompressed
// point: id-ecPublicKey with the named curve 1.2.156.10197.1.301.
var spkiPrefix = []byte{
	0x30, 0x59, 0x30, 0x13,
	0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d,
	0x03, 0x42, 0x00,
}

// ParsePoint decodes a compressed point. The error wraps [ErrBadPoint].
func ParsePoint(b []byte) (*PublicKey, error) {
	if len(b) != PointSize || b[0] != 2 && b[0] != 3 {
		return nil, fmt.Errorf("compressed point of %d bytes: %w", len(b), ErrBadPoint)
	}
	x, y := elliptic.UnmarshalCompressed(sm2.P256(), b)
	if x == nil {
		return nil, ErrBadPoint
	}
	uncompressed := make([]byte, 65)
	uncompressed[0] = 4
	x.FillBytes(uncompressed[1:33])
	y.FillBytes(uncompressed[33:])
	return parseUncompressed(uncompressed)
}

// ParseSPKI decodes a DER SubjectPublicKeyInfo holding an SM2 key: algorithm
// id-ecPublicKey, parameters 1.2.156.10197.1.301, uncompressed point. No other
// form is accepted.
func ParseSPKI(der []byte) (*PublicKey, error) {
	if !bytes.HasPrefix(der, spkiPrefix) || len(der) != len(spkiPrefix)+65 {
		return nil, fmt.Errorf("subject public key info is not an uncompressed SM2 key: %w", ErrBadPoint)
	}
	return parseUncompressed(der[len(spkiPrefix):])
}

// NewPublicKey takes the public half of a signer.
func NewPublicKey(key *ecdsa.PublicKey) (*PublicKey, error) {
	ecdhKey, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadPoint, err)
	}
	return parseUncompressed(ecdhKey.Bytes())
}

func parseUncompressed(b []byte) (*PublicKey, error) {
	if len(b) != 65 || b[0] != 4 {
		return nil, ErrBadPoint
	}
	key, err := sm2.NewPublicKey(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadPoint, err)
	}
	k := &PublicKey{key: key}
	k.point[0] = 2 | b[64]&1
	copy(k.point[1:], b[1:33])
	spki := append(bytes.Clone(spkiPrefix), b...)
	sum := sm3.Sum(spki)
	copy(k.kid[:], sum[:])
	za, err := sm2.CalculateZA(key, []byte(UserID))
	if err != nil {
		return nil, fmt.Errorf("computing ZA: %w", err)
	}
	copy(k.za[:], za)
	return k, nil
}

// Point returns the compressed point, the identity of the key.
func (k *PublicKey) Point() Point { return k.point }

// KID returns the look-up hint of the key.
func (k *PublicKey) KID() KID { return k.kid }

// ECDSA returns the key in the form that certificate builders want. The caller
// must not change it.
func (k *PublicKey) ECDSA() *ecdsa.PublicKey { return k.key }

// SPKI returns the DER SubjectPublicKeyInfo.
func (k *PublicKey) SPKI() []byte {
	return append(bytes.Clone(spkiPrefix), k.Uncompressed()...)
}

// Uncompressed returns 0x04 ‖ x ‖ y, 65 bytes.
func (k *PublicKey) Uncompressed() []byte {
	ecdhKey, err := sm2.PublicKeyToECDH(k.key)
	if err != nil {
		panic("pki: a checked key is no longer on its curve: " + err.Error())
	}
	return ecdhKey.Bytes()
}

// Equal reports whether two keys are the same point.
func (k *PublicKey) Equal(other *PublicKey) bool { return k.point == other.point }

// Verify reports whether sig is a signature of msg by this key. A signature
// that is not well formed is refused.
func (k *PublicKey) Verify(msg []byte, sig Signature) bool {
	return k.VerifyDigest(k.Digest(msg), sig)
}

// VerifyDigest is [PublicKey.Verify] for a caller that already has e =
// SM3(ZA ‖ M), as [PublicKey.Digest] computes it.
func (k *PublicKey) VerifyDigest(e [sm3.Size]byte, sig Signature) bool {
	return sig.WellFormed() && k.verifyDigest(e, sig)
}

func (k *PublicKey) verifyDigest(e [sm3.Size]byte, sig Signature) bool {
	var buf [maxSignatureDER]byte
	return sm2.VerifyASN1(k.key, e[:], sig.appendDER(buf[:0]))
}
