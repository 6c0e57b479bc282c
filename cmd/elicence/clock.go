package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/tsa"
)

// clockFlag is an operator's word for the clock that time stamps are made by.
type clockFlag struct{ off time.Duration }

func (c *clockFlag) add(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&c.off, "clock-error", 0, "`TIME` by which the clock may be off, as 100ms, at most 500ms, where you vouch for it; without: only the kernel's word counts for time stamps")
}

// errClockOfService: a service that runs makes its time stamps by its own clock.
var errClockOfService = bilingual.New("时钟由运行中的服务掌握，请在 serve 上给出", "--clock-error: the service that runs has the clock: give it to serve")

// set has time stamps made by the operator's word, if it was given.
func (c *clockFlag) set(s *settings) error {
	// With a larger one every time stamp would be refused.
	if c.off < 0 || c.off > tsa.MaxClockError {
		return fmt.Errorf("--clock-error: %s is not between 0 and %s", c.off, tsa.MaxClockError)
	}
	if s.served != nil {
		if c.off > 0 && s.clock.Probe == nil {
			return errClockOfService
		}
		return nil
	}
	if c.off > 0 {
		s.clock = tsa.ClockSettings{Probe: tsa.DeclaredClock(c.off)}
	}
	return nil
}
