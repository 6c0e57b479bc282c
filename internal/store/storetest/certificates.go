package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
)

// CertificateStore is what the suite needs of a store of certificates: the ledger of
// the authorities, and what CRLs, OCSP and officers read of it.
type CertificateStore interface {
	ca.Ledger
	CertificateOf(ctx context.Context, point pki.Point) ([]byte, error)
	CertificatesBySerial(ctx context.Context, serial cert.Serial) ([]ca.Record, error)
	Certificates(ctx context.Context, f func(ca.Record) error) error
	ExpiringCertificates(ctx context.Context, from, before time.Time, f func(ca.Record) error) error
	RevokeCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, r cert.Revocation, entry audit.Record) error
	ReleaseCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error
	StatusOf(ctx context.Context, issuer pki.Point, serial cert.Serial) (ca.Status, error)
	StatusOfKey(ctx context.Context, point pki.Point) (ca.Status, error)
	StatusSequence(ctx context.Context) (uint64, error)
	StatusChanges(ctx context.Context, issuer pki.Point, after uint64) iter.Seq2[ca.Record, error]
	RevokedBy(ctx context.Context, issuer pki.Point, shard ca.Shard) iter.Seq2[ca.RevokedEntry, error]
	IssuedBy(ctx context.Context, issuer pki.Point, after cert.Serial) iter.Seq2[ca.Record, error]
	ReserveIndex(ctx context.Context, list uint32) (licence.StatusRef, error)
	ReleaseIndex(ref licence.StatusRef)
	StatusSets(ctx context.Context) ([]*status.Set, error)
	ReadLog(ctx context.Context, f func(audit.Storage) error) error
	Close() error
}

// certificates is one store under test, with a root and an authority.
type certificates struct {
	tb    testing.TB
	open  func(testing.TB) CertificateStore
	store CertificateStore
	now   time.Time
	root  *ca.Authority
	key   *pki.Key
	ca    *ca.Authority
}

// Certificates runs the suite for certificates. New makes an opener of a new, empty
// store, which the suite closes and opens again.
func Certificates(t *testing.T, newStore func(testing.TB) func(testing.TB) CertificateStore) {
	for name, test := range map[string]func(*certificates){
		"issue, find, renew":           (*certificates).issueAndFind,
		"one key, one role":            (*certificates).roles,
		"intents":                      (*certificates).intents,
		"revoke, hold, release":        (*certificates).revoke,
		"lists of revoked":             (*certificates).lists,
		"changes":                      (*certificates).changes,
		"places in status lists":       (*certificates).places,
		"what ends":                    (*certificates).expiring,
		"a refused act leaves nothing": (*certificates).refusals,
		"many at once":                 (*certificates).concurrent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &certificates{tb: t, open: newStore(t), now: time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC), key: pkitest.NewKey(t)}
			s.store = s.open(t)
			var err error
			s.root, err = ca.NewRoot(ctx, cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(t), "test", s.environment("root", 0))
			s.check(err)
			c := pkitest.Certify(t, s.root, ca.ProfileIntermediate, "中级", s.key)
			s.ca = s.authority(c, 1)
			test(s)
			s.check(s.store.ReadLog(ctx, func(log audit.Storage) error {
				_, err := audit.Verify(log)
				return err
			}))
			s.check(s.store.Close())
		})
	}
}

