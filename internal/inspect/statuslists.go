package inspect

import (
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// certificateListAge is how old status lists may be to say that a certificate is not
// revoked: as old as they may be for the strictest licences.
const certificateListAge = 72 * time.Hour

// cachedLists are the status lists of a cache of trust files.
type cachedLists struct{ cache *trust.Cache }

var _ path.StatusLists = cachedLists{}

// Entry implements [path.StatusLists].
func (c cachedLists) Entry(e cert.StatusEntry) (path.EntryState, bool) {
	set, found := c.cache.Set(e.List)
	if !found || e.List < status.CertificateLists || e.Index >= set.High {
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
