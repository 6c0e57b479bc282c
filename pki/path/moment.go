package path

import (
	"sync"

	"github.com/elicence/elicence/pki/cert"
)

// ForOneMoment returns a verifier that finds the path of a certificate for a purpose at a time
// once, revocation included, and from then on says what it has found. It is for one act in
// which many signatures of one certificate are judged, and is dropped with it: whoever must
// hear of a revocation in between asks the verifier that it comes from.
func (v *Verifier) ForOneMoment() *Verifier {
	moment := *v
	moment.answered = &answered{valid: make(map[question]*Result)}
	return &moment
}

// answered are the valid paths that were found. A nil one knows nothing.
type answered struct {
	mu    sync.Mutex
	valid map[question]*Result // guarded by mu
}

// question is a request that comes with nothing.
type question struct {
	certificate *cert.Certificate
	purpose     Purpose
	when        Moment
}

// maxAnswered bounds the paths that are kept.
const maxAnswered = 64

func (r *Request) question() (question, bool) {
	return question{r.Certificate, r.Purpose, r.When}, len(r.Further) == 0 && len(r.Policies) == 0 && !r.ExplicitPolicy
}

func (a *answered) recall(r Request) *Result {
	q, plain := r.question()
	if a == nil || !plain {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.valid[q]
}

func (a *answered) keep(r Request, found *Result) {
	q, plain := r.question()
	if a == nil || !plain || found.Verdict != Valid {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.valid) < maxAnswered {
		a.valid[q] = found
	}
}
