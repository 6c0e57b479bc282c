package api

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/qr/verify"
)

// A wrong name or document number may be tried so often for a number, by whomever: the
// right one cannot be found out by trying.
const (
	triesOfNumber = 5
	triesAgain    = 10 * time.Minute // until one more
)

// lookUps bounds how often licences are looked up: by each address, and in vain by each
// number. Numbers share 2^16 places, so that no flood of them takes memory.
type lookUps struct {
	addresses *middleware.RateLimiterMemoryStore
	seed      maphash.Seed

	mu     sync.Mutex
	places [1 << 16]*place // by the number's hash; guarded by mu
}

// place counts what was looked up in vain, one at a time, so that nobody asks twice
// before the first answer counts.
type place struct {
	mu     sync.Mutex
	inVain *rate.Limiter // guarded by mu
}

func newLookUps() *lookUps {
	return &lookUps{addresses: byAddress(triesPerSecond, triesBurst), seed: maphash.MakeSeed()}
}

func (l *lookUps) place(typed string) *place {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &l.places[maphash.String(l.seed, typed)%uint64(len(l.places))]
	if *p == nil {
		*p = &place{inVain: rate.NewLimiter(rate.Every(triesAgain), triesOfNumber)}
	}
	return *p
}

// errTooOften is the answer to who looks up too often.
func errTooOften() error {
	return huma.Error429TooManyRequests("查询太频繁，请稍后再试 looked up too often: try again later")
}

// lookUp finds a licence by what is typed.
func (s *Server) lookUp(ctx context.Context, address string, q office.NumberQuery) (inspect.Inspection, error) {
	if ok, err := s.lookUps.addresses.Allow(address); err != nil || !ok {
		return inspect.Inspection{}, errTooOften()
	}
	p := s.lookUps.place(q.Number + q.Identifier)
	p.mu.Lock()
	defer p.mu.Unlock()
	// An identifier stands alone, and nobody guesses one.
	if q.Identifier == "" && p.inVain.Tokens() < 1 {
		return inspect.Inspection{}, errTooOften()
	}
	found, err := s.office.LookUp(ctx, "verify", q)
	switch {
	case errors.Is(err, office.ErrQuery), errors.Is(err, office.ErrAmbiguous):
		return found, huma.Error422UnprocessableEntity(err.Error())
	case err != nil:
		s.log.Error("cannot look a licence up", "error", err)
		return found, huma.Error503ServiceUnavailable("the register does not answer")
	case found.Verdict == verify.NoData && q.Identifier == "":
		p.inVain.Allow()
	}
	return found, nil
}
