package api

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// TestJob: a job runs in its time, soon after it is woken, once for all that comes
// together, and again soon after it failed.
func TestJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &Server{log: slog.New(slog.DiscardHandler), metrics: NewMetrics()}
		wake := make(chan struct{}, 1)
		var fails error
		runs := 0
		go s.repeat(ctx, job{name: "test", every: 15 * time.Minute, wake: wake, run: func(context.Context) error {
			runs++
			return fails
		}})
		after := func(d time.Duration, want int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if runs != want {
				t.Errorf("%d runs, want %d", runs, want)
			}
		}
		after(13*time.Minute, 0)
		after(4*time.Minute, 1)
		wake <- struct{}{}
		after(time.Second, 1)
		wake <- struct{}{}
		after(2*time.Second, 2)
		fails = errors.New("no store")
		after(3*time.Second, 3) // woken a second time while the first was under way
		after(40*time.Second, 4)
		fails = nil
		after(40*time.Second, 5)
		after(10*time.Minute, 5)
		cancel()
		synctest.Wait()
	})
}
