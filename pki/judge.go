package pki

import "errors"

// ErrDisagree says that the two implementations disagree on a signature: nobody
// may be told either "valid" or "forged".
var ErrDisagree = errors.New("the two implementations disagree on a signature")

// SecondOpinion is an independent implementation of SM2 verification that
// computes ZA and e afresh from the point.
type SecondOpinion interface {
	// Verify reports whether sig is a signature of msg by the key.
	Verify(point Point, msg []byte, sig Signature) bool
}

// Outcome is what is known of a signature.
type Outcome int

const (
	// Bad: the signature is not well formed, or all opinions refuse it.
	Bad Outcome = iota
	// Good: the fast implementation accepts it.
	Good
	// Disagree: the fast implementation refuses it and the second accepts it.
	// Nobody may be told either "valid" or "tampered".
	Disagree
)

// Judge verifies sig over msg with the fast implementation and, if that refuses
// a well-formed signature, asks the second opinion. With a nil second opinion
// (the browser build carries none) the fast answer stands.
func Judge(key *PublicKey, msg []byte, sig Signature, second SecondOpinion) Outcome {
	if !sig.WellFormed() {
		return Bad
	}
	if key.verifyDigest(key.Digest(msg), sig) {
		return Good
	}
	if second != nil && second.Verify(key.Point(), msg, sig) {
		return Disagree
	}
	return Bad
}

// Unanimous verifies sig over msg with both implementations and reports Good
// only if both accept. It is the rule for rare and precious signatures: CA and
// service certificates, seals, trust files.
func Unanimous(key *PublicKey, msg []byte, sig Signature, second SecondOpinion) Outcome {
	if !sig.WellFormed() {
		return Bad
	}
	fast := key.verifyDigest(key.Digest(msg), sig)
	if second == nil {
		if fast {
			return Good
		}
		return Bad
	}
	other := second.Verify(key.Point(), msg, sig)
	switch {
	case fast && other:
		return Good
	case fast != other:
		return Disagree
	default:
		return Bad
	}
}