func (s *certificates) check(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

func (s *certificates) environment(name string, shards uint32) ca.Environment {
	return ca.Environment{
		Ledger: s.store, Site: ca.Site{Host: "localhost", Name: name, Shards: shards}, Second: second.Opinion{}, Now: func() time.Time { return s.now },
	}
}

func (s *certificates) authority(c *cert.Certificate, shards uint32) *ca.Authority {
	s.tb.Helper()
	a, err := ca.New(c, s.key, s.environment("ca", shards))
	s.check(err)
	return a
}

// reopen closes the store and opens it again: what was acknowledged is there.
func (s *certificates) reopen() {
	s.tb.Helper()
	s.check(s.store.Close())
	s.store = s.open(s.tb)
	s.ca = s.authority(s.ca.Certificate(), s.ca.Site().Shards)
}

func (s *certificates) issuer() pki.Point { return s.key.Public().Point() }

func (s *certificates) issue() cert.Serial {
	s.tb.Helper()
	return serialOf(s.tb, pkitest.Certify(s.tb, s.ca, ca.ProfileService, "服务", pkitest.NewKey(s.tb)))
}

func serialOf(tb testing.TB, c *cert.Certificate) cert.Serial {
	tb.Helper()
	serial, ok := cert.SerialOf(c.SerialNumber())
	if !ok {
		tb.Fatalf("serial number %s is not of full length", c.Serial())
	}
	return serial
}

func (s *certificates) entry(act audit.Act) audit.Record {
	s.tb.Helper()
	r, err := audit.NewRecord(audit.Entry{Time: s.now.Unix(), Actor: "test", Act: act}, nil)
	s.check(err)
	return r
}

func (s *certificates) end(serial cert.Serial, reason cert.Reason) error {
	return s.store.RevokeCertificate(ctx, s.issuer(), serial, cert.Revocation{At: s.now, Reason: reason}, s.entry(audit.ActCertificateRevoke))
}

func (s *certificates) release(serial cert.Serial) error {
	return s.store.ReleaseCertificate(ctx, s.issuer(), serial, s.entry(audit.ActCertificateRelease))
}

// want checks a serial number's state.
func (s *certificates) want(serial cert.Serial, want ca.State) ca.Status {
	s.tb.Helper()
	status, err := s.store.StatusOf(ctx, s.issuer(), serial)
	if err != nil || status.State != want {
		s.tb.Errorf("certificate %s is %s, %v, want %s", serial, status.State, err, want)
	}
	return status
}

func (s *certificates) size() uint64 {
	s.tb.Helper()
	var size uint64
	s.check(s.store.ReadLog(ctx, func(log audit.Storage) error {
		var err error
		size, err = log.Size()
		return err
	}))
	return size
}

func (s *certificates) issueAndFind() {
	key := pkitest.NewKey(s.tb)
	first := pkitest.Certify(s.tb, s.ca, ca.ProfileService, "服务", key)
	s.reopen()
	der, err := s.store.CertificateOf(ctx, key.Public().Point())
	if err != nil || !bytes.Equal(der, first.DER) {
		s.tb.Errorf("CertificateOf: %v, or another certificate", err)
	}
	found, err := s.store.CertificatesBySerial(ctx, serialOf(s.tb, first))
	if err != nil || len(found) != 1 || !bytes.Equal(found[0].DER, first.DER) || found[0].Profile != ca.ProfileService || found[0].Issuer != s.issuer() ||
		found[0].Point != key.Public().Point() || !found[0].NotAfter.Equal(first.NotAfter()) || found[0].Shard != (ca.Shard{Count: 1}) || found[0].State != ca.Good {
		s.tb.Errorf("CertificatesBySerial: %+v, %v", found, err)
	}
	draft, err := s.ca.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: key.Public(), Subject: first.Subject, Renews: first})
	s.check(err)
	renewed, err := s.ca.Issue(ctx, draft, "test")
	s.check(err)
	if der, err := s.store.CertificateOf(ctx, key.Public().Point()); err != nil || !bytes.Equal(der, renewed.DER) {
		s.tb.Errorf("after a renewal: %v, or not the newest certificate", err)
	}
	s.want(serialOf(s.tb, first), ca.Good)
	s.check(s.end(serialOf(s.tb, first), cert.Superseded))
	if status, err := s.store.StatusOfKey(ctx, key.Public().Point()); err != nil || status.State != ca.Good {
		s.tb.Errorf("the status of the key is %+v, %v, want that of its newest certificate", status, err)
	}
	s.check(s.end(serialOf(s.tb, renewed), cert.KeyCompromise))
	if status, err := s.store.StatusOfKey(ctx, key.Public().Point()); err != nil || status.State != ca.Revoked || status.Revocation.Reason != cert.KeyCompromise {
		s.tb.Errorf("the status of the key is %+v, %v, want revoked", status, err)
	}
	if status, err := s.store.StatusOfKey(ctx, pkitest.NewKey(s.tb).Public().Point()); err != nil || status.State != ca.Unknown {
		s.tb.Errorf("the status of a key without certificate is %+v, %v", status, err)
	}
	if found, err = s.store.CertificatesBySerial(ctx, serialOf(s.tb, renewed)); err != nil || len(found) != 1 || found[0].Renews != serialOf(s.tb, first) {
		s.tb.Errorf("the renewal does not say what it renews: %+v, %v", found, err)
	}
	var last cert.Serial
	count := 0
	for r, err := range s.store.IssuedBy(ctx, s.issuer(), cert.Serial{}) {
		s.check(err)
		if bytes.Compare(last[:], r.Serial[:]) >= 0 {
			s.tb.Error("IssuedBy is not ordered by serial number")
		}
		last = r.Serial
		count++
	}
	if count != 2 {
		s.tb.Errorf("the authority has issued %d, want 2", count)
	}
	for range s.store.IssuedBy(ctx, s.issuer(), last) {
		s.tb.Error("something follows the last serial number")
	}
	count = 0
	s.check(s.store.Certificates(ctx, func(ca.Record) error { count++; return nil }))
	if count != 4 { // with the root and the authority
		s.tb.Errorf("%d certificates, want 4", count)
	}
	if _, err := s.store.CertificateOf(ctx, pkitest.NewKey(s.tb).Public().Point()); err == nil {
		s.tb.Error("a key without a certificate has one")
	}
	if found, err := s.store.CertificatesBySerial(ctx, cert.Serial{0x41}); err != nil || len(found) != 0 {
		s.tb.Errorf("a serial number of nobody: %v, %v", found, err)
	}
}

