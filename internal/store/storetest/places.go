package storetest

import (
	"context"
	"errors"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/qr/status"
)

// placesList is the status list of the authority under test.
const placesList = 1 << 31

// storeLists allots places from one list of a store.
type storeLists struct{ store CertificateStore }

func (l storeLists) ReserveEntry(ctx context.Context) (cert.StatusEntry, error) {
	ref, err := l.store.ReserveIndex(ctx, placesList)
	return cert.StatusEntry(ref), err
}

func (l storeLists) ReleaseEntry(e cert.StatusEntry) { l.store.ReleaseIndex(licence.StatusRef(e)) }

// places: a certificate's bits in a status list are those of its status, also where the
// certificate may only exist, and a place is given once.
func (s *certificates) places() {
	listed := func() *ca.Authority {
		e := s.environment("ca", 1)
		e.StatusLists = storeLists{s.store}
		a, err := ca.New(s.ca.Certificate(), s.key, e)
		s.check(err)
		return a
	}
	request := func() ca.Request {
		return ca.Request{Profile: ca.ProfileSealMaker, Key: pkitest.NewKey(s.tb).Public(), Subject: cert.Name{Country: "CN", CommonName: "制章者"}}
	}
	issuer := listed()
	draft, err := issuer.Prepare(ctx, request())
	s.check(err)
	intent := s.unfinished(draft.Serial())
	c, err := issuer.Issue(ctx, draft, "test")
	s.check(err)
	place, found := c.StatusEntry()
	if !found || place != intent.Entry || place.List != placesList {
		s.tb.Fatalf("the certificate's place is %+v, %v, that of its intent %+v", place, found, intent.Entry)
	}
	serial := serialOf(s.tb, c)
	s.bits(place, false, false)
	s.reopen()
	if found, err := s.store.CertificatesBySerial(ctx, serial); err != nil || len(found) != 1 || found[0].Entry != place {
		s.tb.Errorf("the record has another place: %+v, %v", found, err)
	}
	s.check(s.end(serial, cert.CertificateHold))
	s.bits(place, false, true)
	s.check(s.release(serial))
	s.bits(place, false, false)
	if err := s.release(serial); !errors.Is(err, ca.ErrState) {
		s.tb.Errorf("released twice: %v", err)
	}
	s.check(s.end(serial, cert.CertificateHold))
	s.check(s.end(serial, cert.KeyCompromise))
	s.reopen()
	s.bits(place, true, false)
	if err := s.end(serial, cert.CertificateHold); !errors.Is(err, ca.ErrState) {
		s.tb.Errorf("held after a revocation: %v", err)
	}
	s.bits(place, true, false)

	// What may exist has its place for ever, and can be revoked there.
	draft, err = listed().Prepare(ctx, request())
	s.check(err)
	intent = s.unfinished(draft.Serial())
	if _, err := ca.Recover(ctx, s.store, "test", s.now); err != nil {
		s.tb.Fatal(err)
	}
	s.reopen()
	s.check(s.end(draft.Serial(), cert.KeyCompromise))
	s.bits(intent.Entry, true, false)

	// Nobody else is given a place that was, whatever a caller says.
	before := s.size()
	twice := intent
	twice.Serial, twice.Point, twice.Role = cert.Serial{0x41}, pkitest.NewKey(s.tb).Public().Point(), ca.Role{1}
	if err := s.store.IntendCertificate(ctx, twice); err == nil {
		s.tb.Error("a place was given to a second certificate")
	}
	if found, err := s.store.CertificatesBySerial(ctx, twice.Serial); err != nil || len(found) != 0 || s.size() != before {
		s.tb.Errorf("it left %+v, %v", found, err)
	}
	// One that came to nothing before it was stored is free again.
	reserved, err := s.store.ReserveIndex(ctx, placesList)
	s.check(err)
	s.store.ReleaseIndex(reserved)
	other := request()
	other.Profile = ca.ProfileService
	plain, err := listed().Prepare(ctx, other)
	s.check(err)
	if got := s.unfinished(plain.Serial()); got.Entry != (cert.StatusEntry{}) {
		s.tb.Errorf("a profile that asks for no place has %+v", got.Entry)
	}
}

// unfinished returns the intent of a serial number.
func (s *certificates) unfinished(serial cert.Serial) ca.Intent {
	s.tb.Helper()
	all, err := s.store.Unfinished(ctx)
	s.check(err)
	for _, i := range all {
		if i.Serial == serial {
			return i
		}
	}
	s.tb.Fatalf("%s is not intended", serial)
	return ca.Intent{}
}

// bits checks the two bits of a place, and that it is below the list's high mark.
func (s *certificates) bits(e cert.StatusEntry, revoked, suspended bool) {
	s.tb.Helper()
	sets, err := s.store.StatusSets(ctx)
	s.check(err)
	for _, set := range sets {
		if set.List != e.List {
			continue
		}
		if set.High <= e.Index || set.High%4096 != 0 || set.High > status.ListSize {
			s.tb.Errorf("index %d is not below the high mark %d", e.Index, set.High)
		}
		if set.Revoked.Has(e.Index) != revoked || set.Suspended.Has(e.Index) != suspended {
			s.tb.Errorf("index %d is revoked %v, suspended %v, want %v, %v", e.Index, set.Revoked.Has(e.Index), set.Suspended.Has(e.Index), revoked, suspended)
		}
		return
	}
	s.tb.Errorf("there is no list %d", e.List)
}
