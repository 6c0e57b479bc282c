package tsa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// KernelClock is the [Probe] that asks the kernel (adjtimex, read only): chrony, ntpd
// and systemd-timesyncd all tell it whether the clock is disciplined and how far it
// may be off. A kernel that nobody tells anything is not synchronised.
func KernelClock(context.Context) (Synchronised, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return Synchronised{}, fmt.Errorf("asking the kernel: %w", err)
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return Synchronised{}, errors.New("the kernel says that nothing disciplines it")
	}
	return Synchronised{MaxError: time.Duration(t.Maxerror) * time.Microsecond}, nil
}
