package tsa

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Errors of a clock that may not be used. An authority answers timeNotAvailable.
var (
	// ErrUnsynchronised: nothing says that the clock is right.
	ErrUnsynchronised = errors.New("the clock is not synchronised")
	// ErrClockJumped: the wall clock moved otherwise than time passed. It is trusted
	// again when it has run evenly and synchronised for [ClockSettings.Settle].
	ErrClockJumped = errors.New("the clock has jumped")
	// ErrClockBehind: the clock is behind what was stamped before.
	ErrClockBehind = errors.New("the clock is behind the last time stamp")
)

// Synchronised is what is known of the clock of this machine.
type Synchronised struct {
	MaxError time.Duration // how far the clock may be off, to either side
}

// Probe asks whether the clock is synchronised now: [KernelClock], or
// [DeclaredClock] where an operator vouches for it. An error says that it is not.
// It must answer in milliseconds.
type Probe func(context.Context) (Synchronised, error)

// DeclaredClock is the probe of an operator who vouches for the clock because the
// program cannot see how it is kept: in a container whose kernel does not answer, or
// beside a clock that no NTP daemon disciplines. Jumps are still watched.
func DeclaredClock(maxError time.Duration) Probe {
	return func(context.Context) (Synchronised, error) { return Synchronised{maxError}, nil }
}

// Reading is one look at the two clocks of a machine.
type Reading struct {
	Wall      time.Time
	Monotonic time.Duration // since any fixed moment
}

// SystemClock returns a function that reads the clocks of this machine.
func SystemClock() func() Reading {
	start := time.Now()
	return func() Reading {
		now := time.Now()
		return Reading{now.Round(0), now.Sub(start)} // Round strips the monotonic part
	}
}

// MaxClockError is how far a clock may be off to be proven, unless its settings say
// otherwise.
const MaxClockError = 500 * time.Millisecond

// ClockSettings say what a [Clock] accepts. Zero durations take their defaults.
type ClockSettings struct {
	Read  func() Reading
	Probe Probe
	// MaxError is the largest error that the probe may report. Default [MaxClockError].
	MaxError time.Duration
	// MaxJump is how far wall and monotonic clock may drift apart between two probes.
	// NTP slews by at most 500 µs a second, so 10 s leave room for 5 ms; the rest is for
	// machines that are stopped for a moment. Default 100 ms.
	MaxJump time.Duration
	// ProbeEvery is how long an answer of the probe counts. Default 10 s.
	ProbeEvery time.Duration
	// Settle is how long the clock must run evenly after a jump. Default 60 s.
	Settle time.Duration
}

// Clock tells the time only while that is proven: the probe says that the machine is
// synchronised, and the wall clock advances as the monotonic one does. It is safe for
// concurrent use.
type Clock struct {
	settings ClockSettings

	mu      sync.Mutex
	anchor  *Reading      // what later readings are compared with; nil before the first probe; guarded by mu
	proven  bool          // the last probe was good; guarded by mu
	probed  time.Duration // monotonic time of the last good probe; guarded by mu
	jumped  error         // nil unless the clock has jumped; guarded by mu
	settled time.Duration // monotonic time from which it counts again; guarded by mu
}

// NewClock returns a clock. It is not proven before the first [Clock.Now].
func NewClock(s ClockSettings) (*Clock, error) {
	if s.Read == nil || s.Probe == nil {
		return nil, errors.New("a clock needs something to read and a probe")
	}
	for _, d := range []struct {
		setting  *time.Duration
		fallback time.Duration
	}{
		{&s.MaxError, MaxClockError}, {&s.MaxJump, 100 * time.Millisecond},
		{&s.ProbeEvery, 10 * time.Second}, {&s.Settle, time.Minute},
	} {
		if *d.setting < 0 {
			return nil, fmt.Errorf("a clock's setting of %s is negative", *d.setting)
		}
		if *d.setting == 0 {
			*d.setting = d.fallback
		}
	}
	return &Clock{settings: s}, nil
}

// MaxError returns how far [Clock.Now] may be off while it is proven: the probe's
// bound and a jump that is not seen yet.
func (c *Clock) MaxError() time.Duration { return c.settings.MaxError + c.settings.MaxJump }

// Now returns the time in UTC. The error wraps [ErrUnsynchronised] or
// [ErrClockJumped].
func (c *Clock) Now(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.settings.Read()
	if err := c.watch(r); err != nil {
		return time.Time{}, err
	}
	if !c.proven || r.Monotonic-c.probed >= c.settings.ProbeEvery {
		if err := c.probe(ctx, r); err != nil {
			return time.Time{}, err
		}
	}
	if c.jumped != nil {
		if r.Monotonic < c.settled {
			return time.Time{}, c.jumped
		}
		c.jumped = nil
	}
	return r.Wall.UTC(), nil
}

// watch compares how far the two clocks went since the anchor. After a jump the
// clock's new course is watched from where it is now.
func (c *Clock) watch(r Reading) error {
	if c.anchor == nil {
		return nil
	}
	drift := r.Wall.Sub(c.anchor.Wall) - (r.Monotonic - c.anchor.Monotonic)
	if drift.Abs() <= c.settings.MaxJump {
		return nil
	}
	c.anchor, c.proven = &r, false
	c.settled = r.Monotonic + c.settings.Settle
	c.jumped = fmt.Errorf("%w by %s", ErrClockJumped, drift)
	return c.jumped
}

// probe asks whether the clock is synchronised, and takes the reading as the new
// anchor if it is.
func (c *Clock) probe(ctx context.Context, r Reading) error {
	s, err := c.settings.Probe(ctx)
	if err == nil && s.MaxError > c.settings.MaxError {
		err = fmt.Errorf("it may be off by %s, at most %s are allowed", s.MaxError, c.settings.MaxError)
	}
	if err != nil {
		c.proven = false
		if c.jumped != nil {
			c.settled = r.Monotonic + c.settings.Settle
		}
		return fmt.Errorf("%w: %w", ErrUnsynchronised, err)
	}
	c.anchor, c.proven, c.probed = &r, true, r.Monotonic
	return nil
}
