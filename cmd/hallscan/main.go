// Command hallscan is the hall terminal: it verifies the codes on licences against
// a folder of trust files, and cannot talk to anyone.
//
//	hallscan --trust DIR [--root-sm3 HEX] [--state DIR] [--json] [PICTURE…]
//
// Without pictures it reads codes as lines from standard input, as a scanner in
// keyboard or serial mode delivers them, and answers each at once. It exits with 0 if
// every scan was valid, 1 if one was not, and 2 if it could not work.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/terminal"
	"github.com/elicence/elicence/qr/trust"
)

func main() { os.Exit(run()) }

const (
	exitValid    = 0
	exitNotValid = 1
	exitCouldNot = 2
)

func run() int {
	warn := func(line string) { fmt.Fprintln(os.Stderr, "hallscan: "+line) }
	flags := flag.NewFlagSet("hallscan", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: hallscan --trust DIR [--root-sm3 HEX] [--state DIR] [--json] [PICTURE…]")
		flags.PrintDefaults()
	}
	trustDir := flags.String("trust", "", "folder with the trust `files` (required)")
	pinHex := flags.String("root-sm3", "", "SM3 of a root file that must be in the folder, in `hex`; else the file root.sm3 of the configuration folder, if it is there")
	stateDir := flags.String("state", "", "`folder` that remembers versions and time (default: the user's state folder)")
	asJSON := flags.Bool("json", false, "print one JSON object a scan")
	if err := flags.Parse(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitValid
		}
		return exitCouldNot
	}
	if *trustDir == "" {
		warn("--trust: must name the folder with the trust files")
		return exitCouldNot
	}
	pin, err := readPin(*pinHex)
	if err != nil {
		warn(err.Error())
		return exitCouldNot
	}
	if *stateDir == "" {
		if *stateDir, err = defaultState(); err != nil {
			warn("nothing will be remembered, so an older cache would not be noticed: " + err.Error() + "; give --state")
		}
	}
	t, err := terminal.New(terminal.Options{
		Trust: *trustDir, Pin: pin, State: *stateDir, JSON: *asJSON, Out: os.Stdout, Warn: warn, Now: time.Now,
	})
	if err != nil {
		warn(err.Error())
		return exitCouldNot
	}
	if failed := scan(t, flags.Args()); len(failed) > 0 {
		for _, err := range failed {
			warn(err.Error())
		}
		return exitCouldNot
	}
	if !t.Accepted() {
		return exitNotValid
	}
	return exitValid
}

// scan takes pictures, or lines. A picture that cannot be read does not keep the
// others from their verdict.
func scan(t *terminal.Terminal, pictures []string) []error {
	var failed []error
	if len(pictures) == 0 {
		if err := t.Lines(os.Stdin); err != nil {
			failed = append(failed, err)
		}
	}
	for _, path := range pictures {
		if err := t.Picture(path); err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// readPin takes the pin from the flag, or from the file root.sm3 in the user's
// configuration folder.
func readPin(text string) (*[32]byte, error) {
	source := "--root-sm3"
	if text == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, nil //nolint:nilerr // no folder, no pin: the terminal warns of it
		}
		source = filepath.Join(config, "hallscan", "root.sm3")
		b, err := os.ReadFile(source)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("pin: %w", err)
		}
		text = strings.TrimSpace(string(b))
	}
	pin, err := trust.ParsePin(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return pin, nil
}

// defaultState makes the folder in the user's state folder: $XDG_STATE_HOME or
// ~/.local/state.
func defaultState() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding the user's state folder: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(base, "hallscan")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the user's state folder: %w", err)
	}
	return dir, nil
}
