package tsa_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/tsa"
)

// machine is a computer whose clocks are moved by hand.
type machine struct {
	tsa.Reading
	maxError time.Duration
	err      error
	probes   int
}

func (m *machine) pass(d time.Duration) { m.Wall, m.Monotonic = m.Wall.Add(d), m.Monotonic+d }

func (m *machine) read() tsa.Reading { return m.Reading }

func (m *machine) probe(context.Context) (tsa.Synchronised, error) {
	m.probes++
	return tsa.Synchronised{MaxError: m.maxError}, m.err
}

func newMachine() *machine {
	return &machine{Reading: tsa.Reading{Wall: time.Unix(1700000000, 0), Monotonic: time.Hour}}
}

func TestClock(t *testing.T) {
	t.Parallel()
	unsynchronised := errors.New("nothing disciplines it")
	for name, steps := range map[string][]struct {
		do   func(*machine)
		want error
	}{
		"runs evenly": {
			{func(*machine) {}, nil},
			{func(m *machine) { m.pass(time.Hour) }, nil},
			{func(m *machine) { m.pass(time.Nanosecond) }, nil},
		},
		"slewed slowly, for a day": func() []struct {
			do   func(*machine)
			want error
		} {
			var all []struct {
				do   func(*machine)
				want error
			}
			for range 8640 {
				all = append(all, struct {
					do   func(*machine)
					want error
				}{func(m *machine) { m.pass(10 * time.Second); m.Wall = m.Wall.Add(5 * time.Millisecond) }, nil})
			}
			return all
		}(),
		"never synchronised": {
			{func(m *machine) { m.err = unsynchronised }, tsa.ErrUnsynchronised},
			{func(m *machine) { m.pass(time.Hour) }, tsa.ErrUnsynchronised},
			{func(m *machine) { m.err = nil }, nil},
		},
		"loses its source": {
			{func(*machine) {}, nil},
			{func(m *machine) { m.err = unsynchronised; m.pass(9 * time.Second) }, nil}, // the last answer still counts
			{func(m *machine) { m.pass(time.Second) }, tsa.ErrUnsynchronised},
		},
		"may be off too far": {
			{func(m *machine) { m.maxError = 501 * time.Millisecond }, tsa.ErrUnsynchronised},
			{func(m *machine) { m.maxError = 500 * time.Millisecond }, nil},
		},
		"jumps forward": {
			{func(*machine) {}, nil},
			{func(m *machine) { m.pass(time.Second); m.Wall = m.Wall.Add(101 * time.Millisecond) }, tsa.ErrClockJumped},
			{func(m *machine) { m.pass(time.Second) }, tsa.ErrClockJumped},
			{func(m *machine) { m.pass(58 * time.Second) }, tsa.ErrClockJumped},
			{func(m *machine) { m.pass(time.Second) }, nil},
		},
		"jumps back": {
			{func(*machine) {}, nil},
			{func(m *machine) { m.Wall = m.Wall.Add(-time.Hour) }, tsa.ErrClockJumped},
		},
		"jumps there and back": {
			{func(*machine) {}, nil},
			{func(m *machine) { m.Wall = m.Wall.Add(time.Hour) }, tsa.ErrClockJumped},
			{func(m *machine) { m.Wall = m.Wall.Add(-time.Hour) }, tsa.ErrClockJumped},
			{func(m *machine) { m.pass(59 * time.Second) }, tsa.ErrClockJumped},
			{func(m *machine) { m.pass(time.Second) }, nil},
		},
		"jumps, and is not synchronised after": {
			{func(*machine) {}, nil},
			{func(m *machine) { m.Wall = m.Wall.Add(time.Hour) }, tsa.ErrClockJumped},
			{func(m *machine) { m.err = unsynchronised; m.pass(61 * time.Second) }, tsa.ErrUnsynchronised},
			{func(m *machine) { m.err = nil; m.pass(time.Second) }, tsa.ErrClockJumped},
			{func(m *machine) { m.pass(60 * time.Second) }, nil},
		},
		"suspended for an hour": { // the monotonic clock of Linux stands still
			{func(*machine) {}, nil},
			{func(m *machine) { m.Wall = m.Wall.Add(time.Hour); m.Monotonic += time.Millisecond }, tsa.ErrClockJumped},
		},
	} {
		m := newMachine()
		clock, err := tsa.NewClock(tsa.ClockSettings{Read: m.read, Probe: m.probe})
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range steps {
			step.do(m)
			now, err := clock.Now(context.Background())
			if !errors.Is(err, step.want) {
				t.Errorf("%s, step %d: %v, want %v", name, i, err, step.want)
				break
			}
			if err == nil && !now.Equal(m.Wall) {
				t.Errorf("%s, step %d: %s, want %s", name, i, now, m.Wall)
			}
		}
	}
}

