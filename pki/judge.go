package pki

import "errors"

// ErrDisagree says that the two implementations disagree on a signature: nobody
// may be told either "valid" or "forged".
var ErrDisagree = errors.New("the two implementations disagree on a signature")

// ErrBusy says that the second opinion has no room to answer now: see
// second.Limited.
var ErrBusy = errors.New("the second opinion is busy")

// SecondOpinion is an independent implementation of SM2 verification that
// computes ZA and e afresh from the point.
type SecondOpinion interface {
	// Verify reports whether sig is a signature of msg by the key. The only
	// error is [ErrBusy].
	Verify(point Point, msg []byte, sig Signature) (bool, error)
}

// Outcome is what is known of a signature.
type Outcome int

const (
	// Bad: the signature is not well formed, or all opinions refuse it.
	Bad Outcome = iota
	// Good: the fast implementation accepts it (and, for [Unanimous], the second).
	Good
	// Disagree: one implementation accepts it and the other does not. Nobody may
	// be told either "valid" or "tampered".
	Disagree
	// Busy: the second opinion was needed and had no room. Nothing is known.
	Busy
)

// Err returns nil for Good, [ErrDisagree] or [ErrBusy] where nothing may be
// said, and bad otherwise.
func (o Outcome) Err(bad error) error {
	switch o {
	case Good:
		return nil
	case Disagree:
		return ErrDisagree
	case Busy:
		return ErrBusy
	default:
		return bad
	}
}

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
	if second == nil {
		return Bad
	}
	switch accepts, err := second.Verify(key.Point(), msg, sig); {
	case err != nil:
		return Busy
	case accepts:
		return Disagree
	default:
		return Bad
	}
}

// Unanimous verifies sig over msg with both implementations and reports Good
// only if both accept. It is the rule for rare and precious signatures: CA and
// service certificates, seals, trust files.
func Unanimous(key *PublicKey, msg []byte, sig Signature, second SecondOpinion) Outcome {
	fast := Judge(key, msg, sig, second)
	if fast != Good || second == nil {
		return fast
	}
	switch accepts, err := second.Verify(key.Point(), msg, sig); {
	case err != nil:
		return Busy
	case accepts:
		return Good
	default:
		return Disagree
	}
}
