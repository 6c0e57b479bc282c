package ca

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/cert"
)

// State is what an authority says of a serial number of its own.
type State uint8

// The states.
const (
	// Unknown: never intended.
	Unknown State = iota
	// MayExist: intended, and never recorded. Nobody was given such a certificate; if
	// one turns up it was taken from the authority's machine.
	MayExist
	// Good: issued, neither held nor revoked. Whether it has expired is another
	// question.
	Good
	// Held: suspended; may be released.
	Held
	// Revoked: for ever.
	Revoked
)

var stateNames = [...]string{"unknown", "may-exist", "good", "held", "revoked"}

// String returns the state in one word.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Status is the state of one serial number.
type Status struct {
	State      State
	Revocation cert.Revocation // of Held and Revoked
	// Sequence numbers the last change of the status within the ledger; 0: there was
	// none since the certificate was issued.
	Sequence uint64
}

// Record is what a ledger knows of one serial number.
type Record struct {
	Intent
	Status
	DER       []byte // nil: never recorded
	Abandoned bool
}

// RevokedEntry is a line of a CRL: a certificate that is held or revoked.
type RevokedEntry struct {
	Serial     cert.Serial
	Shard      Shard
	Revocation cert.Revocation
	NotAfter   time.Time // an expired certificate's entry may be left out (RFC 5280, 3.3)
}

// ErrState says that a certificate's status does not allow the act.
var ErrState = bilingual.New("证书现在的状态不允许此操作", "the certificate's status does not allow it")

// ErrReason says that a reason is not one for this act.
var ErrReason = bilingual.New("该操作不能用此原因", "not a reason for this act")

// Revoke returns the status after a revocation, or with [cert.CertificateHold] after
// a suspension. What is revoked stays as it is. A certificate that was held is revoked
// as of the day it was held.
func (s Status) Revoke(r cert.Revocation) (Status, error) {
	hold := r.Reason == cert.CertificateHold
	switch {
	case s.State == Unknown:
		return s, ErrNoCertificate
	case s.State == Revoked, s.State == Held && hold:
		return s, fmt.Errorf("it is %s already: %w", s.State, ErrState)
	case s.State == MayExist && hold:
		return s, fmt.Errorf("what was never issued can only be revoked: %w", ErrState)
	case !r.Reason.Known() || r.Reason == cert.RemoveFromCRL || r.Reason == cert.AACompromise:
		return s, fmt.Errorf("%s: %w", r.Reason, ErrReason)
	case !r.InvalidAt.IsZero() && r.InvalidAt.After(r.At):
		return s, errors.New("the invalidity date is after the revocation")
	}
	// What was signed under a suspension stays outside when the suspension becomes a
	// revocation.
	if s.State == Held && s.Revocation.At.Before(r.At) {
		r.At = s.Revocation.At
	}
	s.State, s.Revocation = Revoked, r
	if hold {
		s.State = Held
	}
	return s, nil
}

// Release returns the status after a suspension was taken back.
func (s Status) Release() (Status, error) {
	if s.State != Held {
		return s, fmt.Errorf("it is %s, not held: %w", s.State, ErrState)
	}
	return Status{State: Good}, nil
}
