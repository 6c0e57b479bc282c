package second

import (
	"golang.org/x/time/rate"

	"github.com/elicence/elicence/pki"
)

// Limited is an [Opinion] that gives a bounded number of answers, for a server
// whose callers could otherwise buy two milliseconds of work with every forged
// code. Beyond the bound it answers [pki.ErrBusy], and nobody is told anything.
type Limited struct{ budget *rate.Limiter }

var _ pki.SecondOpinion = Limited{}

// NewLimited returns an opinion with a budget of so many answers per second and
// as many at once.
func NewLimited(perSecond int) Limited {
	return Limited{rate.NewLimiter(rate.Limit(perSecond), perSecond)}
}

// Verify implements [pki.SecondOpinion].
func (l Limited) Verify(point pki.Point, msg []byte, sig pki.Signature) (bool, error) {
	if !l.budget.Allow() {
		return false, pki.ErrBusy
	}
	return Opinion{}.Verify(point, msg, sig)
}
