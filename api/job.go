package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/elicence/elicence/pki/ocsp"
)

// job is something that the service does again and again while it runs. How it goes
// is in the metrics and, if it fails, in the log.
type job struct {
	name   string
	every  time.Duration
	atOnce bool // for the first time when the service starts
	// wake asks for a run before its time. What comes within settle is one run.
	wake <-chan struct{}
	run  func(context.Context) error
}

const (
	publishEvery = 15 * time.Minute
	renewEvery   = 24 * time.Hour
	renewWithin  = 30 * 24 * time.Hour // seals whose certificates end so soon are renewed
	ocspEvery    = 3 * time.Hour       // twice within the time in which an answer is due
	clockEvery   = time.Minute
	followEvery  = 2 * time.Second // what other nodes did; an answer that was made ahead may be wrong for so long
	settle       = 2 * time.Second
	retryAfter   = 30 * time.Second // of a job that failed
)

func (s *Server) jobs() []job {
	all := []job{
		{name: "trust", every: publishEvery, wake: s.office.Unpublished(), run: func(ctx context.Context) error {
			_, err := s.office.Publish(ctx, "serve")
			return err
		}},
		{name: "seals", every: renewEvery, atOnce: true, run: func(ctx context.Context) error {
			renewed, err := s.office.RenewSeals(ctx, "serve", renewWithin)
			for _, r := range renewed {
				s.log.Info("seal renewed", "seal", r.ID)
			}
			return err
		}},
		{name: "ocsp", every: ocspEvery, atOnce: true, run: func(ctx context.Context) error {
			// Responders' certificates are short, and are renewed on the way.
			responder, err := s.office.OCSP(ctx, "serve")
			if err != nil {
				return err
			}
			_, err = responder.Produce(ctx)
			if errors.Is(err, ocsp.ErrShelfFull) {
				return nil // the others are signed when they are asked for
			}
			return err
		}},
		{name: "clock", every: clockEvery, atOnce: true, run: func(ctx context.Context) error {
			err := s.office.ClockProven(ctx)
			proven := 1.0
			if err != nil {
				proven = 0
			}
			s.metrics.clock.Set(proven)
			return err
		}},
	}
	if s.office.Shared() {
		all = append(all, job{name: "status", every: followEvery, run: s.office.FollowOthers})
	}
	return all
}

// startJobs lets every job run in a goroutine of its own until ctx ends.
func (s *Server) startJobs(ctx context.Context) {
	for _, j := range s.jobs() {
		go s.repeat(ctx, j)
	}
}

// repeat waits up to a tenth longer or shorter than a job asks for, so that several
// nodes and jobs do not all work in the same second. A job that failed is tried again
// before its time.
func (s *Server) repeat(ctx context.Context, j job) {
	failed := j.atOnce && !s.do(ctx, j)
	for {
		wait := j.every + time.Duration((rand.Float64()-0.5)/5*float64(j.every)) //nolint:gosec // no secret
		if failed {
			wait = min(wait, retryAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-j.wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(settle):
			}
		case <-time.After(wait):
		}
		failed = !s.do(ctx, j)
	}
}

// do runs a job and reports whether it went well.
func (s *Server) do(ctx context.Context, j job) bool {
	err := j.run(ctx)
	if ctx.Err() != nil {
		return true // the service is ending
	}
	s.metrics.job(j.name, err)
	if err != nil {
		s.log.Error("a job failed", "job", j.name, "error", err)
	}
	return err == nil
}
