package cosign

import (
	"errors"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
)

// Errors of this package.
var (
	// ErrMessage: a message is not well formed.
	ErrMessage = errors.New("malformed co-signing message")
	// ErrProof: a message does not prove that its sender knows what it must.
	ErrProof = errors.New("the proof of knowledge does not hold")
	// ErrDigest: the two sides do not sign the same document.
	ErrDigest = errors.New("the two sides computed different digests")
	// ErrResult: the joint signature does not verify: a wrong PIN, a wrong
	// half, or a wrong answer. Nothing is released.
	ErrResult = errors.New("the joint signature does not verify")
	// ErrUsed: a pending signature was finished before.
	ErrUsed = errors.New("this signing run is over")
)

// Proof is a Schnorr proof of knowledge of a point's discrete logarithm, made
// non-interactive over SM3.
type Proof struct {
	_ struct{}  `cbor:",toarray"`
	T pki.Point // t·G
	Z []byte    // t + c·w, 32 bytes
}

// challenge is c = SM3(context, statement, T) mod n.
func challenge(context []byte, statement, t pki.Point) scalar {
	h := sm3.New()
	writeItem(h, []byte("elicence/cosign/proof/1"))
	writeItem(h, context)
	writeItem(h, statement[:])
	writeItem(h, t[:])
	return reduce([32]byte(h.Sum(nil)))
}

// prove shows knowledge of w behind w·G, bound to context.
func prove(context []byte, w scalar) (Proof, error) {
	statement := baseMult(w).compress()
	t, err := derive(w.bytes(), "proof", context)
	if err != nil {
		return Proof{}, err
	}
	commitment := baseMult(t).compress()
	return Proof{T: commitment, Z: t.add(challenge(context, statement, commitment).mul(w)).bytes()}, nil
}

// check verifies z·G = T + c·statement.
func (p Proof) check(context []byte, statement pki.Point) error {
	z, err := parseScalar(p.Z)
	if err != nil {
		return err
	}
	t, err := parsePoint(p.T)
	if err != nil {
		return err
	}
	s, err := parsePoint(statement)
	if err != nil {
		return err
	}
	if z.isZero() {
		return ErrProof
	}
	right := t.plus(s.mult(challenge(context, statement, p.T)))
	if right.isInfinity() || baseMult(z).compress() != right.compress() {
		return ErrProof
	}
	return nil
}
