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
	"os"
	"time"

	"github.com/elicence/elicence/internal/hall"
	"github.com/elicence/elicence/internal/terminal"
)

func main() { os.Exit(run()) }

const program = "hallscan"

const (
	exitValid    = 0
	exitNotValid = 1
	exitCouldNot = 2
)

func run() int {
	warn := func(line string) { fmt.Fprintln(os.Stderr, program+": "+line) }
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
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
	pin, err := hall.ReadPin(program, *pinHex)
	if err != nil {
		warn(err.Error())
		return exitCouldNot
	}
	if *stateDir == "" {
		if *stateDir, err = hall.StateFolder(program); err != nil {
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
