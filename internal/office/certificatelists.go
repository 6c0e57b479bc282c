package office

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/trust"
)

// Status lists of certificates have numbers of their own, far from those of licences:
//
//	2^31 + 2^16 × (place of the authority among Intermediates) + 0, 1, 2, …
//
// A list that is full is followed by the next.
const (
	certificateListBase = 1 << 31
	certificateListStep = 1 << 16
)

// firstCertificateList returns the first list of an intermediate authority, by the name of
// its key in any generation. The root has none.
func firstCertificateList(site string) (uint32, bool) {
	name, _, _ := strings.Cut(site, ".")
	i := slices.Index(Intermediates(), name)
	if i < 0 {
		return 0, false
	}
	return certificateListBase + uint32(i)*certificateListStep, true //nolint:gosec // there are four
}

// certificateLists allots the places in the status lists of one authority.
type certificateLists struct {
	store interface {
		ReserveIndex(ctx context.Context, list uint32) (licence.StatusRef, error)
		ReleaseIndex(ref licence.StatusRef)
	}
	first uint32
}

var _ ca.StatusLists = certificateLists{}

// ReserveEntry implements [ca.StatusLists].
func (l certificateLists) ReserveEntry(ctx context.Context) (cert.StatusEntry, error) {
	for n := range uint32(certificateListStep) {
		ref, err := l.store.ReserveIndex(ctx, l.first+n)
		if !errors.Is(err, licence.ErrListFull) {
			return cert.StatusEntry(ref), err
		}
	}
	return cert.StatusEntry{}, licence.ErrListFull
}

// ReleaseEntry implements [ca.StatusLists].
func (l certificateLists) ReleaseEntry(e cert.StatusEntry) {
	l.store.ReleaseIndex(licence.StatusRef(e))
}

// certificateListAge is how old status lists may be to say that a certificate is not
// revoked: as old as they may be for the strictest licences.
const certificateListAge = 72 * time.Hour

// cachedLists are the status lists of a cache of trust files.
type cachedLists struct{ cache *trust.Cache }

var _ path.StatusLists = cachedLists{}

// Entry implements [path.StatusLists].
func (c cachedLists) Entry(e cert.StatusEntry) (path.EntryState, bool) {
	set, found := c.cache.Set(e.List)
	if !found || e.List < certificateListBase || e.Index >= set.High {
		return path.EntryState{}, false
	}
	return path.EntryState{Revoked: set.Revoked.Has(e.Index), Suspended: set.Suspended.Has(e.Index), AsOf: c.cache.AsOf()}, true
}

// cachedRevocation asks the status lists of a cache about certificates of the authorities
// whose lists they are, and another source beside them: a list has no dates.
func cachedRevocation(cache *trust.Cache, beside path.Revocation, now func() time.Time) (path.Revocation, error) {
	var authorities []pki.Point
	for _, der := range slices.Concat(cache.Trust.Documents.Seals, cache.Trust.Documents.Persons) {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, fmt.Errorf("authority of the trust list: %w", err)
		}
		authorities = append(authorities, c.Key.Point())
	}
	return path.NewStatusList(cachedLists{cache}, path.StatusListOptions{Authorities: authorities, MaxAge: certificateListAge, Beside: beside, Now: now}), nil
}
