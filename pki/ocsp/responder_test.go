package ocsp_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
)

// ledger is an ocsp.Ledger in memory.
type ledger struct {
	mu        sync.Mutex
	standings map[pki.Point]map[string]ocsp.Standing
	fail      error
	asked     func(serial []byte) // called before an answer is given
}

func newLedger() *ledger { return &ledger{standings: map[pki.Point]map[string]ocsp.Standing{}} }

func (l *ledger) set(issuer *cert.Certificate, serial []byte, s ocsp.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.standings[issuer.Key.Point()]
	if of == nil {
		of = map[string]ocsp.Standing{}
		l.standings[issuer.Key.Point()] = of
	}
	of[string(serial)] = s
}

func (l *ledger) Standing(ctx context.Context, issuer pki.Point, serial []byte) (ocsp.Standing, error) {
	if l.asked != nil {
		l.asked(serial)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.fail, ctx.Err()); err != nil {
		return ocsp.Standing{}, err
	}
	return l.standings[issuer][string(serial)], nil
}

func (l *ledger) Unexpired(_ context.Context, issuer pki.Point) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		l.mu.Lock()
		of := maps.Clone(l.standings[issuer])
		l.mu.Unlock()
		for _, serial := range slices.Sorted(maps.Keys(of)) {
			if of[serial].Recorded && !yield([]byte(serial), nil) {
				return
			}
		}
	}
}

var plan = ocsp.Plan{Life: 12 * time.Hour, Renew: 4 * time.Hour, MaxAge: time.Hour}

// house is two authorities with their responder.
type house struct {
	one, two  pkitest.Bare
	ledger    *ledger
	shelf     *ocsp.MemoryShelf
	responder *ocsp.Responder
	at        time.Time
	reports   []error
	busy      bool // nothing may be signed for askers
}

func newHouse(tb testing.TB, plan ocsp.Plan) *house {
	tb.Helper()
	h := &house{one: pkitest.NewBare(tb, "一", now), two: pkitest.NewBare(tb, "二", now), ledger: newLedger(), shelf: ocsp.NewMemoryShelf(1 << 30), at: now}
	certificate, key := h.one.Responder(tb)
	var err error
	h.responder, err = ocsp.NewResponder(plan, ocsp.Environment{
		Ledger: h.ledger, Shelf: h.shelf, Now: func() time.Time { return h.at }, Draw: func(n int64) int64 { return n / 2 },
		Report: func(err error) { h.reports = append(h.reports, err) }, MaySign: func() bool { return !h.busy },
	}, ocsp.Authority{Issuer: h.one.Certificate, Responder: certificate, Key: key}, ocsp.Authority{Issuer: h.two.Certificate, Key: h.two.Key})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// issue records a certificate.
func (h *house) issue(tb testing.TB, a pkitest.Bare, number uint64) *cert.Certificate {
	tb.Helper()
	c := a.Person(tb, number)
	h.ledger.set(a.Certificate, c.SerialNumber(), ocsp.Standing{Recorded: true})
	return c
}

// status asks about one certificate as a client would and verifies the answer.
func (h *house) status(tb testing.TB, a pkitest.Bare, hash oid.ID, c *cert.Certificate, nonce []byte) (ocsp.Single, ocsp.Answer) {
	tb.Helper()
	answer := h.responder.Respond(context.Background(), request(tb, nonce, certID(tb, hash, a.Certificate, c.SerialNumber())))
	if answer.Cause != nil {
		tb.Fatal(answer.Cause)
	}
	r := parse(tb, answer.DER)
	if err := r.Verify(a.Certificate, h.at, second.Opinion{}); err != nil {
		tb.Fatal(err)
	}
	single, found := r.Find(c, a.Certificate)
	if !found || !single.CurrentAt(h.at) || !bytes.Equal(r.Nonce, nonce) {
		tb.Fatalf("found %v, %+v, nonce %x", found, single, r.Nonce)
	}
	return single, answer
}

func TestRespond(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan)
	hold := cert.Revocation{At: now.Add(-time.Hour), Reason: cert.CertificateHold}
	lost := cert.Revocation{At: now.Add(-time.Hour), Reason: cert.KeyCompromise}
	for _, a := range []pkitest.Bare{h.one, h.two} {
		good, held, revoked, never := h.issue(t, a, 10), h.issue(t, a, 11), h.issue(t, a, 12), a.Person(t, 13)
		intended, ended := a.Person(t, 14), a.Person(t, 15)
		h.ledger.set(a.Certificate, held.SerialNumber(), ocsp.Standing{Recorded: true, Revoked: true, Revocation: hold})
		h.ledger.set(a.Certificate, revoked.SerialNumber(), ocsp.Standing{Recorded: true, Revoked: true, Revocation: lost})
		h.ledger.set(a.Certificate, intended.SerialNumber(), ocsp.Standing{})
		h.ledger.set(a.Certificate, ended.SerialNumber(), ocsp.Standing{Revoked: true, Revocation: lost})
		for _, hash := range ocsp.Hashes() {
			for _, nonce := range [][]byte{nil, {1, 2, 3}} {
				for _, tt := range []struct {
					c      *cert.Certificate
					status ocsp.Status
					end    cert.Revocation
				}{
					{good, ocsp.Good, cert.Revocation{}}, {held, ocsp.Revoked, hold}, {revoked, ocsp.Revoked, lost},
					{never, ocsp.Unknown, cert.Revocation{}}, {intended, ocsp.Unknown, cert.Revocation{}}, {ended, ocsp.Revoked, lost},
				} {
					single, answer := h.status(t, a, hash, tt.c, nonce)
					if single.Status != tt.status || single.Revocation != tt.end {
						t.Errorf("%x: %s %+v, want %s %+v", tt.c.SerialNumber(), single.Status, single.Revocation, tt.status, tt.end)
					}
					mayKeep := nonce == nil && tt.status != ocsp.Unknown
					if kept := answer.MaxAge > 0; kept != mayKeep || kept && (answer.MaxAge != time.Hour || answer.ETag == "" || !answer.Expires.Equal(now.Add(time.Hour))) {
						t.Errorf("%s with nonce %x: %+v", tt.status, nonce, answer)
					}
				}
			}
		}
	}
}

