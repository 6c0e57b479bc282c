package desk

import (
	"errors"
	"net"
	"testing"
	"time"
)

// TestSilentTerminal: a terminal that was stopped is taken for gone where a document is
// read, and its answer is not taken for that of a later call.
func TestSilentTerminal(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	go func() { // it takes calls, and answers none
		b := make([]byte, 1<<10)
		for {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	interrupted := make(chan struct{})
	s := newSession(near, near.Close, func() { close(interrupted) })
	if n, err := (file{s, 1}).readWithin(make([]byte, 10), 0, 20*time.Millisecond); n != 0 || !errors.Is(err, errSilent) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d bytes, %v", n, err)
	}
	<-interrupted
	if _, err := (files{s}).Stat("x"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the next call: %v", err)
	}
}
