package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is the processor time that this process has used, its system calls
// included.
func processorTime() (time.Duration, error) { return used(unix.RUSAGE_SELF) }

// threadTime is that of the thread that asks.
func threadTime() (time.Duration, error) { return used(unix.RUSAGE_THREAD) }

func used(who int) (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		return 0, fmt.Errorf("asking for the processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
