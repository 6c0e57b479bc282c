package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/seal/pdf"
)

// leveling is how long a signature is to be verifiable, and whose word on the clock
// counts for the time stamps that it takes.
type leveling struct {
	level      string
	clockError time.Duration
}

func (l *leveling) flags(cmd *cobra.Command, level string) {
	cmd.Flags().StringVar(&l.level, "level", level, "`LEVEL` of the signature: "+strings.Join(levelNames(), ", "))
	cmd.Flags().DurationVar(&l.clockError, "clock-error", 0, "`TIME` by which the clock may be off, as 100ms, at most 500ms, where you vouch for it; without: only the kernel's word counts for time stamps")
}

func levelNames() []string {
	var names []string
	for _, l := range office.Levels() {
		names = append(names, string(l))
	}
	return names
}

// use checks the flags and settles the clock before the data folder is opened.
func (l *leveling) use(s *settings) (office.Level, error) {
	if !slices.Contains(levelNames(), l.level) {
		return "", fmt.Errorf("--level: %q is none of %s", l.level, strings.Join(levelNames(), ", "))
	}
	return office.Level(l.level), declareClock(s, l.clockError)
}

// declareClock takes an operator's word for the clock; 0 is the kernel's.
func declareClock(s *settings, clockError time.Duration) error {
	// With a larger one every time stamp would be refused.
	if clockError < 0 || clockError > tsa.MaxClockError {
		return fmt.Errorf("--clock-error: %s is not between 0 and %s", clockError, tsa.MaxClockError)
	}
	if clockError > 0 {
		s.clock = tsa.ClockSettings{Probe: tsa.DeclaredClock(clockError)}
	}
	return nil
}

// preserve raises a sealed document to a level.
func preserve(cmd *cobra.Command, o *office.Office, actor string, sealed *pdf.Prepared, level office.Level) (*pdf.Prepared, error) {
	if level != office.LevelLT && level != office.LevelLTA {
		return sealed, nil
	}
	doc, err := sealed.Document()
	if err != nil {
		return nil, err
	}
	return o.Preserve(cmd.Context(), actor, doc, level)
}

// parseLock reads what a seal locks: all, or the names of fields; behind "not", all
// others.
func parseLock(text string) (*pdf.Lock, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no lock is no error
	}
	if text == "all" {
		return &pdf.Lock{Action: pdf.LockAll}, nil
	}
	lock := &pdf.Lock{Action: pdf.LockInclude}
	names, except := strings.CutPrefix(text, "not:")
	if except {
		lock.Action = pdf.LockExclude
	}
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return nil, fmt.Errorf("--lock: %q names an empty field", text)
		}
		lock.Fields = append(lock.Fields, name)
	}
	return lock, nil
}
