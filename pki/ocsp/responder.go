package ocsp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Standing is what a ledger knows of a serial number; the zero value is nothing.
type Standing struct {
	// Recorded: the certificate was signed, checked and recorded. A serial number
	// that was intended only is not: if the certificate exists at all, nobody was
	// handed it.
	Recorded   bool
	Revoked    bool // or on hold
	Revocation cert.Revocation
}

// Ledger is what a responder asks of the authorities' records. Authorities are known
// by their keys.
type Ledger interface {
	// Standing returns what is known of a serial number, given as its magnitude.
	Standing(ctx context.Context, issuer pki.Point, serial []byte) (Standing, error)
	// Unexpired yields the serial numbers of recorded certificates whose validity
	// has not ended, in any order.
	Unexpired(ctx context.Context, issuer pki.Point) iter.Seq2[[]byte, error]
}

// Plan says how long responses live.
type Plan struct {
	Life   time.Duration // from thisUpdate to nextUpdate
	Renew  time.Duration // a response made ahead is made anew when it has less than this to live
	MaxAge time.Duration // how long HTTP caches may keep a response: what a revocation may take to be seen there
	Hashes []oid.ID      // of CertIDs that responses are made ahead for; none: SHA-1, which all clients send
}

// unknownLife is how long "unknown" holds: the certificate may be issued at any time.
const unknownLife = 5 * time.Minute

func (p *Plan) check() error {
	switch {
	case p.Life < time.Minute || p.Life > 7*24*time.Hour:
		return errors.New("OCSP plan: responses do not live between a minute and a week")
	case p.Renew <= 0 || p.Renew >= p.Life*3/4:
		return errors.New("OCSP plan: responses are renewed in less than a quarter of their life, or after its end")
	case p.MaxAge < 0:
		return errors.New("OCSP plan: caches keep responses for a negative time")
	}
	for _, hash := range p.Hashes {
		if digestSize(hash) == 0 {
			return fmt.Errorf("OCSP plan: issuers are not named with hash %s", hash)
		}
	}
	return nil
}

// Environment is what a responder needs from outside.
type Environment struct {
	Ledger Ledger
	Shelf  Shelf
	Now    func() time.Time
	Draw   func(n int64) int64 // uniform in [0, n), from any goroutine: spreads the ends of responses that are made together
	Report func(error)         // what went wrong where no caller can be told; may be nil
	// MaySign says whether an answer may be signed for an asker now, or is one too many
	// for this machine; nil: always. What was made ahead is given to everybody.
	MaySign func() bool
}

// Responder answers for several authorities. It is safe for concurrent use.
type Responder struct {
	plan   Plan
	env    Environment
	tables atomic.Pointer[tables]
}

// NewResponder returns a responder for the authorities.
func NewResponder(plan Plan, env Environment, authorities ...Authority) (*Responder, error) {
	if err := plan.check(); err != nil {
		return nil, err
	}
	if len(plan.Hashes) == 0 {
		plan.Hashes = []oid.ID{oid.SHA1}
	}
	r := &Responder{plan: plan, env: env}
	return r, r.SetAuthorities(authorities...)
}

// SetAuthorities replaces all authorities at once: a new CA, or a responder's next
// certificate. Responses made ahead carry the certificate they were made with and
// stay good.
func (r *Responder) SetAuthorities(authorities ...Authority) error {
	t, err := newTables(authorities)
	if err != nil {
		return err
	}
	r.tables.Store(t)
	return nil
}

// Answers reports whether an authority is one of those that the responder speaks for.
func (r *Responder) Answers(issuer pki.Point) bool { return r.tables.Load().byKey[issuer] != nil }

// Respond answers a request. There is always an answer; what a log should know of
// one that is a [Refusal] stands in its Cause.
func (r *Responder) Respond(ctx context.Context, request []byte) Answer {
	asked, err := ParseRequest(request)
	if err != nil {
		return refuse(MalformedRequest, err)
	}
	authority, err := r.authority(asked)
	if err != nil {
		return refuse(Unauthorized, err)
	}
	now := r.env.Now().UTC()
	if len(asked.IDs) == 1 && asked.Nonce == nil {
		ready, found, err := r.env.Shelf.Find(ctx, asked.IDs[0].der)
		switch {
		case err != nil: // the answer can still be made
			r.report(fmt.Errorf("looking for a response made ahead: %w", err))
		case found && now.Before(ready.NextUpdate):
			return r.answer(ready, now)
		}
	}
	return r.onDemand(ctx, authority, asked, now)
}