func (s *certificates) roles() {
	key := pkitest.NewKey(s.tb)
	pkitest.Certify(s.tb, s.ca, ca.ProfileService, "服务", key)
	s.reopen()
	for name, r := range map[string]ca.Request{
		"the same again":  {Profile: ca.ProfileService, Subject: cert.Name{Country: "CN", Organization: "测试省", CommonName: "服务"}},
		"another name":    {Profile: ca.ProfileService, Subject: cert.Name{Country: "CN", Organization: "测试省", CommonName: "别的"}},
		"another profile": {Profile: ca.ProfileSealMaker, Subject: cert.Name{Country: "CN", Organization: "测试省", CommonName: "服务"}},
	} {
		r.Key = key.Public()
		if _, err := s.ca.Prepare(ctx, r); !errors.Is(err, ca.ErrKeyInUse) {
			s.tb.Errorf("%s: %v, want ErrKeyInUse", name, err)
		}
		if _, err := s.root.Prepare(ctx, r); err == nil {
			s.tb.Errorf("%s, by the root: accepted", name)
		}
	}
}

// intents: what is intended is unfinished until it is recorded or abandoned, over any
// number of starts, and can be revoked for ever.
func (s *certificates) intents() {
	key := pkitest.NewKey(s.tb)
	request := ca.Request{Profile: ca.ProfileService, Key: key.Public(), Subject: cert.Name{Country: "CN", CommonName: "服务"}}
	draft, err := s.ca.Prepare(ctx, request)
	s.check(err)
	s.reopen()
	s.want(draft.Serial(), ca.MayExist)
	unfinished, err := s.store.Unfinished(ctx)
	if err != nil || len(unfinished) != 1 || unfinished[0].Serial != draft.Serial() || len(unfinished[0].TBS) == 0 {
		s.tb.Fatalf("unfinished: %+v, %v", unfinished, err)
	}
	if _, err := s.ca.Prepare(ctx, request); !errors.Is(err, ca.ErrKeyInUse) {
		s.tb.Errorf("while it is intended: %v, want ErrKeyInUse", err)
	}
	before := s.size()
	recovered, err := ca.Recover(ctx, s.store, "test", s.now)
	if err != nil || len(recovered) != 1 {
		s.tb.Errorf("Recover: %v, %v", recovered, err)
	}
	if s.size() != before+1 {
		s.tb.Error("the log does not say that an intent was abandoned")
	}
	s.reopen()
	if unfinished, err = s.store.Unfinished(ctx); err != nil || len(unfinished) != 0 {
		s.tb.Errorf("after Recover: %+v, %v", unfinished, err)
	}
	if err := s.store.AbandonCertificate(ctx, s.issuer(), draft.Serial(), s.entry(audit.ActCertificateAbandon)); !errors.Is(err, ca.ErrState) {
		s.tb.Errorf("abandoning twice: %v", err)
	}
	if err := s.store.AbandonCertificate(ctx, s.issuer(), cert.Serial{0x41}, s.entry(audit.ActCertificateAbandon)); !errors.Is(err, ca.ErrNoCertificate) {
		s.tb.Errorf("abandoning nothing: %v", err)
	}
	found, err := s.store.CertificatesBySerial(ctx, draft.Serial())
	if err != nil || len(found) != 1 || !found[0].Abandoned || found[0].DER != nil {
		s.tb.Errorf("the abandoned intent: %+v, %v", found, err)
	}
	// The key is free for its role.
	again, err := s.ca.Prepare(ctx, request)
	s.check(err)
	c, err := s.ca.Issue(ctx, again, "test")
	s.check(err)
	// What may exist is revoked by its serial number, and the list has it.
	s.check(s.end(draft.Serial(), cert.KeyCompromise))
	s.want(draft.Serial(), ca.Revoked)
	s.want(serialOf(s.tb, c), ca.Good)
	if got := s.listed(ca.Shard{Count: 1}); len(got) != 1 || got[0].Serial != draft.Serial() {
		s.tb.Errorf("the list has %+v, want what may exist", got)
	}
	if err := s.store.AbandonCertificate(ctx, s.issuer(), serialOf(s.tb, c), s.entry(audit.ActCertificateAbandon)); !errors.Is(err, ca.ErrState) {
		s.tb.Errorf("abandoning what was issued: %v", err)
	}
}

