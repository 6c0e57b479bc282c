package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/tsa"
)

// StatusStore is what the suite needs of a store for CRLs, OCSP and time stamps.
type StatusStore struct {
	Certificates CertificateStore
	CRLLedger    func(count uint32) crl.Ledger
	CRLs         crl.Store
	OCSPLedger   func(now func() time.Time) ocsp.Ledger
	Marks        tsa.Marks
}

// Status runs the suite for what the status services keep and read. New makes an
// opener of a new, empty store, which the suite closes and opens again.
func Status(t *testing.T, newStore func(testing.TB) func(testing.TB) StatusStore) {
	for name, test := range map[string]func(*testing.T, func(testing.TB) StatusStore){
		"numbers and lists in force": listsInForce, "what a CRL says": listed, "what OCSP says": standing, "marks": marks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// listsInForce: a number is for one list, whatever happens between taking and using it.
func listsInForce(t *testing.T, open func(testing.TB) StatusStore) {
	s := open(t)
	const scope, delta = "ca-1-0.crl", "ca-1-0-delta.crl"
	take := func(want uint64) {
		t.Helper()
		if n, err := s.CRLs.TakeNumber(ctx, scope); err != nil || n != want {
			t.Fatalf("number %d, %v, want %d", n, err, want)
		}
	}
	reopen := func() {
		check(t, s.Certificates.Close())
		s = open(t)
	}
	at := time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC)
	list := func(n uint64) crl.Published {
		return crl.Published{Number: n, Sequence: 7, Entries: 3, ThisUpdate: at, NextUpdate: at.Add(time.Hour), DER: []byte{byte(n)}}
	}
	if _, found, err := s.CRLs.Latest(ctx, scope); found || err != nil {
		t.Errorf("a list before the first: %v", err)
	}
	for _, n := range []uint64{0, 1} {
		if err := s.CRLs.Replace(ctx, scope, scope, list(n)); !errors.Is(err, crl.ErrSuperseded) {
			t.Errorf("a list with number %d, which nobody took: %v", n, err)
		}
	}
	take(1)
	check(t, s.CRLs.Replace(ctx, scope, scope, list(1)))
	take(2) // and the process dies before it has signed
	reopen()
	take(3)
	if err := s.CRLs.Replace(ctx, scope, scope, list(2)); !errors.Is(err, crl.ErrSuperseded) {
		t.Errorf("an earlier number: %v, want ErrSuperseded", err)
	}
	if got, found, err := s.CRLs.Latest(ctx, scope); err != nil || !found || got.Number != 1 {
		t.Errorf("the last good list is %+v, %v", got, err)
	}
	check(t, s.CRLs.Replace(ctx, scope, delta, list(3)))
	reopen()
	got, found, err := s.CRLs.Latest(ctx, delta)
	if want := list(3); err != nil || !found || !bytes.Equal(got.DER, want.DER) || got.Sequence != 7 || got.Entries != 3 || !got.ThisUpdate.Equal(at) || !got.NextUpdate.Equal(want.NextUpdate) {
		t.Errorf("the delta is %+v, %v", got, err)
	}
	if n, err := s.CRLs.TakeNumber(ctx, "other.crl"); err != nil || n != 1 {
		t.Errorf("another scope begins with %d, %v", n, err)
	}
}

// issuing is a store with an authority of one shard.
func issuing(t *testing.T, s StatusStore) *certificates {
	t.Helper()
	c := &certificates{tb: t, store: s.Certificates, now: time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC), key: pkitest.NewKey(t)}
	root, err := ca.NewRoot(ctx, cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(t), "test", c.environment("root", 0))
	check(t, err)
	c.root, c.ca = root, c.authority(pkitest.Certify(t, root, ca.ProfileIntermediate, "中级", c.key), 1)
	return c
}

func entriesOf(t *testing.T, all iter.Seq2[crl.Entry, error]) map[cert.Serial]cert.Reason {
	t.Helper()
	found := make(map[cert.Serial]cert.Reason)
	var last []byte
	for e, err := range all {
		check(t, err)
		if bytes.Compare(last, e.Serial) >= 0 {
			t.Error("the entries are not in the order of their serial numbers")
		}
		last = e.Serial
		found[cert.Serial(e.Serial)] = e.Reason
	}
	return found
}

