package office

import (
	"context"
	"errors"
	"testing"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/cert"
)

// fullLists are lists of which some are full.
type fullLists struct {
	full map[uint32]bool
	err  error
}

func (l fullLists) ReserveIndex(_ context.Context, list uint32) (licence.StatusRef, error) {
	if l.full[list] {
		return licence.StatusRef{}, licence.ErrListFull
	}
	return licence.StatusRef{List: list, Index: 5}, l.err
}

func (fullLists) ReleaseIndex(licence.StatusRef) {}

func TestCertificateLists(t *testing.T) {
	t.Parallel()
	for site, want := range map[string]uint32{
		"issuers": 1 << 31, "seals": 1<<31 + 1<<16, "persons": 1<<31 + 2<<16, "services": 1<<31 + 3<<16, "persons.2": 1<<31 + 2<<16, "seals.10": 1<<31 + 1<<16,
	} {
		if got, found := firstCertificateList(site); !found || got != want {
			t.Errorf("first list of %s: %d, %v, want %d", site, got, found, want)
		}
	}
	for _, site := range []string{"root", "root.2", "", "person"} {
		if got, found := firstCertificateList(site); found {
			t.Errorf("%q has list %d", site, got)
		}
	}
	const first = 1 << 31
	store := fullLists{full: map[uint32]bool{first: true, first + 1: true}}
	e, err := certificateLists{store, first}.ReserveEntry(context.Background())
	if err != nil || e != (cert.StatusEntry{List: first + 2, Index: 5}) {
		t.Errorf("after two full lists: %+v, %v", e, err)
	}
	store.err = errors.New("disk")
	if _, err := (certificateLists{store, first}).ReserveEntry(context.Background()); !errors.Is(err, store.err) {
		t.Errorf("the store's error: %v", err)
	}
}
