package path_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
)

func clock() time.Time { return now }

// list builds a CRL that is current for a day from a time.
func list(tb testing.TB, ca pkitest.Bare, number, base uint64, from time.Time, points []string, entries ...crl.Entry) *crl.List {
	tb.Helper()
	return lasting(tb, ca, crl.Template{Number: number, Base: base, ThisUpdate: from, NextUpdate: from.AddDate(0, 0, 1), Points: points}, entries)
}

// weekly builds an empty CRL that is current for a week.
func weekly(tb testing.TB, ca pkitest.Bare, number uint64, from time.Time) *crl.List {
	tb.Helper()
	return lasting(tb, ca, crl.Template{Number: number, ThisUpdate: from, NextUpdate: from.AddDate(0, 0, 7)}, nil)
}

func lasting(tb testing.TB, ca pkitest.Bare, template crl.Template, entries []crl.Entry) *crl.List {
	tb.Helper()
	template.Issuer = ca.Certificate
	slices.SortFunc(entries, func(a, b crl.Entry) int { return slices.Compare(a.Serial, b.Serial) })
	l, err := crl.Build(&template,
		func(yield func(crl.Entry, error) bool) {
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}, ca.Key, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func entryOf(c *cert.Certificate, reason cert.Reason) crl.Entry {
	return crl.Entry{Serial: c.SerialNumber(), Revocation: cert.Revocation{At: now.AddDate(0, -1, 0), Reason: reason}}
}

func TestCRL(t *testing.T) {
	t.Parallel()
	ca, stranger := pkitest.NewBare(t, "CA", now), pkitest.NewBare(t, "CA", now)
	c := ca.Person(t, 7)
	sharded := ca.Person(t, 8, "http://a.example/1.crl")
	expired := ca.Certify(t, cert.Template{
		Serial: pkitest.Serial(9), Subject: c.Subject, Key: c.Key, Usage: cert.DigitalSignature, NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(0, 0, -30),
	})
	hour := time.Hour
	fresh := now.Add(-hour)
	old := now.AddDate(0, 0, -10)
	claimed, then := path.Claimed(now.Add(-time.Minute)), path.Proven(old.Add(hour))
	for _, tt := range []struct {
		name    string
		c       *cert.Certificate
		when    path.Moment
		keeps   bool
		lists   []*crl.List
		revoked bool
		err     error
	}{
		{"no list", c, claimed, false, nil, false, path.ErrNoList},
		{"fresh, not named", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil)}, false, nil},
		{"fresh, named", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil, entryOf(c, cert.Superseded))}, true, nil},
		{"another is named", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil, entryOf(sharded, cert.Superseded))}, false, nil},
		{"old, not named", c, claimed, false, []*crl.List{list(t, ca, 1, 0, old, nil)}, false, path.ErrStale},
		{"old, named", c, claimed, false, []*crl.List{list(t, ca, 1, 0, old, nil, entryOf(c, cert.Superseded))}, true, nil},
		{"old, on hold", c, claimed, false, []*crl.List{list(t, ca, 1, 0, old, nil, entryOf(c, cert.CertificateHold))}, false, path.ErrStale},
		{"fresh, on hold", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil, entryOf(c, cert.CertificateHold))}, true, nil},
		{"not begun", c, claimed, false, []*crl.List{list(t, ca, 1, 0, now.Add(hour), nil)}, false, path.ErrStale},
		{"the proven moment is in it", c, then, false, []*crl.List{list(t, ca, 1, 0, old, nil)}, false, nil},
		{"the proven moment is before it", c, path.Proven(old.Add(-hour)), false, []*crl.List{list(t, ca, 1, 0, old, nil)}, false, nil},
		{"the proven moment is after it", c, path.Proven(old.AddDate(0, 0, 2)), false, []*crl.List{list(t, ca, 1, 0, old, nil)}, false, path.ErrStale},
		{"the claimed moment is in it", c, path.Claimed(then.At), false, []*crl.List{list(t, ca, 1, 0, old, nil)}, false, path.ErrStale},
		{"another key of the same name", c, claimed, false, []*crl.List{list(t, stranger, 1, 0, fresh, nil)}, false, crl.ErrWrongIssuer},
		{"the newest of two counts", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh.Add(-hour), nil, entryOf(c, cert.CertificateHold)), list(t, ca, 2, 0, fresh, nil)}, false, nil},
		{"shard", sharded, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, []string{"http://a.example/1.crl"}, entryOf(sharded, cert.Superseded))}, true, nil},
		{"another shard", sharded, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, []string{"http://a.example/2.crl"})}, false, path.ErrNoList},
		{"a delta alone", c, claimed, false, []*crl.List{list(t, ca, 2, 1, fresh, nil)}, false, path.ErrNoList},
		{"a delta revokes", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil), list(t, ca, 2, 1, fresh, nil, entryOf(c, cert.Superseded))}, true, nil},
		{"a delta takes a hold back", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil, entryOf(c, cert.CertificateHold)), list(t, ca, 2, 1, fresh, nil, entryOf(c, cert.RemoveFromCRL))}, false, nil},
		{"a delta keeps an old base current", c, claimed, false, []*crl.List{list(t, ca, 1, 0, old, nil), list(t, ca, 2, 1, fresh, nil)}, false, nil},
		{"a delta that has run out", c, claimed, false, []*crl.List{weekly(t, ca, 1, now.AddDate(0, 0, -3)), list(t, ca, 2, 1, now.AddDate(0, 0, -2), nil)}, false, nil},
		{"a delta that has run out and holds", c, claimed, false, []*crl.List{weekly(t, ca, 1, now.AddDate(0, 0, -3)), list(t, ca, 2, 1, now.AddDate(0, 0, -2), nil, entryOf(c, cert.CertificateHold))}, true, nil},
		{"a delta of a later base", c, claimed, false, []*crl.List{list(t, ca, 1, 0, old, nil), list(t, ca, 3, 2, fresh, nil)}, false, path.ErrStale},
		{"a stranger's delta changes nothing", c, claimed, false, []*crl.List{list(t, ca, 1, 0, fresh, nil, entryOf(c, cert.CertificateHold)), list(t, stranger, 2, 1, fresh, nil, entryOf(c, cert.RemoveFromCRL))}, true, nil},
		{"expired before the list", expired, path.Claimed(now.AddDate(0, -2, 0)), false, []*crl.List{list(t, ca, 1, 0, fresh, nil)}, false, path.ErrListExpired},
		{"expired, and the authority keeps them", expired, path.Claimed(now.AddDate(0, -2, 0)), true, []*crl.List{list(t, ca, 1, 0, fresh, nil)}, false, nil},
		{"expired and named", expired, path.Claimed(now.AddDate(0, -2, 0)), false, []*crl.List{list(t, ca, 1, 0, fresh, nil, entryOf(expired, cert.KeyCompromise))}, true, nil},
		{"too many lists", c, claimed, false, slices.Repeat([]*crl.List{list(t, ca, 1, 0, fresh, nil)}, 33), false, path.ErrLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := path.NewCRL(path.ListsAtHand(tt.lists), path.CRLOptions{KeepsExpired: tt.keeps, Second: second.Opinion{}, Now: clock})
			for range 2 { // the second time from what is remembered
				answer, err := source.Status(context.Background(), tt.c, ca.Certificate, tt.when)
				if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
					t.Fatalf("error %v, want %v", err, tt.err)
				}
				if (answer.Revocation != nil) != tt.revoked {
					t.Errorf("revocation %v, want %v", answer.Revocation, tt.revoked)
				}
				if err == nil && (answer.Source == "" || answer.AsOf.IsZero()) {
					t.Errorf("the answer does not say where it comes from: %+v", answer)
				}
			}
		})
	}
}

