package main

import (
	"os"
	"runtime/debug"
)

// A command that issues by the thousand lets go of as much memory as it takes, batch by
// batch, and what it holds does not grow with the count. So it collects less often than a
// program that nobody knows, up to a bound: that saves a tenth of its time.
const (
	bulkPercent = 400
	bulkLimit   = 1 << 30 // bytes; from there on it collects as often as it takes
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
