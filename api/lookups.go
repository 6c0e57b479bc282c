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

	"github.com/elicence/elicence/internal/office"
)

// A number may be tried so often, by whomever: the holder's name cannot be found out by
// trying.
const (
	triesOfNumber = 5
	triesAgain    = 10 * time.Minute // until one more
)

// lookUps bounds how often licences are looked up by number: by each address, and of
// each number. Numbers share 2^16 places, so that no flood of them takes memory.
type lookUps struct {
	addresses *middleware.RateLimiterMemoryStore
	seed      maphash.Seed

	mu      sync.Mutex
	numbers [1 << 16]*rate.Limiter // by the number's hash; guarded by mu
}

func newLookUps() *lookUps {
	return &lookUps{addresses: byAddress(triesPerSecond, triesBurst), seed: maphash.MakeSeed()}
}

// allow counts a look-up and reports whether it may be made.
func (l *lookUps) allow(address, number string) bool {
	if ok, err := l.addresses.Allow(address); err != nil || !ok {
		return false
	}
	if number == "" {
		return true // by an identifier, which nobody guesses
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	place := &l.numbers[maphash.String(l.seed, number)%uint64(len(l.numbers))]
	if *place == nil {
		*place = rate.NewLimiter(rate.Every(triesAgain), triesOfNumber)
	}
	return (*place).Allow()
}

// lookUp finds a licence by what is typed.
func (s *Server) lookUp(ctx context.Context, address string, q office.NumberQuery) (office.Inspection, error) {
	if !s.lookUps.allow(address, q.Number) {
		return office.Inspection{}, huma.Error429TooManyRequests("查询太频繁，请稍后再试 looked up too often: try again later")
	}
	found, err := s.office.LookUp(ctx, "verify", q)
	switch {
	case errors.Is(err, office.ErrQuery), errors.Is(err, office.ErrAmbiguous):
		return found, huma.Error422UnprocessableEntity(err.Error())
	case err != nil:
		s.log.Error("cannot look a licence up", "error", err)
		return found, huma.Error503ServiceUnavailable("the register does not answer")
	}
	return found, nil
}
