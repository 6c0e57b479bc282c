package crl

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// Ledger is what a publisher asks of the authority's records. Authorities are known
// by their keys. Both sequences come in strictly rising order of serial numbers and
// end with their first error.
type Ledger interface {
	// Sequence returns a number that rises with every change of a revocation.
	Sequence(ctx context.Context, issuer pki.Point) (uint64, error)
	// Revoked yields the certificates of a shard that are revoked or on hold. It
	// may already know of changes after the last Sequence.
	Revoked(ctx context.Context, issuer pki.Point, shard int) iter.Seq2[Entry, error]
	// RevokedSince yields the present state of every certificate of a shard whose
	// revocation changed after a sequence number; one whose hold was taken back
	// has the reason [cert.RemoveFromCRL].
	RevokedSince(ctx context.Context, issuer pki.Point, shard int, sequence uint64) iter.Seq2[Entry, error]
}

// Published is a list in force.
type Published struct {
	Number     uint64
	Sequence   uint64 // of the ledger before the list was read from it
	Entries    int
	ThisUpdate time.Time
	NextUpdate time.Time
	DER        []byte
}

// Store keeps what was published. A call has returned when it is on the disk. The
// lists of one scope, full and delta, share their numbers.
type Store interface {
	// TakeNumber stores the next number of a scope and returns it: the intent to
	// sign a list. The first is 1, and none is ever returned twice.
	TakeNumber(ctx context.Context, scope string) (uint64, error)
	// Latest returns the list of a name, if there is one.
	Latest(ctx context.Context, name string) (Published, bool, error)
	// Replace puts a list in force. If a later number of the scope was taken, it
	// changes nothing and returns [ErrSuperseded]: whoever has that number read the
	// ledger later.
	Replace(ctx context.Context, scope, name string, list Published) error
}

// Errors of publishing.
var (
	// ErrSuperseded: somebody else has begun a later list of the same scope.
	ErrSuperseded = errors.New("a later CRL was begun elsewhere")
	// ErrClock: the clock is behind the last list.
	ErrClock = errors.New("the clock is behind the last CRL")
)

// Report tells how a publication went.
type Report struct {
	Name       string
	Number     uint64    // 0 if none was taken
	Entries    int       // of the list in force
	NextUpdate time.Time // of the list in force: with an error, the last good one; zero if there is none
	Took       time.Duration
	Err        error
}

// Environment is what a publisher needs from outside.
type Environment struct {
	Ledger Ledger
	Store  Store
	Second pki.SecondOpinion
	Now    func() time.Time
	Draw   func(n int64) int64 // uniform in [0, n), for the jitter
	Report func(Report)        // after every try; may be nil
}

// Publisher publishes the lists of one authority. It is safe for concurrent use.
type Publisher struct {
	issuer *cert.Certificate
	key    *pki.Key
	plan   Plan
	env    Environment
	shards []sync.Mutex // each held while a list of its shard is made
}

// NewPublisher returns the publisher of an authority.
func NewPublisher(issuer *cert.Certificate, key *pki.Key, plan Plan, env Environment) (*Publisher, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	if !issuer.Key.Equal(key.Public()) || issuer.Usage()&cert.CRLSign == 0 {
		return nil, fmt.Errorf("CRLs of %s: the key is not its, or may not sign them: %w", issuer.Subject, ErrWrongIssuer)
	}
	return &Publisher{issuer: issuer, key: key, plan: plan, env: env, shards: make([]sync.Mutex, plan.Lists())}, nil
}

// Full publishes the full list of a shard now. On any error the last good list
// stays in force, and the report says until when.
func (p *Publisher) Full(ctx context.Context, shard int) (Published, error) {
	return p.publish(ctx, shard, false)
}

// Delta publishes the delta list of a shard now, on top of its full list in force.
func (p *Publisher) Delta(ctx context.Context, shard int) (Published, error) {
	return p.publish(ctx, shard, true)
}

