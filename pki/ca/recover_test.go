package ca_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// breaking is a ledger that fails at one of its calls, having carried it out or not.
type breaking struct {
	*pkitest.Ledger
	at        string
	persisted bool
	dead      bool // the process is gone: nothing after the break gets through
}

var errBroken = errors.New("the disk is gone")

func (b *breaking) call(name string, do func() error) error {
	if b.dead {
		return errBroken
	}
	if b.at != name {
		return do()
	}
	b.dead = true
	if b.persisted {
		if err := do(); err != nil {
			return err
		}
	}
	return errBroken
}

func (b *breaking) IntendCertificate(ctx context.Context, i ca.Intent) error {
	return b.call("intend", func() error { return b.Ledger.IntendCertificate(ctx, i) })
}

func (b *breaking) RecordCertificate(ctx context.Context, issued ...ca.Issued) error {
	return b.call("record", func() error { return b.Ledger.RecordCertificate(ctx, issued...) })
}

func (b *breaking) AbandonCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error {
	return b.call("abandon", func() error { return b.Ledger.AbandonCertificate(ctx, issuer, serial, entry) })
}

// TestBreakPoints: wherever the making of a certificate is cut off, the next start
// finds out, no key stays busy, and what may exist is known by its serial number.
func TestBreakPoints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		at        string
		persisted bool
		live      bool // the ledger answers again at once: an error, not a crash
		state     ca.State
		abandoned bool
		unknown   bool // the serial number was never stored
		recovered int
	}{
		{name: "no intent", at: "intend", unknown: true},
		{name: "intent stored, answer lost", at: "intend", persisted: true, state: ca.MayExist, abandoned: true, recovered: 1},
		{name: "signed, not recorded", at: "record", state: ca.MayExist, abandoned: true, recovered: 1},
		{name: "recorded, answer lost", at: "record", persisted: true, state: ca.Good},
		{name: "an error, no crash: no intent", at: "intend", live: true, unknown: true},
		{name: "an error, no crash: intent", at: "intend", persisted: true, live: true, state: ca.MayExist, abandoned: true},
		{name: "an error, no crash: record", at: "record", live: true, state: ca.MayExist, abandoned: true},
		{name: "an error, no crash: recorded", at: "record", persisted: true, live: true, state: ca.Good},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pkitest.New(t, time.Now())
			broken := &breaking{Ledger: p.Ledger, at: tt.at, persisted: tt.persisted}
			var l ca.Ledger = broken
			if tt.live {
				l = &hiccup{broken}
			}
			before := len(p.Ledger.Records)
			key := pkitest.NewKey(t)
			request := ca.Request{Profile: ca.ProfileService, Key: key.Public(), Subject: cert.Name{Country: "CN", CommonName: "服务"}}
			a, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{Ledger: l, Site: p.CA.Site(), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			draft, err := a.Prepare(ctx, request)
			if err == nil {
				_, err = a.Issue(ctx, draft, "test")
			}
			if !errors.Is(err, errBroken) {
				t.Fatalf("issuing ends with %v, want the ledger's error", err)
			}
			// Start again on what is on the disk.
			recovered, err := ca.Recover(ctx, p.Ledger, "test", time.Now())
			if err != nil || len(recovered) != tt.recovered {
				t.Errorf("Recover: %v, %v, want %d", recovered, err, tt.recovered)
			}
			if again, err := ca.Recover(ctx, p.Ledger, "test", time.Now()); err != nil || len(again) > 0 {
				t.Errorf("Recover again: %v, %v", again, err)
			}
			found := false
			for _, r := range p.Ledger.Records {
				if r.Point == key.Public().Point() {
					found = true
					if r.State != tt.state || r.Abandoned != tt.abandoned {
						t.Errorf("the certificate is %s, abandoned %v, want %s, %v", r.State, r.Abandoned, tt.state, tt.abandoned)
					}
					revoked, err := r.Revoke(cert.Revocation{At: time.Now(), Reason: cert.KeyCompromise})
					if err != nil || revoked.State != ca.Revoked {
						t.Errorf("what may exist cannot be revoked: %v", err)
					}
				}
			}
			if found == tt.unknown || len(p.Ledger.Records) > before+1 {
				t.Errorf("found %v, %d records after %d", found, len(p.Ledger.Records), before)
			}
			// The key may have a certificate now, unless it has one.
			draft, err = p.CA.Prepare(ctx, request)
			if tt.state == ca.Good {
				if !errors.Is(err, ca.ErrKeyInUse) {
					t.Errorf("a second certificate: %v, want ErrKeyInUse", err)
				}
				return
			}
			if err == nil {
				_, err = p.CA.Issue(ctx, draft, "test")
			}
			if err != nil {
				t.Errorf("the next try: %v", err)
			}
			// And no other role.
			request.Profile, request.Subject.Serial = ca.ProfilePerson, ""
			if _, err := p.CA.Prepare(ctx, request); !errors.Is(err, ca.ErrKeyInUse) {
				t.Errorf("another role: %v, want ErrKeyInUse", err)
			}
		})
	}
}

// hiccup is a breaking ledger that lives on.
type hiccup struct{ *breaking }

func (h *hiccup) AbandonCertificate(ctx context.Context, issuer pki.Point, serial cert.Serial, entry audit.Record) error {
	return h.Ledger.AbandonCertificate(ctx, issuer, serial, entry)
}

