// Command hallscan is the hall terminal: it verifies the codes on licences against
// a folder of trust files, and cannot talk to anyone.
//
//	hallscan --trust DIR [flags] [PICTURE|FOLDER…]
//
// It reads codes as a scanner in keyboard mode types them on standard input, from a
// serial port (--serial), from pictures and folders of pictures, and from a folder that
// a camera fills (--watch), and answers each at once: in a line, as JSON (--json) or on
// the whole screen (--screen). It exits with 0 if every scan was valid, 1 if one was
// not, and 2 if it could not work.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/elicence/elicence/internal/places"
	"github.com/elicence/elicence/internal/terminal"
)

func main() { os.Exit(run(os.Args[1:])) }

const self = "hallscan"

const (
	exitValid    = 0
	exitNotValid = 1
	exitCouldNot = 2
)

// settings are what the flags say.
type settings struct {
	trust, pin, state string
	json, screen      bool
	batch, bell       bool
	clear             time.Duration
	sources           sources
}

func run(args []string) int {
	warn := func(line string) { fmt.Fprintln(os.Stderr, self+": "+line) }
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return exitValid
	}
	if err != nil {
		warn(err.Error())
		return exitCouldNot
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	accepted, err := scan(ctx, s, warn)
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			warn(strings.TrimSuffix(line, "\n"))
		}
		return exitCouldNot
	}
	if !accepted {
		return exitNotValid
	}
	return exitValid
}

// parse reads the command line.
func parse(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet(self, flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: hallscan --trust DIR [flags] [PICTURE|FOLDER…]")
		flags.PrintDefaults()
	}
	flags.StringVar(&s.trust, "trust", "", "`folder` with the trust files (required)")
	flags.StringVar(&s.pin, "root-sm3", "", "SM3 of a root file that must be in the folder, in `hex`; else the file root.sm3 of the configuration folder, if it is there")
	flags.StringVar(&s.state, "state", "", "`folder` that remembers versions and time (default: the user's state folder)")
	flags.BoolVar(&s.json, "json", false, "print one JSON object a scan")
	flags.BoolVar(&s.screen, "screen", false, "show the last verdict on the whole screen")
	flags.DurationVar(&s.clear, "clear", 30*time.Second, "with --screen: after how `long` what a code says goes from the screen")
	flags.BoolVar(&s.bell, "bell", false, "ring the terminal's bell: once for yes, twice for look again, three times for no; always with --screen")
	flags.BoolVar(&s.batch, "batch", false, "at the end count a stack of papers and list those to look at")
	s.sources.flags(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, fmt.Errorf("command line: %w", err)
	}
	s.sources.pictures = flags.Args()
	switch {
	case s.trust == "":
		return nil, errors.New("--trust: must name the folder with the trust files")
	case s.screen && (s.json || s.batch):
		return nil, errors.New("--screen: does not go with --json or --batch")
	case s.clear <= 0:
		return nil, errors.New("--clear: must be a time such as 30s: what a code says may not stay for everybody to read")
	}
	return s, nil
}

// scan runs the terminal until its sources have ended and reports whether every scan
// was valid.
func scan(ctx context.Context, s *settings, warn func(string)) (bool, error) {
	pin, err := places.ReadPin(self, s.pin)
	if err != nil {
		return false, err
	}
	if s.state == "" {
		if s.state, err = places.StateFolder(self); err != nil {
			warn("nothing will be remembered, so an older cache would not be noticed: " + err.Error() + "; give --state")
		}
	}
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	sources, closeSources, err := s.sources.open(s.screen, quit)
	if err != nil {
		return false, err
	}
	defer closeSources()
	show, err := s.display()
	if err != nil {
		return false, err
	}
	defer func() { _ = show.Close() }()
	t, err := terminal.New(terminal.Options{
		Trust: s.trust, Pin: pin, State: s.state, Show: show, Warn: show.warn(warn), Now: time.Now,
	})
	if err != nil {
		return false, err
	}
	if err := t.Run(ctx, sources...); err != nil {
		return false, err
	}
	return t.Accepted(), show.finish()
}