func TestRefusesToRespond(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan)
	stranger := pkitest.NewBare(t, "一", now) // same name, another key
	good := h.issue(t, h.one, 10)
	one := certID(t, oid.SHA1, h.one.Certificate, good.SerialNumber())
	ask := func(ctx context.Context, der []byte, want ocsp.Refusal) {
		t.Helper()
		answer := h.responder.Respond(ctx, der)
		_, err := ocsp.ParseResponse(answer.DER)
		if got, _ := answer.Refusal(); err != error(want) || got != want || answer.MaxAge != 0 || answer.ETag != "" {
			t.Errorf("%v, %+v, want %v", err, answer, want)
		}
	}
	ctx := context.Background()
	ask(ctx, nil, ocsp.MalformedRequest)
	ask(ctx, make([]byte, 1<<20), ocsp.MalformedRequest)
	ask(ctx, request(t, nil, certID(t, oid.SHA1, stranger.Certificate, []byte{10})), ocsp.Unauthorized)
	ask(ctx, request(t, nil, one, certID(t, oid.SHA1, stranger.Certificate, []byte{10})), ocsp.Unauthorized)
	ask(ctx, request(t, nil, one, certID(t, oid.SHA1, h.two.Certificate, []byte{10})), ocsp.Unauthorized)
	h.ledger.fail = errors.New("disk full")
	ask(ctx, request(t, nil, one), ocsp.InternalError)
	h.ledger.fail = nil
	ended, cancel := context.WithCancel(ctx)
	cancel()
	ask(ended, request(t, nil, one), ocsp.TryLater)
	h.at = now.AddDate(20, 0, 0)
	ask(ctx, request(t, nil, one), ocsp.InternalError)
}