// TestAbandonedDraftIsNotIssued: what was given up is never recorded.
func TestAbandonedDraftIsNotIssued(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	draft, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "服务"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Recover(ctx, p.Ledger, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.CA.Issue(ctx, draft, "test"); !errors.Is(err, ca.ErrState) {
		t.Errorf("Issue after Recover: %v, want ErrState", err)
	}
	if p.Ledger.Issued() != 2 {
		t.Error("the certificate is recorded")
	}
}

// TestRecoverOlder: what another node may be signing right now is left to it.
func TestRecoverOlder(t *testing.T) {
	t.Parallel()
	const age = 10 * time.Minute
	p := pkitest.New(t, time.Now())
	draft, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "服务"}})
	if err != nil {
		t.Fatal(err)
	}
	if recovered, err := ca.RecoverOlder(ctx, p.Ledger, "test", time.Now().Add(age/2), age); err != nil || len(recovered) > 0 {
		t.Errorf("a young intent: %v, %v", recovered, err)
	}
	if recovered, err := ca.RecoverOlder(ctx, p.Ledger, "test", time.Now().Add(age+time.Second), age); err != nil || len(recovered) != 1 {
		t.Errorf("an old intent: %v, %v", recovered, err)
	}
	if _, err := p.CA.Issue(ctx, draft, "test"); !errors.Is(err, ca.ErrState) {
		t.Errorf("Issue after it was given up: %v, want ErrState", err)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	key := pkitest.NewKey(t)
	first := pkitest.Certify(t, p.CA, ca.ProfileService, "服务", key)
	request := ca.Request{Profile: ca.ProfileService, Key: key.Public(), Subject: first.Subject, Renews: first}
	issue := func(r ca.Request) (*cert.Certificate, error) {
		draft, err := p.CA.Prepare(ctx, r)
		if err != nil {
			return nil, err
		}
		return p.CA.Issue(ctx, draft, "test")
	}
	second, err := issue(request)
	if err != nil {
		t.Fatal(err)
	}
	if second.Serial() == first.Serial() || !second.Key.Equal(first.Key) {
		t.Error("the renewal has the same serial number or another key")
	}
	last := p.Ledger.Entries[len(p.Ledger.Entries)-1]
	if entry, err := last.Entry(); err != nil || entry.Act != audit.ActCertificateRenew {
		t.Errorf("the renewal's entry: %+v, %v", entry, err)
	}
	for name, tt := range map[string]struct {
		change func(*ca.Request)
		want   error
	}{
		"of the one before":  {func(r *ca.Request) { r.Renews = first }, ca.ErrKeyInUse},
		"of nothing":         {func(r *ca.Request) { r.Renews = nil }, ca.ErrKeyInUse},
		"with another key":   {func(r *ca.Request) { r.Key = pkitest.NewKey(t).Public() }, ca.ErrRequest},
		"for another name":   {func(r *ca.Request) { r.Subject.CommonName = "别的服务" }, ca.ErrRequest},
		"in another profile": {func(r *ca.Request) { r.Profile = ca.ProfileSealMaker }, ca.ErrKeyInUse},
	} {
		r := request
		r.Renews = second
		tt.change(&r)
		if _, err := issue(r); !errors.Is(err, tt.want) {
			t.Errorf("renewal %s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	good, unknown, mayExist := ca.Status{State: ca.Good}, ca.Status{}, ca.Status{State: ca.MayExist}
	held, err := good.Revoke(cert.Revocation{At: now, Reason: cert.CertificateHold})
	if err != nil || held.State != ca.Held {
		t.Fatalf("hold: %+v, %v", held, err)
	}
	revoked, err := held.Revoke(cert.Revocation{At: now.Add(time.Hour), Reason: cert.KeyCompromise})
	if err != nil || revoked.State != ca.Revoked || !revoked.Revocation.At.Equal(now) {
		t.Fatalf("revoked after a hold: %+v, %v: want the day of the hold", revoked, err)
	}
	if released, err := held.Release(); err != nil || released != good {
		t.Errorf("release: %+v, %v", released, err)
	}
	for name, tt := range map[string]struct {
		do   func() (ca.Status, error)
		want error
	}{
		"revoke the unknown": {func() (ca.Status, error) { return unknown.Revoke(cert.Revocation{At: now}) }, ca.ErrNoCertificate},
		"revoke twice":       {func() (ca.Status, error) { return revoked.Revoke(cert.Revocation{At: now}) }, ca.ErrState},
		"hold the revoked": {func() (ca.Status, error) {
			return revoked.Revoke(cert.Revocation{At: now, Reason: cert.CertificateHold})
		}, ca.ErrState},
		"hold twice": {func() (ca.Status, error) { return held.Revoke(cert.Revocation{At: now, Reason: cert.CertificateHold}) }, ca.ErrState},
		"hold what may exist": {func() (ca.Status, error) {
			return mayExist.Revoke(cert.Revocation{At: now, Reason: cert.CertificateHold})
		}, ca.ErrState},
		"a reason of deltas":     {func() (ca.Status, error) { return good.Revoke(cert.Revocation{At: now, Reason: cert.RemoveFromCRL}) }, ca.ErrReason},
		"a reason of nobody":     {func() (ca.Status, error) { return good.Revoke(cert.Revocation{At: now, Reason: 7}) }, ca.ErrReason},
		"release the good":       {good.Release, ca.ErrState},
		"release the revoked":    {revoked.Release, ca.ErrState},
		"release the unknown":    {unknown.Release, ca.ErrState},
		"release what may exist": {mayExist.Release, ca.ErrState},
	} {
		if _, err := tt.do(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := good.Revoke(cert.Revocation{At: now, InvalidAt: now.Add(time.Second)}); err == nil {
		t.Error("an invalidity date after the revocation is accepted")
	}
}
