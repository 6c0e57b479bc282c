package api

import (
	"context"
	"math/rand/v2"
	"time"
)

// job is something that the service does again and again while it runs. How it goes
// is in the metrics and, if it fails, in the log.
type job struct {
	name  string
	every time.Duration
	run   func(context.Context) error
}

func (s *Server) jobs() []job {
	return []job{
		{"trust", publishEvery, func(ctx context.Context) error {
			_, err := s.office.Publish(ctx, "serve")
			return err
		}},
	}
}

// startJobs lets every job run in a goroutine of its own until ctx ends.
func (s *Server) startJobs(ctx context.Context) {
	for _, j := range s.jobs() {
		go s.repeat(ctx, j)
	}
}

// repeat waits up to a tenth longer or shorter than a job asks for, so that several
// nodes and jobs do not all work in the same second.
func (s *Server) repeat(ctx context.Context, j job) {
	for {
		jitter := time.Duration((rand.Float64() - 0.5) / 5 * float64(j.every)) //nolint:gosec // no secret
		select {
		case <-ctx.Done():
			return
		case <-time.After(j.every + jitter):
			s.do(ctx, j)
		}
	}
}

func (s *Server) do(ctx context.Context, j job) {
	err := j.run(ctx)
	if ctx.Err() != nil {
		return // the service is ending
	}
	s.metrics.job(j.name, err)
	if err != nil {
		s.log.Error("a job failed", "job", j.name, "error", err)
	}
}