// TestBusy: who asks for more than is signed is told to try later, and what was made
// ahead is given all the same.
func TestBusy(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan)
	c := h.issue(t, h.one, 10)
	if _, err := h.responder.Produce(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.busy = true
	if single, _ := h.status(t, h.one, oid.SHA1, c, nil); single.Status != ocsp.Good {
		t.Errorf("an answer made ahead: %+v", single)
	}
	answer := h.responder.Respond(context.Background(), request(t, []byte{1}, certID(t, oid.SHA1, h.one.Certificate, c.SerialNumber())))
	if refusal, _ := answer.Refusal(); refusal != ocsp.TryLater || !errors.Is(answer.Cause, ocsp.ErrBusy) {
		t.Errorf("an answer with a nonce: %+v", answer)
	}
}

func TestSeveralCertificates(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan)
	c := []*cert.Certificate{h.issue(t, h.one, 10), h.issue(t, h.one, 11)}
	h.ledger.set(h.one.Certificate, c[1].SerialNumber(), ocsp.Standing{Recorded: true, Revoked: true, Revocation: cert.Revocation{At: now}})
	answer := h.responder.Respond(context.Background(), request(t, nil,
		certID(t, oid.SHA1, h.one.Certificate, c[0].SerialNumber()), certID(t, oid.SM3, h.one.Certificate, c[1].SerialNumber())))
	r := parse(t, answer.DER)
	for i, want := range []ocsp.Status{ocsp.Good, ocsp.Revoked} {
		if s, found := r.Find(c[i], h.one.Certificate); !found || s.Status != want || len(r.Singles) != 2 {
			t.Errorf("certificate %d: %s, %v", i, s.Status, found)
		}
	}
}