// TestCRLIssuerIsWholeCertificate: what is remembered of a key does not count for a
// certificate of the same key that may not sign lists.
func TestCRLIssuerIsWholeCertificate(t *testing.T) {
	t.Parallel()
	ca := pkitest.NewBare(t, "CA", now)
	c := ca.Person(t, 7)
	other := ca.Certify(t, cert.Template{Subject: ca.Certificate.Subject, Key: ca.Key.Public(), IsCA: true, Usage: cert.KeyCertSign})
	source := path.NewCRL(path.ListsAtHand{list(t, ca, 1, 0, now.Add(-time.Hour), nil)}, path.CRLOptions{Now: clock})
	if _, err := source.Status(context.Background(), c, ca.Certificate, path.Claimed(now)); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Status(context.Background(), c, other, path.Claimed(now)); !errors.Is(err, crl.ErrWrongIssuer) {
		t.Errorf("%v, want ErrWrongIssuer", err)
	}
}

// oneResponse is a response at hand, or why there is none.
type oneResponse struct {
	response *ocsp.Response
	err      error
}

func (r oneResponse) Response(context.Context, *cert.Certificate, *cert.Certificate) (*ocsp.Response, error) {
	return r.response, r.err
}

func TestOCSP(t *testing.T) {
	t.Parallel()
	ca, stranger := pkitest.NewBare(t, "CA", now), pkitest.NewBare(t, "CA", now)
	c, other := ca.Person(t, 7), ca.Person(t, 8)
	responder, key := ca.Responder(t)
	respond := func(ca pkitest.Bare, c *cert.Certificate, from time.Time, status ocsp.Status, r cert.Revocation) oneResponse {
		id, err := ocsp.NewCertID(oid.SM3, ca.Certificate, c.SerialNumber())
		if err != nil {
			t.Fatal(err)
		}
		template := ocsp.Template{ProducedAt: from, Singles: []ocsp.Single{{ID: id, Status: status, Revocation: r, ThisUpdate: from, NextUpdate: from.AddDate(0, 0, 1)}}, Responder: responder}
		der, err := template.Sign(key)
		if err != nil {
			t.Fatal(err)
		}
		response, err := ocsp.ParseResponse(der)
		if err != nil {
			t.Fatal(err)
		}
		return oneResponse{response: response}
	}
	ended := cert.Revocation{At: now.AddDate(0, -1, 0), Reason: cert.Superseded}
	hold := cert.Revocation{At: now.AddDate(0, -1, 0), Reason: cert.CertificateHold}
	fresh, old := now.Add(-time.Hour), now.AddDate(0, 0, -10)
	offline := errors.New("offline")
	for _, tt := range []struct {
		name     string
		response oneResponse
		when     path.Moment
		issuer   *cert.Certificate
		revoked  bool
		err      error
	}{
		{"good", respond(ca, c, fresh, ocsp.Good, cert.Revocation{}), path.Claimed(now), ca.Certificate, false, nil},
		{"revoked", respond(ca, c, fresh, ocsp.Revoked, ended), path.Claimed(now), ca.Certificate, true, nil},
		{"on hold", respond(ca, c, fresh, ocsp.Revoked, hold), path.Claimed(now), ca.Certificate, true, nil},
		{"unknown", respond(ca, c, fresh, ocsp.Unknown, cert.Revocation{}), path.Claimed(now), ca.Certificate, false, path.ErrUnknownCert},
		{"old and good", respond(ca, c, old, ocsp.Good, cert.Revocation{}), path.Claimed(now), ca.Certificate, false, path.ErrStale},
		{"old and good, for a claim of then", respond(ca, c, old, ocsp.Good, cert.Revocation{}), path.Claimed(old.Add(time.Hour)), ca.Certificate, false, path.ErrStale},
		{"old and good, proven", respond(ca, c, old, ocsp.Good, cert.Revocation{}), path.Proven(old.Add(time.Hour)), ca.Certificate, false, nil},
		{"old and revoked", respond(ca, c, old, ocsp.Revoked, ended), path.Claimed(now), ca.Certificate, true, nil},
		{"old and on hold", respond(ca, c, old, ocsp.Revoked, hold), path.Claimed(now), ca.Certificate, false, path.ErrStale},
		{"of another certificate", respond(ca, other, fresh, ocsp.Good, cert.Revocation{}), path.Claimed(now), ca.Certificate, false, path.ErrNoResponse},
		{"of another authority's responder", respond(ca, c, fresh, ocsp.Good, cert.Revocation{}), path.Claimed(now), stranger.Certificate, false, ocsp.ErrWrongResponder},
		{"none", oneResponse{err: offline}, path.Claimed(now), ca.Certificate, false, offline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := path.NewOCSP(tt.response, second.Opinion{}, clock)
			answer, err := source.Status(context.Background(), c, tt.issuer, tt.when)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if (answer.Revocation != nil) != tt.revoked {
				t.Errorf("revocation %v, want %v", answer.Revocation, tt.revoked)
			}
		})
	}
	// Together: OCSP is offline, the CRL speaks.
	both := path.FirstOf{
		path.NewOCSP(oneResponse{err: offline}, nil, clock),
		path.NewCRL(path.ListsAtHand{list(t, ca, 1, 0, fresh, nil, entryOf(c, cert.Superseded))}, path.CRLOptions{Now: clock}),
	}
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{ca.Certificate}, Revocation: both})
	if err != nil {
		t.Fatal(err)
	}
	got := v.Verify(context.Background(), path.Request{Certificate: c, Purpose: path.PurposePerson, When: path.Claimed(now)})
	if got.Verdict != path.Invalid || !errors.Is(got.Err(), path.ErrRevoked) || got.Path[0].Answer.Source != "CRL 1" {
		t.Errorf("%v, %v, %+v", got.Verdict, got.Err(), got.Path[0].Answer)
	}
}