func (s *certificates) listed(shard ca.Shard) []ca.RevokedEntry {
	s.tb.Helper()
	var all []ca.RevokedEntry
	for e, err := range s.store.RevokedBy(ctx, s.issuer(), shard) {
		s.check(err)
		all = append(all, e)
	}
	return all
}

func (s *certificates) revoke() {
	serial := s.issue()
	before := s.size()
	s.check(s.end(serial, cert.CertificateHold))
	s.reopen()
	held := s.want(serial, ca.Held)
	if held.Revocation.Reason != cert.CertificateHold || !held.Revocation.At.Equal(s.now) || !held.Revocation.InvalidAt.IsZero() {
		s.tb.Errorf("held: %+v", held)
	}
	s.check(s.release(serial))
	if released := s.want(serial, ca.Good); released.Revocation != (cert.Revocation{}) {
		s.tb.Errorf("released: %+v", released)
	}
	if got := s.listed(ca.Shard{Count: 1}); len(got) != 0 {
		s.tb.Errorf("released, and listed: %+v", got)
	}
	lost := s.now.Add(-time.Hour)
	s.check(s.store.RevokeCertificate(ctx, s.issuer(), serial, cert.Revocation{At: s.now, Reason: cert.KeyCompromise, InvalidAt: lost}, s.entry(audit.ActCertificateRevoke)))
	s.reopen()
	if revoked := s.want(serial, ca.Revoked); revoked.Revocation.Reason != cert.KeyCompromise || !revoked.Revocation.InvalidAt.Equal(lost) {
		s.tb.Errorf("revoked: %+v", revoked)
	}
	if s.size() != before+3 {
		s.tb.Errorf("%d entries for three acts", s.size()-before)
	}
	for name, err := range map[string]error{
		"revoked twice": s.end(serial, cert.Superseded), "held after": s.end(serial, cert.CertificateHold), "released after": s.release(serial),
	} {
		if !errors.Is(err, ca.ErrState) {
			s.tb.Errorf("%s: %v, want ErrState", name, err)
		}
	}
	if s.size() != before+3 {
		s.tb.Error("a refused act is in the log")
	}
	s.want(cert.Serial{0x42}, ca.Unknown)
	if err := s.end(cert.Serial{0x42}, cert.Superseded); !errors.Is(err, ca.ErrNoCertificate) {
		s.tb.Errorf("revoking what was never intended: %v", err)
	}
	// Another issuer's certificates are not ours to speak of.
	if status, err := s.store.StatusOf(ctx, pkitest.NewKey(s.tb).Public().Point(), serial); err != nil || status.State != ca.Unknown {
		s.tb.Errorf("under another issuer: %+v, %v", status, err)
	}
}

