package qr

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"
	"math/big"

	"github.com/elicence/elicence/pki"
)

// DeviceAlgorithm is the algorithm of a holder's device key, as COSE numbers it.
type DeviceAlgorithm int

// The algorithms. Both sign with 64 raw bytes, r ‖ s.
const (
	DeviceP256 DeviceAlgorithm = -7     // ECDSA on P-256 with SHA-256 and s ≤ n/2: what browsers have
	DeviceSM2  DeviceAlgorithm = -65537 // SM2 with SM3 and the default ID
)

// String returns the curve's usual name.
func (a DeviceAlgorithm) String() string {
	switch a {
	case DeviceP256:
		return "P-256"
	case DeviceSM2:
		return "SM2"
	default:
		return fmt.Sprintf("algorithm %d", int(a))
	}
}

// DeviceKey is the public key of a holder's device, checked to be on its curve. It
// is immutable.
type DeviceKey struct {
	algorithm DeviceAlgorithm
	point     pki.Point
	sm2       *pki.PublicKey   // of SM2
	p256      *ecdsa.PublicKey // of P-256
}

// ParseDeviceKey reads a compressed point of 33 bytes. The error wraps
// [ErrMalformed].
func ParseDeviceKey(algorithm DeviceAlgorithm, point []byte) (*DeviceKey, error) {
	bad := func() (*DeviceKey, error) {
		return nil, fmt.Errorf("device key is not a compressed point of %s: %w", algorithm, ErrMalformed)
	}
	if len(point) != pki.PointSize {
		return bad()
	}
	k := &DeviceKey{algorithm: algorithm, point: pki.Point(point)}
	switch algorithm {
	case DeviceSM2:
		key, err := pki.ParsePoint(point)
		if err != nil {
			return bad()
		}
		k.sm2 = key
	case DeviceP256:
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), point)
		if x == nil {
			return bad()
		}
		var uncompressed [65]byte
		uncompressed[0] = 4
		x.FillBytes(uncompressed[1:33])
		y.FillBytes(uncompressed[33:])
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), uncompressed[:])
		if err != nil {
			return bad()
		}
		k.p256 = key
	default:
		return bad()
	}
	return k, nil
}

// Algorithm returns what the key signs with.
func (k *DeviceKey) Algorithm() DeviceAlgorithm { return k.algorithm }

// Point returns the compressed point, the identity of the key.
func (k *DeviceKey) Point() pki.Point { return k.point }

// Judge verifies a raw signature. An SM2 signature that is refused is put to the
// second opinion like any other; P-256 is judged by the standard library alone.
func (k *DeviceKey) Judge(message []byte, signature pki.Signature, second pki.SecondOpinion) pki.Outcome {
	if k.algorithm == DeviceSM2 {
		return pki.Judge(k.sm2, message, signature, second)
	}
	digest := sha256.Sum256(message)
	if isHigh(signature) || !ecdsa.VerifyASN1(k.p256, digest[:], signature.DER()) {
		return pki.Bad
	}
	return pki.Good
}

// Normal returns a signature in the one form that is accepted. With s also n − s is
// a good signature of ECDSA, and browsers give either.
func (k *DeviceKey) Normal(signature pki.Signature) pki.Signature {
	if k.algorithm == DeviceP256 && isHigh(signature) {
		n := elliptic.P256().Params().N
		s := new(big.Int).SetBytes(signature[32:])
		if s.Cmp(n) < 0 {
			s.Sub(n, s).FillBytes(signature[32:])
		}
	}
	return signature
}

// isHigh reports whether s > n/2 on P-256.
func isHigh(signature pki.Signature) bool {
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	return new(big.Int).SetBytes(signature[32:]).Cmp(half) > 0
}