func TestAuthoritiesAreChecked(t *testing.T) {
	t.Parallel()
	a, other := pkitest.NewBare(t, "一", now), pkitest.NewBare(t, "二", now)
	certificate, key := a.Responder(t)
	for name, authorities := range map[string][]ocsp.Authority{
		"another's responder": {{Issuer: other.Certificate, Responder: certificate, Key: key}},
		"another key":         {{Issuer: a.Certificate, Responder: certificate, Key: a.Key}},
		"another issuer key":  {{Issuer: a.Certificate, Key: other.Key}},
		"not a responder":     {{Issuer: a.Certificate, Responder: a.Person(t, 5), Key: key}},
		"twice":               {{Issuer: a.Certificate, Key: a.Key}, {Issuer: a.Certificate, Responder: certificate, Key: key}},
	} {
		if _, err := ocsp.NewResponder(plan, ocsp.Environment{}, authorities...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, wrong := range map[string]ocsp.Plan{
		"no life": {Renew: time.Minute}, "late renewal": {Life: time.Hour, Renew: time.Hour}, "no renewal": {Life: time.Hour},
		"SM4": {Life: time.Hour, Renew: time.Minute, Hashes: []oid.ID{oid.SM4}}, "age": {Life: time.Hour, Renew: time.Minute, MaxAge: -1},
	} {
		if _, err := ocsp.NewResponder(wrong, ocsp.Environment{}); err == nil {
			t.Errorf("plan with %s: accepted", name)
		}
	}
}

func TestProduce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, plan)
	const n = 300
	certificates := make([]*cert.Certificate, n)
	for i := range certificates {
		certificates[i] = h.issue(t, h.one, uint64(100+i))
	}
	other := h.issue(t, h.two, 100)
	intended := h.one.Person(t, 99)
	h.ledger.set(h.one.Certificate, intended.SerialNumber(), ocsp.Standing{})
	if made, err := h.responder.Produce(ctx); err != nil || made != n+1 || h.shelf.Len() != n+1 {
		t.Fatalf("%d made, %d on the shelf: %v", made, h.shelf.Len(), err)
	}
	if made, err := h.responder.Produce(ctx); err != nil || made != 0 {
		t.Errorf("the second pass makes %d: %v", made, err)
	}
	// What is on the shelf needs no ledger.
	h.ledger.fail = errors.New("disk full")
	first, answer := h.status(t, h.one, oid.SHA1, certificates[7], nil)
	_, again := h.status(t, h.one, oid.SHA1, certificates[7], nil)
	if !bytes.Equal(answer.DER, again.DER) || answer.ETag != again.ETag || answer.MaxAge != time.Hour || first.Status != ocsp.Good {
		t.Errorf("served twice: %+v, %+v", answer, again)
	}
	if s, _ := h.status(t, h.two, oid.SHA1, other, nil); s.Status != ocsp.Good {
		t.Errorf("the other authority: %s", s.Status)
	}
	h.ledger.fail = nil
	// Caches are told the rest of the life when that is less than they may have.
	h.at = first.NextUpdate.Add(-10 * time.Minute)
	if _, answer := h.status(t, h.one, oid.SHA1, certificates[7], nil); answer.MaxAge != 10*time.Minute {
		t.Errorf("ten minutes before the end: %+v", answer)
	}
	if made, err := h.responder.Produce(ctx); err != nil || made != n+1 {
		t.Errorf("near the end %d are made: %v", made, err)
	}
	if s, _ := h.status(t, h.one, oid.SHA1, certificates[7], nil); !s.NextUpdate.After(first.NextUpdate) {
		t.Errorf("the new response ends %s", s.NextUpdate)
	}
	h.at = now.Add(48 * time.Hour)
	if s, _ := h.status(t, h.one, oid.SHA1, certificates[7], nil); !s.ThisUpdate.Equal(h.at) {
		t.Errorf("after the end an old response is served: %+v", s)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, plan)
	c := h.issue(t, h.one, 10)
	if _, err := h.responder.Produce(ctx); err != nil {
		t.Fatal(err)
	}
	revocation := cert.Revocation{At: now, Reason: cert.CertificateHold}
	h.ledger.set(h.one.Certificate, c.SerialNumber(), ocsp.Standing{Recorded: true, Revoked: true, Revocation: revocation})
	if err := h.responder.Changed(ctx, h.one.Certificate.Key.Point(), c.SerialNumber()); err != nil {
		t.Fatal(err)
	}
	if s, _ := h.status(t, h.one, oid.SHA1, c, nil); s.Status != ocsp.Revoked || s.Revocation != revocation || h.shelf.Len() != 1 {
		t.Errorf("after Changed: %s, %d on the shelf", s.Status, h.shelf.Len())
	}
	// The ledger fails while the response is made anew: the old one is gone all the same.
	h.ledger.fail = errors.New("disk full")
	if err := h.responder.Changed(ctx, h.one.Certificate.Key.Point(), c.SerialNumber()); err == nil || h.shelf.Len() != 0 {
		t.Errorf("with a failing ledger: %v, %d on the shelf", err, h.shelf.Len())
	}
	if err := h.responder.Changed(ctx, pki.Point{}, c.SerialNumber()); err == nil {
		t.Error("a change at no authority of ours")
	}
}

// TestRevokedWhileItIsMade: a certificate is revoked between the question to the
// ledger and the shelf. Nothing that is no longer true stays there.
func TestRevokedWhileItIsMade(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, plan)
	c := h.issue(t, h.one, 10)
	questions := 0
	h.ledger.asked = func([]byte) {
		if questions++; questions == 2 {
			h.ledger.asked = nil
			h.ledger.set(h.one.Certificate, c.SerialNumber(), ocsp.Standing{Recorded: true, Revoked: true, Revocation: cert.Revocation{At: now}})
		}
	}
	if _, err := h.responder.Produce(ctx); err != nil {
		t.Fatal(err)
	}
	if questions != 2 || h.shelf.Len() != 0 {
		t.Errorf("%d questions, %d on the shelf", questions, h.shelf.Len())
	}
	if s, _ := h.status(t, h.one, oid.SHA1, c, nil); s.Status != ocsp.Revoked {
		t.Errorf("status %s", s.Status)
	}
}

