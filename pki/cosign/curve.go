package cosign

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/big"

	"filippo.io/bigmod"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
)

// scalarSize is the length in bytes of a number modulo n.
const scalarSize = 32

// modulus returns n for constant-time arithmetic.
func modulus() *bigmod.Modulus {
	m, err := bigmod.NewModulus(pki.Order().Bytes())
	if err != nil {
		panic("cosign: the order of the curve is not a modulus: " + err.Error())
	}
	return m
}

// scalar is a number in 0…n−1. All arithmetic on it is constant-time.
type scalar struct{ nat *bigmod.Nat }

func parseScalar(b []byte) (scalar, error) {
	if len(b) != scalarSize {
		return scalar{}, fmt.Errorf("number of %d bytes: %w", len(b), ErrMessage)
	}
	nat, err := bigmod.NewNat().SetBytes(b, modulus())
	if err != nil {
		return scalar{}, fmt.Errorf("number is not below the order of the curve: %w", ErrMessage)
	}
	return scalar{nat}, nil
}

func (a scalar) bytes() []byte { return a.nat.Bytes(modulus()) }
func (a scalar) isZero() bool  { return a.nat.IsZero() == 1 }

func (a scalar) clone() *bigmod.Nat {
	nat, err := bigmod.NewNat().SetBytes(a.bytes(), modulus())
	if err != nil {
		panic("cosign: a reduced number does not decode: " + err.Error())
	}
	return nat
}

func (a scalar) add(b scalar) scalar { return scalar{a.clone().Add(b.nat, modulus())} }
func (a scalar) sub(b scalar) scalar { return scalar{a.clone().Sub(b.nat, modulus())} }
func (a scalar) mul(b scalar) scalar { return scalar{a.clone().Mul(b.nat, modulus())} }

// inverse is a^(n−2), as n is prime.
func (a scalar) inverse() scalar {
	exponent := new(big.Int).Sub(pki.Order(), big.NewInt(2)).Bytes()
	return scalar{bigmod.NewNat().Exp(a.clone(), exponent, modulus())}
}

// reduce takes 32 bytes modulo n.
func reduce(b [32]byte) scalar {
	v := new(big.Int).SetBytes(b[:])
	v.Mod(v, pki.Order())
	s, err := parseScalar(v.FillBytes(make([]byte, scalarSize)))
	if err != nil {
		panic("cosign: a reduced number does not decode: " + err.Error())
	}
	return s
}

// derive draws a number in 1…n−1 from HMAC-SM3 under secret over the label, the
// inputs and 32 fresh random bytes. If the random source fails or repeats, the
// result is still different for different inputs.
func derive(secret []byte, label string, inputs ...[]byte) (scalar, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return scalar{}, fmt.Errorf("drawing randomness: %w", err)
	}
	for counter := uint32(0); ; counter++ {
		mac := hmac.New(sm3.New, secret)
		writeItem(mac, []byte(label))
		for _, in := range inputs {
			writeItem(mac, in)
		}
		writeItem(mac, fresh)
		mac.Write(binary.BigEndian.AppendUint32(nil, counter))
		k, err := parseScalar(mac.Sum(nil))
		if err == nil && !k.isZero() {
			return k, nil
		}
	}
}

// writeItem writes the length and the bytes, so that items cannot run together.
func writeItem(w interface{ Write([]byte) (int, error) }, b []byte) {
	// A hash never fails to take bytes.
	_, _ = w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
	_, _ = w.Write(b)
}

// point is a point of the curve that is not at infinity.
type point struct{ x, y *big.Int }

func parsePoint(p pki.Point) (point, error) {
	x, y := elliptic.UnmarshalCompressed(sm2.P256(), p[:])
	if x == nil {
		return point{}, fmt.Errorf("point: %w", ErrMessage)
	}
	return point{x, y}, nil
}

func (p point) compress() pki.Point {
	return pki.Point(elliptic.MarshalCompressed(sm2.P256(), p.x, p.y))
}

func (p point) isInfinity() bool { return p.x.Sign() == 0 && p.y.Sign() == 0 }

// The generic curve interface is deprecated for the NIST curves, which have
// better ones. For SM2 it is the only public way to add points, and the curve
// behind it multiplies in constant time.

func baseMult(k scalar) point {
	//lint:ignore SA1019 see above
	x, y := sm2.P256().ScalarBaseMult(k.bytes())
	return point{x, y}
}

func (p point) mult(k scalar) point {
	//lint:ignore SA1019 see above
	x, y := sm2.P256().ScalarMult(p.x, p.y, k.bytes())
	return point{x, y}
}

func (p point) plus(q point) point {
	//lint:ignore SA1019 see above
	x, y := sm2.P256().Add(p.x, p.y, q.x, q.y)
	return point{x, y}
}

// minusG subtracts the base point.
func (p point) minusG() point {
	params := sm2.P256().Params()
	return p.plus(point{params.Gx, new(big.Int).Sub(params.P, params.Gy)})
}
