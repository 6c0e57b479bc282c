package path

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"weak"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
)

// Lists gives the revocation lists at hand that may speak of a certificate: full ones
// and their deltas, in any order. They need not be verified. They may come from a
// cache, a file that was imported, or the certificate's distribution point.
type Lists interface {
	Lists(ctx context.Context, c, issuer *cert.Certificate) ([]*crl.List, error)
}

// maxLists bounds the lists that are looked at for one certificate.
const maxLists = 32

// CRL is a [Revocation] from certificate revocation lists that the issuer's own key
// has signed. Indirect lists are not read.
type CRL struct {
	lists        Lists
	keepsExpired bool
	second       pki.SecondOpinion
	now          func() time.Time

	mu       sync.Mutex
	verified map[verifiedList]error // under mu
}

// verifiedList is a list under a key. The list is named by its address, as hashing
// thirty megabytes to find out that they are known would save nothing; the weak
// pointer does not keep a replaced list in memory. The issuer is named by its whole
// certificate, as another one of the same key may not be for signing lists.
type verifiedList struct {
	list   weak.Pointer[crl.List]
	issuer [sm3.Size]byte
}

// maxVerified is how many outcomes are kept before all are forgotten.
const maxVerified = 1000

// CRLOptions say how lists are used.
type CRLOptions struct {
	// KeepsExpired: the authority leaves certificates in its lists when they have
	// expired, so that an absence still means something. RFC 5280, 3.3 lets others
	// take them out.
	KeepsExpired bool
	Second       pki.SecondOpinion
	Now          func() time.Time
}

// NewCRL returns a source over lists.
func NewCRL(lists Lists, o CRLOptions) *CRL {
	return &CRL{lists: lists, keepsExpired: o.KeepsExpired, second: o.Second, now: o.Now, verified: make(map[verifiedList]error)}
}

// Why a list does not count.
var (
	ErrNoList      = errors.New("no revocation list covers the certificate")
	ErrStale       = errors.New("what says that it is not revoked is too old")
	ErrListExpired = errors.New("the certificate had expired when the list was made, which need not name it any more")
)

// Status implements [Revocation]. A revocation counts however old its list is, as it
// is for ever; that there is none counts only from a list that is current or, for a
// proven moment, current then or later.
func (s *CRL) Status(ctx context.Context, c, issuer *cert.Certificate, when Moment) (Answer, error) {
	lists, err := s.lists.Lists(ctx, c, issuer)
	if err != nil {
		return Answer{}, fmt.Errorf("looking for revocation lists of %s: %w", issuer.Subject, err)
	}
	if len(lists) > maxLists {
		return Answer{}, fmt.Errorf("%d revocation lists of %s: %w", len(lists), issuer.Subject, ErrLimit)
	}
	var best *crl.List
	why := ErrNoList
	for _, l := range lists {
		if !l.Covers(c) {
			continue
		}
		full := l
		l, err := s.complete(full, lists, issuer)
		if err != nil {
			why = err
			continue
		}
		if r, found := l.Find(c.SerialNumber()); found && r.Reason != cert.CertificateHold {
			return answerOf(l, c), nil
		}
		// Where the deltas have stopped, the full list still speaks for itself.
		if err := s.counts(l, c, when); err != nil && (l == full || s.counts(full, c, when) != nil) {
			why = err
			continue
		}
		if best == nil || l.ThisUpdate.After(best.ThisUpdate) {
			best = l
		}
	}
	if best == nil {
		return Answer{}, why
	}
	return answerOf(best, c), nil
}

// complete verifies a full list and puts the newest delta on top that fits.
func (s *CRL) complete(full *crl.List, all []*crl.List, issuer *cert.Certificate) (*crl.List, error) {
	if err := s.verify(full, issuer); err != nil {
		return nil, err
	}
	newest := full
	for _, delta := range all {
		if !delta.IsDelta() || delta.ThisUpdate.After(s.now().Add(crl.ClockTolerance)) {
			continue
		}
		joined, err := full.WithDelta(delta)
		if err != nil || joined.Number.Cmp(newest.Number) <= 0 || s.verify(delta, issuer) != nil {
			continue // a delta that does not fit adds nothing and spoils nothing
		}
		newest = joined
	}
	return newest, nil
}

// verify checks a list's signature once.
func (s *CRL) verify(l *crl.List, issuer *cert.Certificate) error {
	key := verifiedList{weak.Make(l), sm3.Sum(issuer.DER)}
	s.mu.Lock()
	err, known := s.verified[key]
	s.mu.Unlock()
	if known {
		return err
	}
	err = l.Verify(issuer, s.second)
	if errors.Is(err, pki.ErrBusy) || errors.Is(err, pki.ErrDisagree) {
		return err // may be another answer next time
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.verified) >= maxVerified {
		clear(s.verified)
	}
	s.verified[key] = err
	return err
}

// counts reports whether a list that does not name the certificate says anything.
func (s *CRL) counts(l *crl.List, c *cert.Certificate, when Moment) error {
	if !current(l.CurrentAt, l.ThisUpdate, s.now(), when) {
		return fmt.Errorf("revocation list of %s until %s: %w", l.ThisUpdate.UTC().Format(time.RFC3339), l.NextUpdate.UTC().Format(time.RFC3339), ErrStale)
	}
	if !s.keepsExpired && l.ThisUpdate.After(c.NotAfter()) {
		return ErrListExpired
	}
	return nil
}

// current reports whether knowledge counts for a moment: it is current now, or the
// moment is proven and it was current then or made since. For a claimed moment old
// knowledge is not enough, as a key that was lost since would make the claim
// worthless.
func current(currentAt func(time.Time) bool, thisUpdate, now time.Time, when Moment) bool {
	if currentAt(now) {
		return true
	}
	return when.Proven && !thisUpdate.After(now) && (currentAt(when.At) || thisUpdate.After(when.At))
}

func answerOf(l *crl.List, c *cert.Certificate) Answer {
	a := Answer{Source: "CRL", AsOf: l.ThisUpdate}
	if l.Number != nil {
		a.Source = fmt.Sprintf("CRL %d", l.Number)
	}
	if r, found := l.Find(c.SerialNumber()); found {
		a.Revocation = &r
	}
	return a
}

// ListsAtHand are lists in memory, all of which are offered for every certificate of
// their issuer.
type ListsAtHand []*crl.List

// Lists implements [Lists].
func (all ListsAtHand) Lists(_ context.Context, c, _ *cert.Certificate) ([]*crl.List, error) {
	var some []*crl.List
	for _, l := range all {
		if string(l.Issuer) == string(c.RawIssuer()) {
			some = append(some, l)
		}
	}
	return some, nil
}
