package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"go.bug.st/serial"

	"github.com/elicence/elicence/internal/terminal"
	"github.com/elicence/elicence/internal/terminal/wedge"
)

// sources are where codes come from.
type sources struct {
	serial   string
	baud     int
	watch    string
	scanner  wedge.Options
	pictures []string
}

func (s *sources) flags(flags *flag.FlagSet) {
	flags.StringVar(&s.serial, "serial", "", "`port` of a scanner in serial mode, such as /dev/ttyUSB0")
	flags.IntVar(&s.baud, "baud", 9600, "speed of the serial port in `bit/s`; 8 data bits, no parity, 1 stop bit")
	flags.StringVar(&s.watch, "watch", "", "`folder` whose new pictures are scanned as they appear")
	flags.StringVar(&s.scanner.Prefix, "scanner-prefix", "", "`text` that the scanner is set to send before a code; AIM identifiers are known")
	flags.StringVar(&s.scanner.Suffix, "scanner-suffix", "", "`text` that the scanner is set to send after a code; line ends and tabs are known")
}

// open opens what the flags name. Standard input is read if nothing else is named, or
// for a screen: people press keys there.
// quit is called when Ctrl-C is pressed while the keyboard is taken.
func (s *sources) open(screen bool, quit func()) ([]terminal.Source, func(), error) {
	var all []terminal.Source
	closeAll := func() {}
	if s.serial != "" {
		port, err := serial.Open(s.serial, &serial.Mode{BaudRate: s.baud})
		if err != nil {
			return nil, nil, fmt.Errorf("--serial: %s: %w", s.serial, err)
		}
		closeAll = func() { _ = port.Close() }
		all = append(all, terminal.Scanner(s.serial, serialPort{port}, s.scanner))
	}
	if s.watch != "" {
		info, err := os.Stat(s.watch)
		if err != nil || !info.IsDir() {
			closeAll()
			return nil, nil, errors.Join(fmt.Errorf("--watch: %s is not a folder", s.watch), err)
		}
		all = append(all, terminal.Watched(s.watch))
	}
	if len(s.pictures) > 0 {
		all = append(all, terminal.Files(s.pictures...))
	}
	switch {
	case screen:
		all = append(all, terminal.Scanner("the keyboard", keyboard{os.Stdin, quit}, s.scanner))
	case len(all) == 0:
		all = append(all, terminal.Scanner("standard input", os.Stdin, s.scanner))
	}
	return all, closeAll, nil
}

// keyboard is standard input whose keys come one by one, so that Ctrl-C is a key, too.
type keyboard struct {
	io.Reader
	quit func()
}

const ctrlC = 0x03

// Read implements io.Reader.
func (k keyboard) Read(b []byte) (int, error) {
	n, err := k.Reader.Read(b)
	if at := bytes.IndexByte(b[:n], ctrlC); at >= 0 {
		k.quit()
		return at, io.EOF
	}
	return n, err
}

// serialPort tells a port that has gone, which reads as nothing, from silence.
type serialPort struct{ serial.Port }

var errUnplugged = errors.New("the port was closed or unplugged")

// Read implements io.Reader.
func (p serialPort) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	if n == 0 && err == nil {
		return 0, errUnplugged
	}
	return n, err
}
