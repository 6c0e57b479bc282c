package tsa

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Marks keeps one time for an authority, so that it never goes backwards, not even
// across restarts.
type Marks interface {
	// Mark returns the time that was kept last, or the zero time.
	Mark(ctx context.Context) (time.Time, error)
	// SetMark keeps a time. When it has returned, the time is on the disk.
	SetMark(ctx context.Context, t time.Time) error
}

// reserve is how far ahead of the clock a mark is set, so that one write serves all
// stamps of that span. After a crash an authority waits at most so long.
const reserve = 2 * time.Second

// ticker gives out moments that only grow: whole microseconds, none twice, none
// beyond the mark on the disk.
type ticker struct {
	marks Marks

	mu     sync.Mutex
	loaded bool      // guarded by mu
	mark   time.Time // what is on the disk; guarded by mu
	last   time.Time // no moment up to this one is given out any more; guarded by mu
}

// next returns the moment for a stamp made now: now, or a little later where stamps
// come faster than microseconds pass. A clock that is behind an earlier moment by more
// than slack is [ErrClockBehind].
func (t *ticker) next(ctx context.Context, now time.Time, slack time.Duration) (time.Time, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.loaded {
		mark, err := t.marks.Mark(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("reading the last time stamp's time: %w", err)
		}
		t.mark, t.last, t.loaded = mark, mark, true
	}
	if t.last.Sub(now) > slack {
		return time.Time{}, fmt.Errorf("%w: by %s", ErrClockBehind, t.last.Sub(now))
	}
	moment := now.Truncate(time.Microsecond)
	if !moment.After(t.last) {
		moment = t.last.Add(time.Microsecond)
	}
	if moment.After(t.mark) {
		mark := moment.Add(reserve)
		if err := t.marks.SetMark(ctx, mark); err != nil {
			return time.Time{}, fmt.Errorf("keeping the time of time stamps: %w", err)
		}
		t.mark = mark
	}
	t.last = moment
	return moment, nil
}

// close gives back what is reserved and not used.
func (t *ticker) close(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.loaded {
		return nil
	}
	if err := t.marks.SetMark(ctx, t.last); err != nil {
		return fmt.Errorf("keeping the time of the last time stamp: %w", err)
	}
	t.mark = t.last
	return nil
}