func (p *Publisher) publish(ctx context.Context, shard int, delta bool) (Published, error) {
	if shard < 0 || shard >= p.plan.Lists() {
		return Published{}, fmt.Errorf("shard %d of %q: %w", shard, p.plan.Name, ErrNoShard)
	}
	p.shards[shard].Lock()
	defer p.shards[shard].Unlock()
	j := job{Publisher: p, shard: shard, name: p.plan.FileName(shard), life: p.plan.Every + p.plan.Overlap}
	if delta {
		j.name, j.life = p.plan.DeltaName(shard), p.plan.DeltaEvery+p.plan.Overlap
	}
	begin := p.env.Now()
	made, err := j.run(ctx, delta)
	if err != nil {
		err = fmt.Errorf("publishing %s: %w", j.name, err)
	} else {
		j.last = made
	}
	if p.env.Report != nil && (err == nil || ctx.Err() == nil) { // the end of the service is no failure
		p.env.Report(Report{
			Name: j.name, Number: j.number, Entries: j.last.Entries, NextUpdate: j.last.NextUpdate, Took: p.env.Now().Sub(begin), Err: err,
		})
	}
	return made, err
}

// job is the making of one list.
type job struct {
	*Publisher
	shard  int
	name   string
	life   time.Duration
	last   Published // the list in force
	number uint64
}

// run makes a list: number first, then the ledger, then the signature.
func (j *job) run(ctx context.Context, delta bool) (Published, error) {
	var none Published
	var err error
	if j.last, _, err = j.env.Store.Latest(ctx, j.name); err != nil {
		return none, fmt.Errorf("reading the last list: %w", err)
	}
	now := j.env.Now().UTC().Truncate(time.Second)
	if now.Before(j.last.ThisUpdate) {
		return none, fmt.Errorf("%s, made %s: %w", now.Format(time.RFC3339), j.last.ThisUpdate.Format(time.RFC3339), ErrClock)
	}
	t := Template{
		Issuer: j.issuer, ThisUpdate: now, NextUpdate: now.Add(j.life), FreshestCRL: j.plan.FreshestCRL(j.shard), Expect: j.last.Entries + j.last.Entries/16,
	}
	if j.plan.Shards > 0 {
		t.Points = j.plan.Points(j.shard)
	}
	scope := j.plan.FileName(j.shard)
	if j.number, err = j.env.Store.TakeNumber(ctx, scope); err != nil {
		return none, fmt.Errorf("taking a number: %w", err)
	}
	t.Number = j.number
	sequence, err := j.env.Ledger.Sequence(ctx, j.issuer.Key.Point())
	if err != nil {
		return none, fmt.Errorf("reading the ledger: %w", err)
	}
	var entries iter.Seq2[Entry, error]
	if delta {
		full, found, err := j.env.Store.Latest(ctx, scope)
		if err != nil {
			return none, fmt.Errorf("reading the base: %w", err)
		}
		if !found || !now.Before(full.NextUpdate) || now.Before(full.ThisUpdate) {
			return none, fmt.Errorf("no full list is in force: %w", ErrWrongBase)
		}
		t.Base, t.FreshestCRL = full.Number, nil
		entries = j.env.Ledger.RevokedSince(ctx, j.issuer.Key.Point(), j.shard, full.Sequence)
	} else {
		entries = j.env.Ledger.Revoked(ctx, j.issuer.Key.Point(), j.shard)
	}
	list, err := Build(&t, entries, j.key, j.env.Second)
	if err != nil {
		return none, err
	}
	made := Published{
		Number: t.Number, Sequence: sequence, Entries: list.Len(), ThisUpdate: t.ThisUpdate, NextUpdate: t.NextUpdate, DER: list.DER,
	}
	if err := j.env.Store.Replace(ctx, scope, j.name, made); err != nil {
		return none, fmt.Errorf("putting it in force: %w", err)
	}
	return made, nil
}
