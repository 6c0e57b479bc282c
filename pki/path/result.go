package path

import (
	"errors"
	"fmt"

	"github.com/elicence/elicence/pki/cert"
)

// Verdict is the answer about a certificate.
type Verdict int

// The answers. The zero value is no answer.
const (
	// CannotSay: with what is at hand nobody can say. Neither trust it nor call it
	// a forgery.
	CannotSay Verdict = iota
	Valid
	Invalid
)

// String names the verdict.
func (v Verdict) String() string {
	switch v {
	case Valid:
		return "valid"
	case Invalid:
		return "invalid"
	default:
		return "cannot say"
	}
}

// Every error of a [Result] wraps one of these two.
var (
	// ErrUntrusted: no valid path leads from the certificate to an anchor.
	ErrUntrusted = errors.New("no valid path to a trust anchor")
	// ErrCannotSay: it is not known whether there is one.
	ErrCannotSay = errors.New("cannot say whether the certificate is valid")
)

// Why a path is not valid. An [ErrUntrusted] wraps one of them as well.
var (
	ErrNoIssuer          = errors.New("the issuer's certificate is not at hand")
	ErrSignature         = errors.New("not signed by the issuer it names")
	ErrDates             = errors.New("outside the dates of validity")
	ErrNotAuthority      = errors.New("not a certificate of an authority")
	ErrPathLength        = errors.New("more authorities follow than are allowed")
	ErrUsage             = errors.New("the key is not for this use")
	ErrName              = errors.New("the name is outside the limits of an authority")
	ErrCriticalExtension = errors.New("a critical extension is not known")
	ErrPolicy            = errors.New("the certificate policies do not fit")
	ErrRevoked           = errors.New("revoked")
)

// Why nobody can say. An [ErrCannotSay] wraps one of them, [ErrSuspended], or
// [pki.ErrDisagree], [pki.ErrBusy], an error of the context or of a [Revocation].
var (
	// ErrLimit: one of the [Limits] was reached before the search was over.
	ErrLimit = errors.New("the certificates at hand are too many to try")
	// ErrNoStatus: no source of revocation had an answer that counts.
	ErrNoStatus = errors.New("nothing at hand says whether it is revoked")
)

// Status is what was found of the revocation of one certificate of a path.
type Status int

// What can be found.
const (
	RevocationNotChecked Status = iota // no source was given, or an earlier fault ended the check
	RevocationNotNeeded                // an anchor, or a responder with ocsp-nocheck
	NotRevoked
	RevokedLater // after the moment in question: it counts
	Revoked
	RevocationUnknown
)

// String names the status.
func (s Status) String() string {
	return [...]string{"not checked", "not needed", "not revoked", "revoked later", "revoked", "unknown"}[s]
}

// Link is one certificate of a path.
type Link struct {
	Certificate *cert.Certificate
	Revocation  Status
	Answer      Answer // what the source said, where it was asked
	Err         error  // why the path ends or is undecided here, nil elsewhere
}

// Result is the answer with its grounds.
type Result struct {
	Verdict Verdict
	// Path is the path that was judged: the certificate in question first, the anchor
	// last. Of a certificate without a valid path it is the one that came nearest.
	Path []Link
	err  error
}

// Err returns nil for [Valid]; otherwise it wraps [ErrUntrusted] or [ErrCannotSay],
// and why.
func (r *Result) Err() error {
	switch {
	case r.Verdict == Valid:
		return nil
	case r.err == nil:
		return ErrCannotSay
	case r.Verdict == Invalid:
		return fmt.Errorf("%w: %w", ErrUntrusted, r.err)
	default:
		return fmt.Errorf("%w: %w", ErrCannotSay, r.err)
	}
}

// RevocationChecked reports whether every certificate of the path that could be
// revoked was looked up and answered for.
func (r *Result) RevocationChecked() bool {
	for _, l := range r.Path {
		if l.Revocation == RevocationNotChecked || l.Revocation == RevocationUnknown {
			return false
		}
	}
	return len(r.Path) > 0
}