// lists: each shard has its own, ordered, and keeps it when there are more shards.
func (s *certificates) lists() {
	var early, late []cert.Serial
	for range 6 {
		early = append(early, s.issue())
	}
	s.ca = s.authority(s.ca.Certificate(), 4)
	for range 12 {
		late = append(late, s.issue())
	}
	s.issue() // good, and nowhere listed
	for _, serial := range append(early, late...) {
		s.check(s.end(serial, cert.CessationOfOperation))
	}
	s.reopen()
	seen := make(map[cert.Serial]ca.Shard)
	for _, shard := range []ca.Shard{{Count: 1}, {Count: 4, Index: 0}, {Count: 4, Index: 1}, {Count: 4, Index: 2}, {Count: 4, Index: 3}, {}, {Count: 2}} {
		entries := s.listed(shard)
		for i, e := range entries {
			if i > 0 && bytes.Compare(entries[i-1].Serial[:], e.Serial[:]) >= 0 {
				s.tb.Errorf("shard %v is not ordered", shard)
			}
			if e.Shard != shard || e.Revocation.Reason != cert.CessationOfOperation || e.NotAfter.Before(s.now) {
				s.tb.Errorf("entry %+v of shard %v", e, shard)
			}
			seen[e.Serial] = shard
		}
	}
	for _, serial := range early {
		if seen[serial] != (ca.Shard{Count: 1}) {
			s.tb.Errorf("issued under one shard, listed in %v", seen[serial])
		}
	}
	for _, serial := range late {
		if seen[serial] != ca.ShardOf(serial, 4) {
			s.tb.Errorf("issued under four shards, listed in %v, want %v", seen[serial], ca.ShardOf(serial, 4))
		}
	}
	if len(seen) != len(early)+len(late) {
		s.tb.Errorf("%d are listed, want %d", len(seen), len(early)+len(late))
	}
	// A reader may stop.
	for range s.store.RevokedBy(ctx, s.issuer(), ca.Shard{Count: 1}) {
		break
	}
}

func (s *certificates) changes() {
	a, b, c := s.issue(), s.issue(), s.issue()
	base, err := s.store.StatusSequence(ctx)
	s.check(err)
	s.check(s.end(a, cert.CertificateHold))
	s.check(s.end(b, cert.Superseded))
	middle, err := s.store.StatusSequence(ctx)
	s.check(err)
	s.check(s.release(a))
	s.check(s.end(c, cert.CertificateHold))
	s.check(s.end(c, cert.KeyCompromise))
	s.reopen()
	changed := func(after uint64) []cert.Serial {
		var all []cert.Serial
		last := after
		for r, err := range s.store.StatusChanges(ctx, s.issuer(), after) {
			s.check(err)
			if r.Sequence <= last {
				s.tb.Errorf("change %d after change %d", r.Sequence, last)
			}
			last = r.Sequence
			want := map[cert.Serial]ca.State{a: ca.Good, b: ca.Revoked, c: ca.Revoked}[r.Serial]
			if r.State != want {
				s.tb.Errorf("the change of %s says %s, want %s", r.Serial, r.State, want)
			}
			all = append(all, r.Serial)
		}
		return all
	}
	if got := changed(base); len(got) != 3 || got[0] != b || got[1] != a || got[2] != c {
		s.tb.Errorf("changes: %v, want each once in the order of the last: %v", got, []cert.Serial{b, a, c})
	}
	if got := changed(middle); len(got) != 2 || got[0] != a || got[1] != c {
		s.tb.Errorf("changes after the middle: %v", got)
	}
	end, err := s.store.StatusSequence(ctx)
	s.check(err)
	if got := changed(end); len(got) != 0 || end != base+5 {
		s.tb.Errorf("changes after the last: %v; sequence %d after %d", got, end, base)
	}
	for range s.store.StatusChanges(ctx, pkitest.NewKey(s.tb).Public().Point(), 0) {
		s.tb.Error("another issuer has changes")
	}
}

