package path

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/pki/cert"
)

// Moment is the time for which a certificate is judged.
type Moment struct {
	At time.Time
	// Proven: the signature is known to have existed then, by a time stamp or
	// because it was made just now. Otherwise At is what the signer claims.
	Proven bool
}

// Claimed is the time that a signer states.
func Claimed(at time.Time) Moment { return Moment{At: at} }

// Proven is a time that somebody trusted vouches for.
func Proven(at time.Time) Moment { return Moment{At: at, Proven: true} }

// Answer is what a source says of a certificate.
type Answer struct {
	Revocation *cert.Revocation // nil: not revoked
	Source     string           // which list or responder, for people
	AsOf       time.Time        // when the source knew it
}

// Revocation is a source that knows which certificates are revoked.
type Revocation interface {
	// Status answers for a certificate and its issuer. An error says that the source
	// cannot say, and why; it never stands for either answer. The moment tells the
	// source how old its knowledge may be.
	Status(ctx context.Context, c, issuer *cert.Certificate, when Moment) (Answer, error)
}

// ErrSuspended says that a certificate is on hold: it may come back, or not.
var ErrSuspended = errors.New("suspended")

// Judge says what a revocation means for a signature of a moment (GB/T 38540,
// order of verification: revoked after signing is no fault, revoked before is one):
//
//   - revoked at the moment or before: [Invalid]. The moment counts from the date of
//     invalidity where that is earlier than the revocation.
//   - revoked later, but for a compromised key: [Valid] only if the moment is proven.
//     Who has the key can claim any time.
//   - on hold: [CannotSay], unless the moment is proven and earlier. What the hold
//     ends in is not known, and it may be a compromise.
//   - revoked later for another reason: [Valid].
func Judge(r cert.Revocation, when Moment) Verdict {
	began := r.At
	if !r.InvalidAt.IsZero() && r.InvalidAt.Before(began) {
		began = r.InvalidAt
	}
	before := when.At.Before(began)
	switch r.Reason {
	case cert.RemoveFromCRL:
		return Valid
	case cert.CertificateHold:
		if before && when.Proven {
			return Valid
		}
		return CannotSay
	case cert.KeyCompromise, cert.CACompromise, cert.AACompromise:
		if before && when.Proven {
			return Valid
		}
		return Invalid
	default:
		if before {
			return Valid
		}
		return Invalid
	}
}

// revocationError says a revocation in words.
func revocationError(c *cert.Certificate, r cert.Revocation) error {
	sentinel := ErrRevoked
	if r.Reason == cert.CertificateHold {
		sentinel = ErrSuspended
	}
	return fmt.Errorf("certificate of %s, since %s, %s: %w", c.Subject, r.At.UTC().Format(time.RFC3339), r.Reason, sentinel)
}

// FirstOf asks several sources in order and takes the first answer. It is how an
// OCSP responder comes before a CRL, and a CRL before nothing.
type FirstOf []Revocation

// Status implements [Revocation]. Where no source can say, the error joins the
// reason of each.
func (f FirstOf) Status(ctx context.Context, c, issuer *cert.Certificate, when Moment) (Answer, error) {
	var reasons []error
	for _, source := range f {
		answer, err := source.Status(ctx, c, issuer, when)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		reasons = append(reasons, err)
	}
	if len(reasons) == 0 {
		return Answer{}, ErrNoStatus
	}
	return Answer{}, errors.Join(reasons...)
}
