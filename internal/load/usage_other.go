//go:build !linux

package load

import "time"

// processorTime and threadTime are 0: only Linux is asked.
func processorTime() (time.Duration, error) { return 0, nil }
func threadTime() (time.Duration, error)    { return 0, nil }
