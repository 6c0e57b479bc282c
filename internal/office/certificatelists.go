package office

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/qr/status"
)

// Status lists of certificates have numbers of their own, far from those of licences:
//
//	2^31 + 2^16 × (place of the authority among Intermediates) + 0, 1, 2, …
//
// A list that is full is followed by the next.
const certificateListStep = 1 << 16

// firstCertificateList returns the first list of an intermediate authority, by the name of
// its key in any generation. The root has none.
func firstCertificateList(site string) (uint32, bool) {
	name, _, _ := strings.Cut(site, ".")
	i := slices.Index(Intermediates(), name)
	if i < 0 {
		return 0, false
	}
	return status.CertificateLists + uint32(i)*certificateListStep, true //nolint:gosec // there are four
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
