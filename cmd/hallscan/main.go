// Command hallscan is the hall terminal: it verifies the codes on licences against
// a folder of trust files, and cannot talk to anyone.
//
//	hallscan --trust DIR [flags] [PICTURE|FOLDER…]
//	hallscan journal export|verify|seen …
//
// It reads codes as a scanner in keyboard mode types them on standard input, from a
// serial port (--serial), from pictures and folders of pictures, and from a folder that
// a camera fills (--watch), and answers each at once: in a line, as JSON (--json) or on
// the whole screen (--screen). It exits with 0 if every scan was valid, 1 if one was
// not, and 2 if it could not work.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/hall"
	"github.com/elicence/elicence/internal/terminal"
	"github.com/elicence/elicence/internal/terminal/journal"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

func main() { os.Exit(run(os.Args[1:])) }

const program = "hallscan"

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
	journal           bool
	challenge         string
	clear             time.Duration
	sources           sources
}

func run(args []string) int {
	warn := func(line string) { fmt.Fprintln(os.Stderr, program+": "+line) }
	if len(args) > 0 && args[0] == "journal" {
		return runJournal(args[1:], warn)
	}
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
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: hallscan --trust DIR [flags] [PICTURE|FOLDER…]\n       hallscan journal export|verify|seen …")
		flags.PrintDefaults()
	}
	flags.StringVar(&s.trust, "trust", "", "`folder` with the trust files (required)")
	flags.StringVar(&s.pin, "root-sm3", "", "SM3 of a root file that must be in the folder, in `hex`; else the file root.sm3 of the configuration folder, if it is there")
	flags.StringVar(&s.state, "state", "", "`folder` that remembers versions and time (default: the user's state folder)")
	flags.BoolVar(&s.json, "json", false, "print one JSON object a scan")
	flags.BoolVar(&s.screen, "screen", false, "show the last verdict on the whole screen")
	flags.StringVar(&s.challenge, "challenge", "", "with --screen: name of the `hall`; a question is shown for the holder's phone to scan, and nothing but its answer is taken")
	flags.DurationVar(&s.clear, "clear", 30*time.Second, "with --screen: after how `long` what a code says goes from the screen")
	flags.BoolVar(&s.bell, "bell", false, "ring the terminal's bell: once for yes, twice for look again, three times for no; always with --screen")
	flags.BoolVar(&s.batch, "batch", false, "at the end count a stack of papers and list those to look at")
	flags.BoolVar(&s.journal, "journal", true, "keep a journal of the scans, without personal data, in the state folder")
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
	case s.challenge != "" && !s.screen:
		return nil, errors.New("--challenge: goes with --screen, which shows the question")
	case len(s.challenge) > qr.MaxHall:
		return nil, fmt.Errorf("--challenge: at most %d bytes, which are 16 Chinese characters", qr.MaxHall)
	case s.clear <= 0:
		return nil, errors.New("--clear: must be a time such as 30s: what a code says may not stay for everybody to read")
	}
	return s, nil
}

// scan runs the terminal until its sources have ended and reports whether every scan
// was valid.
func scan(ctx context.Context, s *settings, warn func(string)) (bool, error) {
	pin, err := hall.ReadPin(program, s.pin)
	if err != nil {
		return false, err
	}
	if s.state == "" {
		if s.state, err = hall.StateFolder(program); err != nil {
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
	options := terminal.Options{Trust: s.trust, Pin: pin, State: s.state, Show: show, Warn: show.warn(warn), Now: time.Now}
	if s.state != "" {
		memory, err := terminal.OpenMemory(filepath.Join(s.state, "shown"), time.Now(), options.Warn)
		if err != nil {
			return false, err
		}
		defer memory.Close()
		options.Replays = memory
	} else {
		memory := verify.NewMemory(terminal.MemoryRoom)
		memory.ForgetBefore(time.Now())
		options.Replays = memory
	}
	if s.challenge != "" {
		options.Questions = &terminal.Questions{Hall: s.challenge, Random: rand.Reader, Show: show.screen}
	}
	if s.journal && s.state != "" {
		j, err := journal.Open(journalFolder(s.state), rand.Reader)
		switch {
		case errors.Is(err, durable.ErrInUse):
			options.Warn("another hallscan writes the journal of this state folder, so these scans are not in it; give --state")
		case err != nil:
			return false, err
		default:
			defer func() {
				if err := j.Close(); err != nil {
					options.Warn(err.Error())
				}
			}()
			options.Journal = j
		}
	}
	t, err := terminal.New(options)
	if err != nil {
		return false, err
	}
	if err := t.Run(ctx, sources...); err != nil {
		return false, err
	}
	return t.Accepted(), show.finish()
}
