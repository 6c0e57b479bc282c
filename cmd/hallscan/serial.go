package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.bug.st/serial"

	"github.com/elicence/elicence/internal/terminal"
	"github.com/elicence/elicence/internal/terminal/wedge"
)

// serialScanner is a scanner on a serial port. One that cannot be opened at the start is
// an error; one that is pulled out later is waited for.
type serialScanner struct {
	name string
	baud int
	add  wedge.Options
}

// reopenEvery is how often a port that has gone is tried again.
const reopenEvery = 2 * time.Second

func (s serialScanner) open() (serial.Port, error) {
	port, err := serial.Open(s.name, &serial.Mode{BaudRate: s.baud})
	if err != nil {
		return nil, fmt.Errorf("--serial: %s: %w", s.name, err)
	}
	return port, nil
}

// source reads the port, and the one that comes in its place.
func (s serialScanner) source(port serial.Port) terminal.Source {
	return func(ctx context.Context, deliver func(terminal.Item) error) error {
		for {
			err := terminal.Scanner(s.name, serialPort{port}, s.add)(ctx, deliver)
			_ = port.Close() // gone, or the program ends
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := deliver(terminal.Item{Warning: fmt.Sprintf("%v; waiting for it to come back", err)}); err != nil {
				return err
			}
			if port, err = s.reopen(ctx); err != nil {
				return err
			}
			if err := deliver(terminal.Item{Warning: s.name + " is back"}); err != nil {
				return err
			}
		}
	}
}

func (s serialScanner) reopen(ctx context.Context) (serial.Port, error) {
	again := time.NewTicker(reopenEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-again.C:
			if port, err := s.open(); err == nil {
				return port, nil
			}
		}
	}
}

// serialPort tells a port that has gone, which reads as nothing, from silence.
type serialPort struct{ serial.Port }

var errUnplugged = errors.New("the port was closed or unplugged")

// Read implements io.Reader.
func (p serialPort) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
		return 0, errUnplugged
	}
	return n, err
}
