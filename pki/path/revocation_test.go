package path_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	revoked := now
	earlier, later := now.Add(-time.Second), now.Add(time.Second)
	for _, tt := range []struct {
		name            string
		r               cert.Revocation
		at              time.Time
		claimed, proven path.Verdict
	}{
		{"superseded, signed before", cert.Revocation{At: revoked, Reason: cert.Superseded}, earlier, path.Valid, path.Valid},
		{"superseded, signed in that second", cert.Revocation{At: revoked, Reason: cert.Superseded}, revoked, path.Invalid, path.Invalid},
		{"superseded, signed after", cert.Revocation{At: revoked, Reason: cert.Superseded}, later, path.Invalid, path.Invalid},
		{"no reason, signed before", cert.Revocation{At: revoked}, earlier, path.Valid, path.Valid},
		{"no reason, signed after", cert.Revocation{At: revoked}, later, path.Invalid, path.Invalid},
		{"affiliation changed, signed between", cert.Revocation{At: revoked, InvalidAt: revoked.Add(-time.Hour), Reason: cert.AffiliationChanged}, earlier, path.Invalid, path.Invalid},
		{"an invalidity date after the revocation moves nothing", cert.Revocation{At: revoked, InvalidAt: revoked.Add(time.Hour), Reason: cert.Superseded}, later, path.Invalid, path.Invalid},
		{"key compromise, signed before", cert.Revocation{At: revoked, Reason: cert.KeyCompromise}, earlier, path.Invalid, path.Valid},
		{"key compromise, signed between", cert.Revocation{At: revoked, InvalidAt: revoked.Add(-time.Hour), Reason: cert.KeyCompromise}, earlier, path.Invalid, path.Invalid},
		{"key compromise, signed before it was known", cert.Revocation{At: revoked, InvalidAt: revoked.Add(-time.Hour), Reason: cert.KeyCompromise}, revoked.Add(-2 * time.Hour), path.Invalid, path.Valid},
		{"key compromise, signed after", cert.Revocation{At: revoked, Reason: cert.KeyCompromise}, later, path.Invalid, path.Invalid},
		{"CA compromise, signed before", cert.Revocation{At: revoked, Reason: cert.CACompromise}, earlier, path.Invalid, path.Valid},
		{"AA compromise, signed before", cert.Revocation{At: revoked, Reason: cert.AACompromise}, earlier, path.Invalid, path.Valid},
		{"on hold, signed before", cert.Revocation{At: revoked, Reason: cert.CertificateHold}, earlier, path.CannotSay, path.Valid},
		{"on hold, signed after", cert.Revocation{At: revoked, Reason: cert.CertificateHold}, later, path.CannotSay, path.CannotSay},
		{"taken back", cert.Revocation{At: revoked, Reason: cert.RemoveFromCRL}, later, path.Valid, path.Valid},
	} {
		if got := path.Judge(tt.r, path.Claimed(tt.at)); got != tt.claimed {
			t.Errorf("%s, claimed: %v, want %v", tt.name, got, tt.claimed)
		}
		if got := path.Judge(tt.r, path.Proven(tt.at)); got != tt.proven {
			t.Errorf("%s, proven: %v, want %v", tt.name, got, tt.proven)
		}
	}
}

// told is a source that says what it was told, by common name.
type told struct {
	revoked map[string]cert.Revocation
	silent  map[string]error
	asked   map[string]int
}

func (s told) Status(_ context.Context, c, issuer *cert.Certificate, _ path.Moment) (path.Answer, error) {
	if s.asked != nil {
		s.asked[c.Subject.CommonName]++
	}
	if !issuer.CanonicalSubject().Equal(c.CanonicalIssuer()) {
		return path.Answer{}, errors.New("asked with the wrong issuer")
	}
	if err := s.silent[c.Subject.CommonName]; err != nil {
		return path.Answer{}, err
	}
	if r, found := s.revoked[c.Subject.CommonName]; found {
		return path.Answer{Revocation: &r}, nil
	}
	return path.Answer{}, nil
}

var errOffline = errors.New("offline")

