// Package second is the second opinion: SM2-with-SM3 verification by an
// implementation that shares no code with the working one (github.com/tjfoc/gmsm,
// plain Go big-integer arithmetic, about twenty times slower).
//
// It decides nothing alone. Package pki asks it before a refused signature is
// called tampered, and before a precious signature leaves the service. It never
// signs. It is kept out of the browser build, which carries no assembly that it
// would have to check.
package second

import (
	"fmt"
	"math/big"

	"github.com/tjfoc/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// Opinion verifies with the independent implementation. The zero value is ready.
type Opinion struct{}

var _ pki.SecondOpinion = Opinion{}

// Verify reports whether sig is a signature of msg by the key at point under
// the default user ID. ZA and e are computed afresh. A point that is not on the
// curve is refused.
func (Opinion) Verify(point pki.Point, msg []byte, sig pki.Signature) (bool, error) {
	key := decompress(point)
	if key == nil {
		return false, nil
	}
	r := new(big.Int).SetBytes(sig[:32])
	s := new(big.Int).SetBytes(sig[32:])
	return sm2.Sm2Verify(key, msg, []byte(pki.UserID), r, s), nil
}

// VerifyDigest verifies over a digest that was computed elsewhere; only the
// start-up self-test, whose published sample has no ZA, uses it.
func (Opinion) VerifyDigest(point pki.Point, e []byte, sig pki.Signature) bool {
	key := decompress(point)
	if key == nil {
		return false
	}
	r := new(big.Int).SetBytes(sig[:32])
	s := new(big.Int).SetBytes(sig[32:])
	return sm2.Verify(key, e, r, s)
}

// decompress solves y² = x³ − 3x + b itself: the library's own Decompress does
// not say when x has no point.
func decompress(point pki.Point) *sm2.PublicKey {
	curve := sm2.P256Sm2()
	params := curve.Params()
	x := new(big.Int).SetBytes(point[1:])
	if (point[0] != 2 && point[0] != 3) || x.Cmp(params.P) >= 0 {
		return nil
	}
	y2 := new(big.Int).Mul(x, x)
	y2.Sub(y2, big.NewInt(3))
	y2.Mul(y2, x)
	y2.Add(y2, params.B)
	y2.Mod(y2, params.P)
	y := new(big.Int).ModSqrt(y2, params.P)
	if y == nil {
		return nil
	}
	if byte(y.Bit(0)) != point[0]&1 {
		y.Sub(params.P, y)
	}
	return &sm2.PublicKey{Curve: curve, X: x, Y: y}
}

// SelfTest checks the second implementation against the published samples.
func SelfTest() error {
	for _, s := range pki.Samples() {
		verify := func(sig pki.Signature) bool {
			if s.Message != nil {
				accepts, err := Opinion{}.Verify(s.Point, s.Message, sig)
				return accepts && err == nil
			}
			return Opinion{}.VerifyDigest(s.Point, s.Digest[:], sig)
		}
		if !verify(s.Signature) {
			return fmt.Errorf("second opinion: SM2 %s is refused: %w", s.Name, pki.ErrSelfTest)
		}
		wrong := s.Signature
		wrong[63] ^= 1
		if verify(wrong) {
			return fmt.Errorf("second opinion: SM2 %s is accepted with a wrong bit: %w", s.Name, pki.ErrSelfTest)
		}
	}
	return nil
}
