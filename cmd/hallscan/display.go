package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/elicence/elicence/internal/terminal"
)

// display is where verdicts go, and what has to be done around it.
type display struct {
	terminal.Display
	batch  *terminal.Batch
	json   bool
	screen *terminal.Screen
	keys   *term.State // of the keyboard before it was taken
}

func (s *settings) display() (*display, error) {
	d := &display{json: s.json}
	lines := terminal.Lines{Out: os.Stdout}
	if s.bell {
		lines.Pause = time.Sleep
	}
	d.Display = lines
	if s.json {
		d.Display = terminal.JSON{Out: os.Stdout}
	}
	if s.batch {
		d.batch = terminal.NewBatch(d.Display)
		d.Display = d.batch
	}
	if s.screen {
		return d, d.takeScreen(s.clear)
	}
	return d, nil
}

// takeScreen takes screen and keyboard: what a scanner types is not echoed.
func (d *display) takeScreen(clearAfter time.Duration) error {
	out := int(os.Stdout.Fd())
	if !term.IsTerminal(out) {
		return errors.New("--screen: standard output is not a terminal")
	}
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		keys, err := term.MakeRaw(in)
		if err != nil {
			return fmt.Errorf("--screen: taking the keyboard: %w", err)
		}
		d.keys = keys
	}
	size := func() (int, int) {
		width, height, err := term.GetSize(out)
		if err != nil {
			return 80, 24
		}
		return width, height
	}
	screen, err := terminal.NewScreen(terminal.ScreenOptions{Out: os.Stdout, Size: size, Clear: clearAfter, Now: time.Now, Pause: time.Sleep})
	if err != nil {
		return errors.Join(fmt.Errorf("--screen: %w", err), d.Close())
	}
	d.screen, d.Display = screen, screen
	return nil
}

// warn returns where warnings go: on the screen while it is taken, and to standard
// error unless that is the same screen.
func (d *display) warn(otherwise func(string)) func(string) {
	if d.screen == nil {
		return otherwise
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return d.screen.Warn
	}
	return func(line string) {
		d.screen.Warn(line)
		otherwise(line)
	}
}

// finish tells what is to be told after the last scan.
func (d *display) finish() error {
	switch {
	case d.batch == nil:
		return nil
	case d.json:
		return d.batch.Summary().WriteJSON(os.Stdout)
	default:
		return d.batch.Summary().WriteText(os.Stdout)
	}
}

// Close gives screen and keyboard back.
func (d *display) Close() error {
	var err error
	if d.screen != nil {
		err = d.screen.Close()
	}
	if d.keys != nil {
		err = errors.Join(err, term.Restore(int(os.Stdin.Fd()), d.keys))
	}
	return err
}
