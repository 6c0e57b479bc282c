package main

import (
	"os"
	"runtime/debug"
)

// A command that issues or seals by the thousand lets go of as much memory as it takes, batch by
// batch, and what it holds does not grow with the count. So it collects when its memory has
// grown to a bound, which it reaches with any count, and hardly before: that saves a tenth
// of its time, and whoever issues ten times as many needs no more memory.
const (
	bulkPercent = 800
	bulkLimit   = 512 << 20 // bytes; more if what it holds is more, as of large pictures
)

// collectLess sets this, unless the environment says otherwise, and returns what sets it
// back.
func collectLess() func() {
	percent, limit := -1, int64(-1)
	if os.Getenv("GOGC") == "" {
		percent = debug.SetGCPercent(bulkPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		limit = debug.SetMemoryLimit(bulkLimit)
	}
	return func() {
		if percent >= 0 {
			debug.SetGCPercent(percent)
		}
		if limit >= 0 {
			debug.SetMemoryLimit(limit)
		}
	}
}