func TestShelfIsBounded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := ocsp.NewMemoryShelf(2000)
	ready := func(id byte, size int, end time.Time) ocsp.Ready {
		return ocsp.Ready{ID: []byte{id}, DER: make([]byte, size), NextUpdate: end}
	}
	if err := s.Put(ctx, ready(1, 700, now), ready(2, 700, now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, ready(3, 700, now)); !errors.Is(err, ocsp.ErrShelfFull) || s.Len() != 2 {
		t.Errorf("a third: %v, %d", err, s.Len())
	}
	if err := s.Put(ctx, ready(2, 750, now.Add(time.Hour))); err != nil {
		t.Errorf("in place of another: %v", err)
	}
	if err := s.Prune(ctx, now); err != nil || s.Len() != 1 {
		t.Errorf("pruned: %v, %d", err, s.Len())
	}
	if err := errors.Join(s.Remove(ctx, []byte{9}), s.Put(ctx, ready(3, 700, now))); err != nil {
		t.Errorf("after the end of another: %v", err)
	}
}

// TestFullShelf: what has no place is answered on demand.
func TestFullShelf(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plan)
	small := ocsp.NewMemoryShelf(1)
	r, err := ocsp.NewResponder(plan, ocsp.Environment{Ledger: h.ledger, Shelf: small, Now: func() time.Time { return now }, Draw: func(int64) int64 { return 0 }},
		ocsp.Authority{Issuer: h.two.Certificate, Key: h.two.Key})
	if err != nil {
		t.Fatal(err)
	}
	h.responder = r
	c := h.issue(t, h.two, 10)
	if _, err := r.Produce(context.Background()); !errors.Is(err, ocsp.ErrShelfFull) {
		t.Errorf("Produce = %v", err)
	}
	if err := r.Changed(context.Background(), h.two.Certificate.Key.Point(), c.SerialNumber()); err != nil {
		t.Errorf("Changed = %v", err)
	}
	if s, _ := h.status(t, h.two, oid.SHA1, c, nil); s.Status != ocsp.Good {
		t.Error(s.Status)
	}
}

// TestRun goes through a week in a bubble: every answer comes from the shelf.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := pkitest.NewBare(t, "一", time.Now())
		l, shelf := newLedger(), ocsp.NewMemoryShelf(1<<20)
		c := a.Person(t, 10)
		l.set(a.Certificate, c.SerialNumber(), ocsp.Standing{Recorded: true})
		r, err := ocsp.NewResponder(plan, ocsp.Environment{
			Ledger: l, Shelf: shelf, Now: time.Now, Draw: func(n int64) int64 { return n - 1 }, Report: func(err error) { t.Error(err) },
		}, ocsp.Authority{Issuer: a.Certificate, Key: a.Key})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		id := certID(t, oid.SHA1, a.Certificate, c.SerialNumber())
		for hour := range 7 * 24 {
			synctest.Wait()
			l.mu.Lock()
			l.fail = errors.New("the ledger is asked") // between passes
			l.mu.Unlock()
			answer := r.Respond(ctx, request(t, nil, id))
			l.mu.Lock()
			l.fail = nil
			l.mu.Unlock()
			if answer.Cause != nil {
				t.Errorf("hour %d: %v", hour, answer.Cause)
			}
			time.Sleep(time.Hour)
		}
		cancel()
		<-done
	})
}

func TestDecodePath(t *testing.T) {
	t.Parallel()
	// Bytes whose base64 has every character that clients treat differently.
	der := []byte{0xfb, 0xff, 0xbf, 0xfe}
	for path, want := range map[string][]byte{
		"+/+//g==": der, "%2B%2F%2B%2F%2Fg%3D%3D": der, "%2b/%2b//g%3d=": der, "MAA=": {0x30, 0},
		"": nil, "MAA": nil, "MAB=": nil, "M A=": nil, "%": nil, "%zz": nil, "MAA=\n": nil, "MAA%0A=": nil, "-_-__g==": nil, "MAA=MAA=": nil,
	} {
		got, err := ocsp.DecodePath(path)
		if !bytes.Equal(got, want) || (err == nil) != (want != nil) || err != nil && !errors.Is(err, ocsp.ErrMalformed) {
			t.Errorf("DecodePath(%q) = %x, %v", path, got, err)
		}
	}
	if _, err := ocsp.DecodePath(string(bytes.Repeat([]byte("MAAA"), ocsp.MaxRequest))); !errors.Is(err, ocsp.ErrMalformed) {
		t.Errorf("a long path: %v", err)
	}
}