func listed(t *testing.T, open func(testing.TB) StatusStore) {
	s := open(t)
	c := issuing(t, s)
	ledger := s.CRLLedger(1)
	held, ended, kept := c.issue(), c.issue(), c.issue()
	check(t, c.end(held, cert.CertificateHold))
	check(t, c.end(kept, cert.CertificateHold))
	base, err := ledger.Sequence(ctx, c.issuer())
	check(t, err)
	check(t, c.release(held))
	check(t, c.end(ended, cert.KeyCompromise))
	if after, err := ledger.Sequence(ctx, c.issuer()); err != nil || after <= base {
		t.Errorf("two changes take the sequence from %d to %d, %v", base, after, err)
	}
	full := entriesOf(t, ledger.Revoked(ctx, c.issuer(), 0))
	if len(full) != 2 || full[ended] != cert.KeyCompromise || full[kept] != cert.CertificateHold {
		t.Errorf("the full list has %v", full)
	}
	changed := entriesOf(t, ledger.RevokedSince(ctx, c.issuer(), 0, base))
	if len(changed) != 2 || changed[ended] != cert.KeyCompromise || changed[held] != cert.RemoveFromCRL {
		t.Errorf("the delta has %v", changed)
	}
	if other := entriesOf(t, s.CRLLedger(2).Revoked(ctx, c.issuer(), 0)); len(other) != 0 {
		t.Errorf("a shard of another count has %v", other)
	}
}

func standing(t *testing.T, open func(testing.TB) StatusStore) {
	s := open(t)
	c := issuing(t, s)
	later := c.now
	ledger := s.OCSPLedger(func() time.Time { return later })
	good, ended := c.issue(), c.issue()
	check(t, c.end(ended, cert.Superseded))
	draft, err := c.ca.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "服务"}})
	check(t, err)
	intended := draft.Serial()
	for name, tt := range map[string]struct {
		serial            []byte
		recorded, revoked bool
	}{
		"good": {good[:], true, false}, "revoked": {ended[:], false, true}, "intended": {intended[:], false, false},
		"never intended": {bytes.Repeat([]byte{0x41}, 16), false, false}, "short": {[]byte{1}, false, false}, "none": {nil, false, false}, "long": {bytes.Repeat([]byte{0x41}, 20), false, false},
	} {
		got, err := ledger.Standing(ctx, c.issuer(), tt.serial)
		if err != nil || !got.Revoked && got.Recorded != tt.recorded || got.Revoked != tt.revoked {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	count := func() int {
		n := 0
		for _, err := range ledger.Unexpired(ctx, c.issuer()) {
			check(t, err)
			// The reader asks the store while it goes over the certificates.
			_, err = ledger.Standing(ctx, c.issuer(), good[:])
			check(t, err)
			n++
		}
		return n
	}
	if n := count(); n != 2 {
		t.Errorf("%d unexpired certificates, want those that were recorded", n)
	}
	for range 600 { // more than are read at a time
		c.issue()
	}
	if n := count(); n != 602 {
		t.Errorf("%d unexpired certificates, want 602", n)
	}
	later = later.AddDate(20, 0, 0)
	if n := count(); n != 0 {
		t.Errorf("%d certificates have not ended after twenty years", n)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range ledger.Unexpired(cancelled, c.issuer()) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of the context: %v", err)
		}
	}
}

func marks(t *testing.T, open func(testing.TB) StatusStore) {
	s := open(t)
	if at, err := s.Marks.Mark(ctx); err != nil || !at.IsZero() {
		t.Errorf("the first mark is %v, %v", at, err)
	}
	want := time.Date(2026, 5, 1, 4, 0, 0, 123456000, time.UTC)
	check(t, s.Marks.SetMark(ctx, want))
	check(t, s.Certificates.Close())
	if got, err := open(t).Marks.Mark(ctx); err != nil || !got.Equal(want) {
		t.Errorf("the mark is %v, %v, want %v", got, err, want)
	}
}