// authority returns who is asked about. A response has one signer, so a request
// about several authorities has none.
func (r *Responder) authority(asked *Request) (*Authority, error) {
	t := r.tables.Load()
	var chosen *Authority
	for i := range asked.IDs {
		var a *Authority
		if id, known := asked.IDs[i].issuer(); known {
			a = t.byIssuer[id]
		}
		if a == nil {
			return nil, fmt.Errorf("certificate %d is of no authority here", i)
		}
		if chosen != nil && a != chosen {
			return nil, fmt.Errorf("certificate %d is of another authority than those before", i)
		}
		chosen = a
	}
	return chosen, nil
}

// errExpired: the responder must get a new certificate.
var errExpired = errors.New("the responder's certificate has expired")

// ErrBusy is why an asker is told to try later although nothing is wrong.
var ErrBusy = errors.New("more answers are asked for than may be signed")

// onDemand signs an answer for one asker.
func (r *Responder) onDemand(ctx context.Context, a *Authority, asked *Request, now time.Time) Answer {
	if r.env.MaySign != nil && !r.env.MaySign() {
		return refuse(TryLater, ErrBusy)
	}
	t := Template{ProducedAt: now, Nonce: asked.Nonce, Responder: a.Responder, Singles: make([]Single, len(asked.IDs))}
	end, cacheable := a.until(), asked.Nonce == nil
	for i, id := range asked.IDs {
		single, err := r.single(ctx, a, id, now, r.plan.Life)
		if err != nil {
			if ctx.Err() != nil {
				return refuse(TryLater, err)
			}
			return refuse(InternalError, err)
		}
		t.Singles[i] = single
		cacheable = cacheable && single.Status != Unknown
		if single.NextUpdate.Before(end) {
			end = single.NextUpdate
		}
	}
	der, err := t.SignUnchecked(a.Key)
	if err != nil {
		return refuse(InternalError, fmt.Errorf("OCSP for %s: %w", a.Issuer.Subject, err))
	}
	if !cacheable {
		return Answer{DER: der}
	}
	return r.answer(Ready{DER: der, ETag: entityTag(der), ThisUpdate: t.Singles[0].ThisUpdate, NextUpdate: end}, now)
}

// single asks the ledger about one certificate.
func (r *Responder) single(ctx context.Context, a *Authority, id CertID, now time.Time, life time.Duration) (Single, error) {
	standing, err := r.env.Ledger.Standing(ctx, a.Issuer.Key.Point(), id.Serial)
	if err != nil {
		return Single{}, fmt.Errorf("OCSP for %s: reading the ledger: %w", a.Issuer.Subject, err)
	}
	return a.single(id, standing, now, life)
}

// single says of a standing what OCSP can say. What is intended and not recorded is
// unknown: "good" would vouch for a certificate that nobody was handed, and whoever
// shows it has it from elsewhere.
func (a *Authority) single(id CertID, standing Standing, now time.Time, life time.Duration) (Single, error) {
	s := Single{ID: id, Status: Unknown, ThisUpdate: now.Truncate(time.Second)}
	switch {
	case standing.Revoked:
		s.Status, s.Revocation = Revoked, standing.Revocation
	case standing.Recorded:
		s.Status = Good
	default:
		life = min(life, unknownLife)
	}
	s.NextUpdate = s.ThisUpdate.Add(life)
	if end := a.until(); s.NextUpdate.After(end) {
		s.NextUpdate = end
	}
	if !s.NextUpdate.After(s.ThisUpdate) {
		return Single{}, fmt.Errorf("OCSP for %s: %w", a.Issuer.Subject, errExpired)
	}
	return s, nil
}

func (r *Responder) report(err error) {
	if r.env.Report != nil {
		r.env.Report(err)
	}
}