func (s *certificates) expiring() {
	start := s.now
	service := s.issue() // three years
	person := serialOf(s.tb, pkitest.Certify(s.tb, s.ca, ca.ProfilePerson, "张样例", pkitest.NewKey(s.tb)))
	s.now = start.AddDate(0, 0, 1)
	later := serialOf(s.tb, pkitest.Certify(s.tb, s.ca, ca.ProfilePerson, "李样例", pkitest.NewKey(s.tb)))
	s.reopen()
	for _, tt := range []struct {
		from, before time.Time
		want         []cert.Serial
	}{
		{start, start.AddDate(0, 6, 0), nil},
		{start, start.AddDate(1, 0, 0), []cert.Serial{person}},
		{start, start.AddDate(1, 0, 2), []cert.Serial{person, later}},
		{start.AddDate(1, 0, 0), start.AddDate(1, 0, 2), []cert.Serial{later}},
		{start, start.AddDate(4, 0, 0), []cert.Serial{person, later, service}},
		{start.AddDate(50, 0, 0), start.AddDate(60, 0, 0), nil},
	} {
		var got []cert.Serial
		s.check(s.store.ExpiringCertificates(ctx, tt.from, tt.before, func(r ca.Record) error {
			got = append(got, r.Serial)
			return nil
		}))
		if len(got) != len(tt.want) {
			s.tb.Errorf("ending from %s before %s: %v, want %v", tt.from, tt.before, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				s.tb.Errorf("ending from %s before %s: %v, want %v", tt.from, tt.before, got, tt.want)
			}
		}
	}
}

// refusals: what is refused leaves nothing behind.
func (s *certificates) refusals() {
	draft, err := s.ca.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: pkitest.NewKey(s.tb).Public(), Subject: cert.Name{Country: "CN", CommonName: "服务"}})
	s.check(err)
	other := serialOf(s.tb, pkitest.Certify(s.tb, s.ca, ca.ProfileService, "别的", pkitest.NewKey(s.tb)))
	found, err := s.store.CertificatesBySerial(ctx, other)
	s.check(err)
	before := s.size()
	for name, issued := range map[string]ca.Issued{
		"another certificate":     {Issuer: s.issuer(), Serial: draft.Serial(), DER: found[0].DER, Entry: s.entry(audit.ActCertificateIssue)},
		"one that was recorded":   {Issuer: s.issuer(), Serial: other, DER: found[0].DER, Entry: s.entry(audit.ActCertificateIssue)},
		"one that was not wanted": {Issuer: s.issuer(), Serial: cert.Serial{0x43}, DER: found[0].DER, Entry: s.entry(audit.ActCertificateIssue)},
	} {
		if err := s.store.RecordCertificate(ctx, issued); err == nil {
			s.tb.Errorf("%s: recorded", name)
		}
	}
	intent := found[0].Intent
	intent.Point, intent.TBS = pkitest.NewKey(s.tb).Public().Point(), []byte("x")
	if err := s.store.IntendCertificate(ctx, intent); err == nil {
		s.tb.Error("a serial number is intended twice")
	}
	s.reopen()
	if s.size() != before {
		s.tb.Error("a refused act is in the log")
	}
	if _, err := s.store.CertificateOf(ctx, intent.Point); err == nil {
		s.tb.Error("a refused intent has a certificate")
	}
	s.want(draft.Serial(), ca.MayExist)
}

// concurrent: many callers share transactions, and nobody's failure is another's.
func (s *certificates) concurrent() {
	const callers, each = 16, 8
	used := pkitest.NewKey(s.tb)
	pkitest.Certify(s.tb, s.ca, ca.ProfileService, "用过", used)
	before := s.size()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range each {
				key, wantErr := pkitest.NewKey(s.tb), i == each/2
				if wantErr {
					key = used
				}
				draft, err := s.ca.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: key.Public(), Subject: cert.Name{Country: "CN", CommonName: rand.Text()}})
				if err == nil {
					_, err = s.ca.Issue(ctx, draft, "test")
				}
				if wantErr != errors.Is(err, ca.ErrKeyInUse) || !wantErr && err != nil {
					s.tb.Errorf("caller's certificate %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	s.reopen()
	if got := s.size() - before; got != callers*(each-1) {
		s.tb.Errorf("%d log entries, want %d", got, callers*(each-1))
	}
	if unfinished, err := s.store.Unfinished(ctx); err != nil || len(unfinished) > 0 {
		s.tb.Errorf("unfinished: %d, %v", len(unfinished), err)
	}
	count := 0
	for r, err := range s.store.IssuedBy(ctx, s.issuer(), cert.Serial{}) {
		s.check(err)
		if r.State == ca.Good {
			count++
		}
	}
	if count != 1+callers*(each-1) {
		s.tb.Errorf("%d certificates, want %d", count, 1+callers*(each-1))
	}
}
