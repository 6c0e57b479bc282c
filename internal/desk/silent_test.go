package desk

import (
	"encoding/gob"
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

// TestBusyTerminal: what reads a document waits for a question to people no longer than for a
// silent terminal, the next one not once more, and neither takes the people for gone.
func TestBusyTerminal(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	asked, typed := make(chan struct{}), make(chan struct{})
	go func() { // one question, of which somebody thinks for long
		var c call
		if err := gob.NewDecoder(far).Decode(&c); err != nil || c.Op != opAsk {
			t.Errorf("call %v, %v", c.Op, err)
		}
		close(asked)
		<-typed
		if err := gob.NewEncoder(far).Encode(answer{Data: []byte("x")}); err != nil {
			t.Error(err)
		}
	}()
	s, start := newSession(near, near.Close, func() {}), time.Now()
	answered := make(chan error)
	go func() {
		_, err := (passwords{s}).Ask("?")
		answered <- err
	}()
	<-asked
	for i := range 50 {
		if _, err := (file{s, 1}).readWithin(make([]byte, 10), 0, 200*time.Millisecond); !errors.Is(err, errBusy) {
			t.Fatalf("read %d: %v", i, err)
		}
	}
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("the reads have waited for %s, each by itself", waited)
	}
	close(typed)
	if err := <-answered; err != nil {
		t.Errorf("the question: %v", err)
	}
}
