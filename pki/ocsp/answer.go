package ocsp

import (
	"encoding/hex"
	"errors"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// Answer is what goes back to an asker, and what caches on the way may do with it
// (RFC 5019, 7; RFC 9111). An answer that may not be kept has no ETag and MaxAge 0:
// refusals, answers with a nonce, and "unknown".
type Answer struct {
	DER          []byte
	ETag         string // opaque, without quotes
	MaxAge       time.Duration
	LastModified time.Time
	Expires      time.Time // now and MaxAge, for caches that know no better
	Cause        error     // why this is a refusal; for the log, not for the asker
}

// Refusal returns the refusal that an answer is, if it is one.
func (a *Answer) Refusal() (Refusal, bool) {
	var refusal Refusal
	return refusal, errors.As(a.Cause, &refusal)
}

// refused is a refusal and why.
type refused struct {
	Refusal
	cause error
}

func (r *refused) Error() string   { return r.Refusal.Error() + ": " + r.cause.Error() }
func (r *refused) Unwrap() []error { return []error{r.Refusal, r.cause} }

func refuse(r Refusal, cause error) Answer {
	return Answer{DER: r.DER(), Cause: &refused{r, cause}}
}

// answer returns a response that may be kept until its end, and by caches no longer
// than the plan allows.
func (r *Responder) answer(ready Ready, now time.Time) Answer {
	age := min(ready.NextUpdate.Sub(now), r.plan.MaxAge).Truncate(time.Second)
	return Answer{DER: ready.DER, ETag: ready.ETag, MaxAge: age, LastModified: ready.ThisUpdate, Expires: now.Add(age)}
}

// entityTag names a response for caches (RFC 5019, 6.2).
func entityTag(der []byte) string {
	sum := sm3.Sum(der)
	return hex.EncodeToString(sum[:16])
}
