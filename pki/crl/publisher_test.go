package crl_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

// books is a ledger and a store in memory.
type books struct {
	mu       sync.Mutex
	plan     crl.Plan
	sequence uint64
	entries  map[string]crl.Entry // by serial number
	changed  map[string]uint64
	numbers  map[string]uint64
	lists    map[string]crl.Published
	history  []crl.Published
	fail     error                 // of reading the ledger
	reading  func()                // called when the ledger is read
	reports  map[string]crl.Report // the last of every name
	failures map[string]int        // how many reports with an error
}

func newBooks(plan crl.Plan) *books {
	return &books{
		plan: plan, entries: map[string]crl.Entry{}, changed: map[string]uint64{}, numbers: map[string]uint64{},
		lists: map[string]crl.Published{}, reports: map[string]crl.Report{}, failures: map[string]int{},
	}
}

func (b *books) set(e crl.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sequence++
	b.entries[string(e.Serial)], b.changed[string(e.Serial)] = e, b.sequence
}

// failWith makes every reading of the ledger end with an error, or none with nil.
func (b *books) failWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func (b *books) Sequence(context.Context, pki.Point) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sequence, nil
}

func (b *books) Revoked(_ context.Context, _ pki.Point, shard int) iter.Seq2[crl.Entry, error] {
	return b.yield(shard, func(serial string) bool { return b.entries[serial].Reason != cert.RemoveFromCRL })
}

func (b *books) RevokedSince(_ context.Context, _ pki.Point, shard int, sequence uint64) iter.Seq2[crl.Entry, error] {
	return b.yield(shard, func(serial string) bool { return b.changed[serial] > sequence })
}

// shardOf spreads serial numbers as an authority does.
func shardOf(serial string, p crl.Plan) int {
	if p.Shards == 0 {
		return 0
	}
	return int(cert.Serial([]byte(serial)).Mod(uint32(p.Shards))) //nolint:gosec // a small number
}

func (b *books) yield(shard int, want func(string) bool) iter.Seq2[crl.Entry, error] {
	return func(yield func(crl.Entry, error) bool) {
		if b.reading != nil {
			b.reading()
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, serial := range slices.Sorted(maps.Keys(b.entries)) {
			if shardOf(serial, b.plan) == shard && want(serial) && !yield(b.entries[serial], nil) {
				return
			}
		}
		if b.fail != nil {
			yield(crl.Entry{}, b.fail)
		}
	}
}

func (b *books) TakeNumber(_ context.Context, scope string) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.numbers[scope]++
	return b.numbers[scope], nil
}

func (b *books) Latest(_ context.Context, name string) (crl.Published, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list, found := b.lists[name]
	return list, found, nil
}

func (b *books) Replace(_ context.Context, scope, name string, list crl.Published) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if list.Number != b.numbers[scope] {
		return crl.ErrSuperseded
	}
	b.lists[name] = list
	b.history = append(b.history, list)
	return nil
}

func (b *books) report(r crl.Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports[r.Name] = r
	if r.Err != nil {
		b.failures[r.Name]++
	}
}

func (b *books) environment(clock func() time.Time) crl.Environment {
	return crl.Environment{
		Ledger: b, Store: b, Second: second.Opinion{}, Now: clock, Report: b.report,
		Draw: func(n int64) int64 { return n / 2 },
	}
}

// list parses and verifies what is in force under a name.
func (b *books) list(tb testing.TB, a authority, name string) *crl.List {
	tb.Helper()
	published, found, err := b.Latest(context.Background(), name)
	if err != nil || !found {
		tb.Fatalf("%s is not published: %v", name, err)
	}
	list, err := crl.Parse(published.DER)
	if err != nil {
		tb.Fatal(err)
	}
	if err := list.Verify(a.Certificate, second.Opinion{}); err != nil {
		tb.Fatal(err)
	}
	return list
}

var plan = crl.Plan{
	Name: "issuers", URL: "http://localhost/crl/", Shards: 2, Every: 24 * time.Hour, DeltaEvery: time.Hour, Overlap: 6 * time.Hour, Jitter: 10 * time.Minute,
}

