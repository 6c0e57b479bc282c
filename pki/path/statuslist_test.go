package path_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// entries are status lists in a map; what is not there was not given out.
type entries map[cert.StatusEntry]path.EntryState

func (e entries) Entry(entry cert.StatusEntry) (path.EntryState, bool) {
	state, found := e[entry]
	return state, found
}

// fixed is a source that says one thing.
type fixed struct {
	answer path.Answer
	err    error
}

func (f fixed) Status(context.Context, *cert.Certificate, *cert.Certificate, path.Moment) (path.Answer, error) {
	return f.answer, f.err
}

func TestStatusList(t *testing.T) {
	t.Parallel()
	const maxAge = 72 * time.Hour
	authority, other := pkitest.NewBare(t, "CA", now), pkitest.NewBare(t, "别的", now)
	place := cert.StatusEntry{List: 1 << 31, Index: 77}
	template := cert.Template{
		Serial: pkitest.Serial(7), Subject: cert.Name{Country: "CN", CommonName: "张样例"}, Key: pkitest.NewKey(t).Public(), Usage: cert.DigitalSignature, StatusEntry: place,
	}
	c := authority.Certify(t, template)
	if got, found := c.StatusEntry(); !found || got != place {
		t.Fatalf("the certificate's place is %+v, %v", got, found)
	}
	foreign := other.Certify(t, template)
	template.StatusEntry = cert.StatusEntry{}
	placeless := authority.Certify(t, template)

	fresh, week := now.Add(-time.Hour), now.AddDate(0, 0, -7)
	good, revoked, suspended := path.EntryState{AsOf: fresh}, path.EntryState{Revoked: true, AsOf: fresh}, path.EntryState{Suspended: true, AsOf: fresh}
	both := path.EntryState{Revoked: true, Suspended: true, AsOf: fresh}
	silent := fixed{err: errOffline}
	free := fixed{answer: path.Answer{Source: "beside", AsOf: week}}
	dated := func(reason cert.Reason, asOf time.Time) path.Revocation {
		return fixed{answer: path.Answer{Revocation: &cert.Revocation{At: week, Reason: reason}, Source: "beside", AsOf: asOf}}
	}
	const listSays, besideSays = "status list", "beside"
	for _, tt := range []struct {
		name    string
		c       *cert.Certificate
		state   *path.EntryState // nil: not given out
		beside  path.Revocation
		when    path.Moment
		source  string // empty: cannot say
		verdict path.Verdict
		err     error
	}{
		{"free", c, &good, nil, path.Claimed(now), listSays, path.Valid, nil},
		{"free, signed long ago", c, &good, nil, path.Claimed(week), listSays, path.Valid, nil},
		{"free, nothing beside it", c, &good, silent, path.Claimed(now), listSays, path.Valid, nil},
		{"not given out when the list was made", c, nil, nil, path.Claimed(now), "", 0, path.ErrNoEntry},
		{"not given out, and the other source cannot say", c, nil, silent, path.Claimed(now), "", 0, errOffline},
		{"not given out, and the other source can", c, nil, free, path.Claimed(now), besideSays, path.Valid, nil},
		{"no place", placeless, &good, nil, path.Claimed(now), "", 0, path.ErrNoEntry},
		{"no place, and the other source can say", placeless, &good, free, path.Claimed(now), besideSays, path.Valid, nil},
		{"a place in another authority's lists", foreign, &good, nil, path.Claimed(now), "", 0, path.ErrNoEntry},
		{"a revoked place in another authority's lists", foreign, &revoked, free, path.Claimed(now), besideSays, path.Valid, nil},

		{"old", c, &path.EntryState{AsOf: now.Add(-maxAge)}, nil, path.Claimed(now), listSays, path.Valid, nil},
		{"too old", c, &path.EntryState{AsOf: now.Add(-maxAge - time.Second)}, nil, path.Claimed(now), "", 0, path.ErrStale},
		{"too old, and the other source can say", c, &path.EntryState{AsOf: week}, free, path.Claimed(now), besideSays, path.Valid, nil},
		{"too old, and the other source cannot say", c, &path.EntryState{AsOf: week}, silent, path.Claimed(now), "", 0, errOffline},
		{"too old for a claim of its time", c, &path.EntryState{AsOf: week}, nil, path.Claimed(week), "", 0, path.ErrStale},
		{"not too old for a proven moment of its time", c, &path.EntryState{AsOf: week}, nil, path.Proven(week), listSays, path.Valid, nil},
		{"of the future", c, &path.EntryState{AsOf: now.Add(time.Hour)}, nil, path.Claimed(now), "", 0, path.ErrStale},

		{"revoked, signed since", c, &revoked, nil, path.Claimed(now), listSays, path.Invalid, nil},
		{"revoked, signed that second", c, &revoked, nil, path.Proven(fresh), listSays, path.Invalid, nil},
		{"revoked, signed before", c, &revoked, nil, path.Claimed(week), "", 0, path.ErrUndated},
		{"revoked, proven before", c, &revoked, nil, path.Proven(week), "", 0, path.ErrUndated},
		{"revoked, and an older source says free", c, &revoked, free, path.Claimed(now), listSays, path.Invalid, nil},
		{"revoked, signed before, and an older source says free", c, &revoked, free, path.Claimed(week.AddDate(0, 0, -1)), "", 0, path.ErrUndated},
		{"revoked on an old list", c, &path.EntryState{Revoked: true, AsOf: week}, nil, path.Claimed(now), listSays, path.Invalid, nil},
		{"revoked, and the other source has the date", c, &revoked, dated(cert.Superseded, fresh), path.Claimed(week.Add(-time.Hour)), besideSays, path.Valid, nil},
		{"revoked and suspended", c, &both, nil, path.Claimed(now), listSays, path.Invalid, nil},
		{"free, and the other source says revoked", c, &good, dated(cert.KeyCompromise, week), path.Claimed(now), besideSays, path.Invalid, nil},

		{"suspended, signed since", c, &suspended, nil, path.Claimed(now), listSays, path.CannotSay, nil},
		{"suspended, signed before", c, &suspended, nil, path.Claimed(week), "", 0, path.ErrSuspended},
		{"suspended, proven before", c, &suspended, nil, path.Proven(week), "", 0, path.ErrSuspended},
		{"suspended, and an older source says free", c, &suspended, free, path.Claimed(now), listSays, path.CannotSay, nil},
		{"suspended, and the other source has the date", c, &suspended, dated(cert.CertificateHold, fresh), path.Proven(week.Add(-time.Hour)), besideSays, path.Valid, nil},
		{"released since the other source said held", c, &good, dated(cert.CertificateHold, week), path.Claimed(now), listSays, path.Valid, nil},
		{"held since the list was made", c, &good, dated(cert.CertificateHold, now), path.Claimed(now), besideSays, path.CannotSay, nil},
		{"an old list does not release", c, &path.EntryState{AsOf: now.AddDate(0, 0, -5)}, dated(cert.CertificateHold, week), path.Claimed(now), besideSays, path.CannotSay, nil},
	} {
		lists := entries{}
		if tt.state != nil {
			lists[place] = *tt.state
		}
		source := path.NewStatusList(lists, path.StatusListOptions{Authorities: []pki.Point{authority.Key.Public().Point()}, MaxAge: maxAge, Beside: tt.beside, Now: clock})
		issuer := authority.Certificate
		if tt.c == foreign {
			issuer = other.Certificate
		}
		answer, err := source.Status(context.Background(), tt.c, issuer, tt.when)
		if tt.source == "" {
			if !errors.Is(err, tt.err) || answer.Revocation != nil {
				t.Errorf("%s: %+v, %v, want %v", tt.name, answer, err, tt.err)
			}
			continue
		}
		verdict := path.Valid
		if answer.Revocation != nil {
			verdict = path.Judge(*answer.Revocation, tt.when)
		}
		if err != nil || answer.Source != tt.source || verdict != tt.verdict {
			t.Errorf("%s: %s says %v (%+v), %v, want %s and %v", tt.name, answer.Source, verdict, answer.Revocation, err, tt.source, tt.verdict)
		}
	}
}