// TestClockAsksSeldom: one answer of the probe serves ten seconds.
func TestClockAsksSeldom(t *testing.T) {
	t.Parallel()
	m := newMachine()
	clock, err := tsa.NewClock(tsa.ClockSettings{Read: m.read, Probe: m.probe})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		m.pass(100 * time.Millisecond)
		if _, err := clock.Now(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if m.probes != 10 {
		t.Errorf("%d probes in 100 s, want 10", m.probes)
	}
}

// TestNoTimeNoStamp: an authority refuses with timeNotAvailable, and never stamps a
// time before one that it has stamped, not even in the next process.
func TestNoTimeNoStamp(t *testing.T) {
	t.Parallel()
	m := newMachine()
	s := pkitest.NewStamping(t, m.Wall)
	start := func() *tsa.Authority {
		a, err := tsa.NewAuthority(s.Settings(t, m.read))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	stamp := func(a *tsa.Authority, want error) time.Time {
		t.Helper()
		response, err := a.Respond(context.Background(), request(t, "x"))
		if !errors.Is(err, want) {
			t.Fatalf("Respond = %v, want %v", err, want)
		}
		if want == nil {
			return token(t, response).Time
		}
		r, err := tsa.ParseResponse(response)
		if err != nil || r.Failures[0] != tsa.TimeNotAvailable {
			t.Errorf("response %+v %v, want timeNotAvailable", r, err)
		}
		return time.Time{}
	}
	a := start()
	first := stamp(a, nil)
	m.Wall = m.Wall.Add(time.Hour)
	stamp(a, tsa.ErrClockJumped)
	m.Wall = m.Wall.Add(-time.Hour)
	m.pass(time.Minute)
	stamp(a, tsa.ErrClockJumped)
	m.pass(time.Minute)
	second := stamp(a, nil)
	if !second.After(first) {
		t.Errorf("%s is not after %s", second, first)
	}
	// The process dies. What it had reserved is not stamped again.
	a = start()
	stamp(a, tsa.ErrClockBehind)
	m.pass(2 * time.Second)
	third := stamp(a, nil)
	if third.Before(second) {
		t.Errorf("%s is before %s", third, second)
	}
	// It ends in order: the next one may go on at once, but not with a clock set back.
	if err := a.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	a = start()
	stamp(a, nil)
	if err := a.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.Wall = m.Wall.Add(-time.Hour)
	stamp(start(), tsa.ErrClockBehind)
}

// TestMarkIsKept: a time that cannot be kept is not stamped.
func TestMarkIsKept(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	a := s.Authority(t)
	full := errors.New("disk full")
	s.Marks.Fail(full)
	response, err := a.Respond(context.Background(), request(t, "x"))
	if !errors.Is(err, full) {
		t.Errorf("Respond = %v", err)
	}
	if r, err := tsa.ParseResponse(response); err != nil || r.Failures[0] != tsa.SystemFailure || r.Token != nil {
		t.Errorf("response %+v %v", r, err)
	}
}

// TestExpiredAuthority: after the certificate has ended nothing is stamped.
func TestExpiredAuthority(t *testing.T) {
	t.Parallel()
	m := newMachine()
	s := pkitest.NewStamping(t, m.Wall)
	a, err := tsa.NewAuthority(s.Settings(t, m.read))
	if err != nil {
		t.Fatal(err)
	}
	m.pass(25 * time.Hour)
	if _, err := a.Respond(context.Background(), request(t, "x")); err == nil {
		t.Error("an authority stamps after its certificate has ended")
	}
}
