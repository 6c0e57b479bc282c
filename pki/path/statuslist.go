package path

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
)

// StatusLists are status lists at hand, verified: a bit for every certificate that an
// authority has issued. They are what terminals keep for codes.
type StatusLists interface {
	// Entry returns what the lists say of a place; false where they say nothing, as the
	// list is not at hand or the place was not given out when it was made.
	Entry(e cert.StatusEntry) (EntryState, bool)
}

// EntryState is what a status list says of a place.
type EntryState struct {
	Revoked   bool // for ever
	Suspended bool
	AsOf      time.Time // when the list knew it
}

// StatusListOptions say how status lists are used.
type StatusListOptions struct {
	// Authorities are those whose lists they are. What another one's certificate says
	// of its place is a place somewhere else.
	Authorities []pki.Point
	// MaxAge is how old a list may be to say that a certificate is not revoked.
	MaxAge time.Duration
	// Beside is another source that may know more, as lists have neither dates nor
	// reasons and some certificates no place; nil: none.
	Beside Revocation
	Now    func() time.Time
}

// StatusList is a [Revocation] from status lists. It is safe for concurrent use if they
// and the source beside them are.
type StatusList struct {
	lists StatusLists
	o     StatusListOptions
}

var _ Revocation = (*StatusList)(nil)

// NewStatusList returns a source over lists.
func NewStatusList(lists StatusLists, o StatusListOptions) *StatusList {
	o.Authorities = slices.Clone(o.Authorities)
	return &StatusList{lists, o}
}

// Why a status list does not decide.
var (
	// ErrNoEntry: no list at hand has a place for the certificate.
	ErrNoEntry = errors.New("no status list speaks of the certificate")
	// ErrUndated: it is revoked, and may not have been when it signed.
	ErrUndated = errors.New("revoked by now; a status list does not say since when")
)

// Status implements [Revocation]. Neither of the two sources takes back a revocation that
// the other one has. That a certificate is not revoked, or not any more on hold, counts
// from a list as current as [CRL] wants one; without such a list the source beside
// decides alone.
//
// A list says that a certificate is revoked and not since when. If nobody else has the
// date, it counts against what was signed since the list was made; of what is older
// nobody can say ([ErrUndated], [ErrSuspended]).
func (s *StatusList) Status(ctx context.Context, c, issuer *cert.Certificate, when Moment) (Answer, error) {
	beside, besideErr := Answer{}, ErrNoStatus
	if s.o.Beside != nil {
		beside, besideErr = s.o.Beside.Status(ctx, c, issuer, when)
	}
	dated := besideErr == nil && beside.Revocation != nil
	if dated && beside.Revocation.Reason != cert.CertificateHold {
		return beside, nil
	}
	state, found := s.entry(c, issuer)
	switch {
	case !found && s.o.Beside == nil:
		return Answer{}, ErrNoEntry
	case !found:
		return beside, besideErr
	case state.Revoked:
		return s.undated(c, state, cert.Unspecified, ErrUndated, when)
	case state.Suspended && dated:
		return beside, nil
	case state.Suspended:
		return s.undated(c, state, cert.CertificateHold, ErrSuspended, when)
	case dated && !state.AsOf.After(beside.AsOf):
		return beside, nil // held since the list was made
	}
	currentAt := func(at time.Time) bool {
		return !at.Before(state.AsOf.Add(-crl.ClockTolerance)) && at.Sub(state.AsOf) <= s.o.MaxAge
	}
	if !current(currentAt, state.AsOf, s.o.Now(), when) {
		if besideErr == nil {
			return beside, nil
		}
		return Answer{}, errors.Join(fmt.Errorf("status list of %s: %w", state.AsOf.UTC().Format(time.RFC3339), ErrStale), besideErr)
	}
	return Answer{Source: "status list", AsOf: state.AsOf}, nil
}

// entry looks a certificate up in the lists of its issuer.
func (s *StatusList) entry(c, issuer *cert.Certificate) (EntryState, bool) {
	e, found := c.StatusEntry()
	if !found || !slices.Contains(s.o.Authorities, issuer.Key.Point()) {
		return EntryState{}, false
	}
	return s.lists.Entry(e)
}

// undated answers with a bit that is set: the latest day on which it can have been set is
// that of the list.
func (s *StatusList) undated(c *cert.Certificate, state EntryState, reason cert.Reason, why error, when Moment) (Answer, error) {
	if when.At.Before(state.AsOf) {
		return Answer{}, fmt.Errorf("certificate of %s, in the status list of %s: %w", c.Subject, state.AsOf.UTC().Format(time.RFC3339), why)
	}
	return Answer{Revocation: &cert.Revocation{At: state.AsOf, Reason: reason}, Source: "status list", AsOf: state.AsOf}, nil
}