func TestRevocationOfAPath(t *testing.T) {
	t.Parallel()
	before := cert.Revocation{At: now.AddDate(0, -1, 0), Reason: cert.CessationOfOperation}
	after := cert.Revocation{At: now.AddDate(0, 1, 0), Reason: cert.CessationOfOperation}
	hold := cert.Revocation{At: now.AddDate(0, -1, 0), Reason: cert.CertificateHold}
	w := newWorld(t)
	r := w.root("R")
	a := w.authority(r, "A")
	b := built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	for _, tt := range []struct {
		name     string
		source   path.Revocation
		verdict  path.Verdict
		is       error
		statuses [3]path.Status
	}{
		{"no source", nil, path.Valid, nil, [3]path.Status{path.RevocationNotChecked, path.RevocationNotChecked, path.RevocationNotNeeded}},
		{"all good", told{}, path.Valid, nil, [3]path.Status{path.NotRevoked, path.NotRevoked, path.RevocationNotNeeded}},
		{"end revoked", told{revoked: map[string]cert.Revocation{"E": before}}, path.Invalid, path.ErrRevoked, [3]path.Status{path.Revoked, path.NotRevoked, path.RevocationNotNeeded}},
		{"authority revoked", told{revoked: map[string]cert.Revocation{"A": before}}, path.Invalid, path.ErrRevoked, [3]path.Status{path.RevocationNotChecked, path.Revoked, path.RevocationNotNeeded}},
		{"end revoked later", told{revoked: map[string]cert.Revocation{"E": after}}, path.Valid, nil, [3]path.Status{path.RevokedLater, path.NotRevoked, path.RevocationNotNeeded}},
		{"end on hold", told{revoked: map[string]cert.Revocation{"E": hold}}, path.CannotSay, path.ErrSuspended, [3]path.Status{path.RevocationUnknown, path.NotRevoked, path.RevocationNotNeeded}},
		{"the source is silent about the end", told{silent: map[string]error{"E": errOffline}}, path.CannotSay, errOffline, [3]path.Status{path.RevocationUnknown, path.NotRevoked, path.RevocationNotNeeded}},
		{"silent about the authority, end good", told{silent: map[string]error{"A": errOffline}}, path.CannotSay, path.ErrNoStatus, [3]path.Status{path.NotRevoked, path.RevocationUnknown, path.RevocationNotNeeded}},
		{"silent about the authority, end revoked", told{silent: map[string]error{"A": errOffline}, revoked: map[string]cert.Revocation{"E": before}}, path.Invalid, path.ErrRevoked, [3]path.Status{path.Revoked, path.RevocationUnknown, path.RevocationNotNeeded}},
		{"the first source is silent", path.FirstOf{told{silent: map[string]error{"A": errOffline, "E": errOffline}}, told{}}, path.Valid, nil, [3]path.Status{path.NotRevoked, path.NotRevoked, path.RevocationNotNeeded}},
		{"the first source answers", path.FirstOf{told{}, told{revoked: map[string]cert.Revocation{"E": before}}}, path.Valid, nil, [3]path.Status{path.NotRevoked, path.NotRevoked, path.RevocationNotNeeded}},
		{"no sources at all", path.FirstOf{}, path.CannotSay, path.ErrNoStatus, [3]path.Status{path.RevocationUnknown, path.RevocationUnknown, path.RevocationNotNeeded}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := b.ask(t, path.Options{Revocation: tt.source})
			if got.Verdict != tt.verdict || !errors.Is(got.Err(), tt.is) {
				t.Errorf("%v, %v, want %v, %v", got.Verdict, got.Err(), tt.verdict, tt.is)
			}
			if wrapped := errors.Is(got.Err(), path.ErrCannotSay); wrapped != (tt.verdict == path.CannotSay) {
				t.Errorf("%v says that it cannot say: %v", got.Err(), wrapped)
			}
			for i, want := range tt.statuses {
				if got.Path[i].Revocation != want {
					t.Errorf("certificate %d: %v, want %v", i, got.Path[i].Revocation, want)
				}
			}
			if checked := got.RevocationChecked(); checked != (tt.source != nil && tt.verdict == path.Valid || tt.name == "end revoked") {
				t.Errorf("RevocationChecked = %v", checked)
			}
		})
	}
}

// TestRevocationAndDetours: an authority's revocation closes one way, the end
// certificate's closes all.
func TestRevocationAndDetours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, theirs := w.root("R"), w.root("T")
	first := w.authority(r, "T", sameKey(theirs))
	second := w.authority(r, "T", sameKey(theirs))
	b := built{anchor: r, between: []*node{first, second}, end: w.end(theirs, "E")}
	closed := bySerial{first.c.Serial(): {At: now.AddDate(0, -1, 0), Reason: cert.Superseded}}
	if got := b.ask(t, path.Options{Revocation: closed}); got.Verdict != path.Valid || !got.Path[1].Certificate.Equal(second.c) {
		t.Errorf("one of two ways is revoked: %v, %v", got.Verdict, got.Err())
	}
	closed[second.c.Serial()] = closed[first.c.Serial()]
	if got := b.ask(t, path.Options{Revocation: closed}); got.Verdict != path.Invalid || !errors.Is(got.Err(), path.ErrRevoked) {
		t.Errorf("both ways are revoked: %v, %v", got.Verdict, got.Err())
	}
}

type bySerial map[string]cert.Revocation

func (s bySerial) Status(_ context.Context, c, _ *cert.Certificate, _ path.Moment) (path.Answer, error) {
	if r, found := s[c.Serial()]; found {
		return path.Answer{Revocation: &r}, nil
	}
	return path.Answer{}, nil
}

// TestResponderIsNotAskedAbout: the certificate of a responder that says so.
func TestResponderIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	responder := all(extUsage(false, oid.UsageOCSPSigning), with(oid.OCSPNoCheck, false, []byte{5, 0}))
	b := built{anchor: r, end: w.end(r, "E", responder), purpose: path.PurposeOCSP}
	if got := b.ask(t, path.Options{Revocation: path.FirstOf{}}); got.Verdict != path.Valid {
		t.Errorf("%v, %v", got.Verdict, got.Err())
	}
	b.end = w.end(r, "E", with(oid.OCSPNoCheck, false, []byte{5, 0}))
	b.purpose = path.PurposePerson
	if got := b.ask(t, path.Options{Revocation: path.FirstOf{}}); got.Verdict != path.CannotSay {
		t.Errorf("a person is not asked about: %v, %v", got.Verdict, got.Err())
	}
}