func publisher(tb testing.TB, a authority, b *books, clock func() time.Time) *crl.Publisher {
	tb.Helper()
	p, err := crl.NewPublisher(a.Certificate, a.Key, b.plan, b.environment(clock))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestPublish(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a, b := newAuthority(t, "测试根"), newBooks(plan)
	at := now
	p := publisher(t, a, b, func() time.Time { return at })
	for n := range uint64(10) {
		b.set(entry(n, cert.CertificateHold))
	}
	if _, err := p.Delta(ctx, 0); !errors.Is(err, crl.ErrWrongBase) {
		t.Errorf("a delta without a full list: %v", err)
	}
	for shard := range 2 {
		if _, err := p.Full(ctx, shard); err != nil {
			t.Fatal(err)
		}
	}
	full := b.list(t, a, "issuers-2-0.crl")
	if full.Len() != 5 || full.Number.Int64() != 2 || !full.NextUpdate.Equal(now.Add(30*time.Hour)) {
		t.Errorf("%d entries, number %v, until %s", full.Len(), full.Number, full.NextUpdate)
	}
	if c := a.Person(t, 4, plan.Points(0)...); !full.Covers(c) || b.list(t, a, "issuers-2-1.crl").Covers(c) {
		t.Error("a certificate is not covered by its shard alone")
	}
	b.set(entry(0, cert.RemoveFromCRL))
	b.set(entry(2, cert.KeyCompromise))
	b.set(entry(20, cert.Superseded))
	b.set(entry(21, cert.Superseded)) // of the other shard
	at = at.Add(time.Hour)
	if _, err := p.Delta(ctx, 0); err != nil {
		t.Fatal(err)
	}
	delta := b.list(t, a, "issuers-2-0-delta.crl")
	if delta.Len() != 3 || delta.Base.Cmp(full.Number) != 0 || delta.Number.Int64() != 3 || !delta.NextUpdate.Equal(at.Add(7*time.Hour)) {
		t.Errorf("%d entries, base %v, number %v, until %s", delta.Len(), delta.Base, delta.Number, delta.NextUpdate)
	}
	joined, err := full.WithDelta(delta)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[uint64]bool{0: false, 2: true, 4: true, 20: true, 21: false} {
		if _, revoked := joined.Find(serial(n)); revoked != want {
			t.Errorf("%d: revoked %v", n, revoked)
		}
	}
	if _, err := p.Full(ctx, 2); !errors.Is(err, crl.ErrNoShard) {
		t.Errorf("shard 2 of 2: %v", err)
	}
}

// TestTheLastGoodListStays: whatever fails, nothing is replaced, the report says until
// when the last list holds, and its number is spent.
func TestTheLastGoodListStays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a, b := newAuthority(t, "测试根"), newBooks(plan)
	at := now
	p := publisher(t, a, b, func() time.Time { return at })
	good, err := p.Full(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	diskFull := errors.New("disk full")
	check := func(name string, want error) {
		t.Helper()
		before := b.failures["issuers-2-0.crl"]
		if _, err := p.Full(ctx, 0); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		r := b.reports["issuers-2-0.crl"]
		if b.lists["issuers-2-0.crl"].Number != good.Number || !errors.Is(r.Err, want) || !r.NextUpdate.Equal(good.NextUpdate) || b.failures["issuers-2-0.crl"] != before+1 {
			t.Errorf("%s: list %d in force, report %+v", name, b.lists["issuers-2-0.crl"].Number, r)
		}
	}
	at = at.Add(time.Hour)
	b.failWith(diskFull)
	check("ledger", diskFull)
	b.failWith(nil)
	b.set(crl.Entry{Serial: serial(4), Revocation: cert.Revocation{At: now, Reason: 7}})
	if _, err := p.Full(ctx, 0); err == nil {
		t.Error("a reason that is none is published")
	}
	b.set(entry(4, cert.Superseded))
	b.reading = func() { _, _ = b.TakeNumber(ctx, "issuers-2-0.crl") }
	check("another publisher", crl.ErrSuperseded)
	b.reading = nil
	at = now.Add(-time.Second)
	check("clock set back", crl.ErrClock)
	at = now.Add(2 * time.Hour)
	next, err := p.Full(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if next.Number != 6 {
		t.Errorf("number %d, want 6: every number that was taken is spent", next.Number)
	}
}

func TestSecondOpinionIsAsked(t *testing.T) {
	t.Parallel()
	a, b := newAuthority(t, "测试根"), newBooks(plan)
	env := b.environment(func() time.Time { return now })
	env.Second = refusing{}
	p, err := crl.NewPublisher(a.Certificate, a.Key, plan, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Full(context.Background(), 0); !errors.Is(err, pki.ErrDisagree) || len(b.lists) != 0 {
		t.Errorf("%v, %d lists in force", err, len(b.lists))
	}
}

// refusing accepts no signature.
type refusing struct{}

func (refusing) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return false, nil }

// TestRun goes through three days in a bubble: every list is always current, its
// successor comes before its end, and numbers only grow.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := authority{pkitest.NewBare(t, "测试根", time.Now())}
		b := newBooks(plan)
		p := publisher(t, a, b, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		names := []string{"issuers-2-0.crl", "issuers-2-1.crl", "issuers-2-0-delta.crl", "issuers-2-1-delta.crl"}
		for hour := range 72 {
			b.set(entry(uint64(hour), cert.Superseded))
			time.Sleep(time.Hour)
			synctest.Wait()
			for _, name := range names {
				if list := b.list(t, a, name); !list.CurrentAt(time.Now().Add(5 * time.Hour)) {
					t.Errorf("hour %d: %s ends %s", hour, name, list.NextUpdate)
				}
			}
			full, delta := b.list(t, a, names[0]), b.list(t, a, names[2])
			if joined, err := full.WithDelta(delta); err == nil {
				full = joined
			}
			if hour%2 == 0 && hour >= 4 {
				if _, found := full.Find(serial(uint64(hour - 2))); !found {
					t.Errorf("hour %d: what was revoked two hours ago is in no list", hour)
				}
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := len(b.history); n < 2*(3+72) || n > 2*(5+90) {
			t.Errorf("%d publications in three days", n)
		}
		// A restart goes on where it was.
		before := len(b.history)
		ctx, cancel = context.WithCancel(t.Context())
		go func() { done <- p.Run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil || len(b.history)-before > 2 {
			t.Errorf("after a restart %d lists are published at once: %v", len(b.history)-before, err)
		}
		if len(b.failures) != 0 {
			t.Errorf("failures: %v", b.failures)
		}
	})
}

// TestRunRetries: a failing ledger is asked again every minute.
func TestRunRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := authority{pkitest.NewBare(t, "测试根", time.Now())}
		once := plan
		once.Shards, once.DeltaEvery = 0, 0
		b := newBooks(once)
		b.failWith(errors.New("disk full"))
		p := publisher(t, a, b, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if got := b.failures["issuers.crl"]; got != 11 {
			t.Errorf("%d tries in ten minutes", got)
		}
		b.failWith(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if list := b.list(t, a, "issuers.crl"); len(list.Points) != 0 || list.FreshestCRL != nil {
			t.Errorf("the only list is limited to %q, deltas at %v", list.Points, list.FreshestCRL)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPlan(t *testing.T) {
	t.Parallel()
	if err := plan.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*crl.Plan){
		"no name":              func(p *crl.Plan) { p.Name = "" },
		"a folder":             func(p *crl.Plan) { p.Name = "a/b" },
		"no slash":             func(p *crl.Plan) { p.URL = "http://localhost/crl" },
		"fewer than no shards": func(p *crl.Plan) { p.Shards = -1 },
		"rare deltas":          func(p *crl.Plan) { p.DeltaEvery = p.Every },
		"no overlap":           func(p *crl.Plan) { p.Overlap = 0 },
		"much jitter":          func(p *crl.Plan) { p.Jitter = p.DeltaEvery },
		"too often":            func(p *crl.Plan) { p.Every, p.DeltaEvery, p.Jitter = time.Second, 0, 0 },
	} {
		wrong := plan
		change(&wrong)
		if err := wrong.Check(); err == nil || !strings.Contains(err.Error(), "CRL plan") {
			t.Errorf("%s: %v", name, err)
		}
	}
	one := plan
	one.Shards = 1
	if got := []string{plan.FileName(1), plan.DeltaName(0), one.FileName(0)}; !slices.Equal(got, []string{"issuers-2-1.crl", "issuers-2-0-delta.crl", "issuers-1-0.crl"}) {
		t.Errorf("names of lists: %v", got)
	}
}
