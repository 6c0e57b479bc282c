//go:build linux || darwin

package bolt

import (
	"os"
	"syscall"
)

// unlock takes bbolt's lock from a file. Closing it is not enough while it is mapped into
// memory.
func unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) } //nolint:gosec // a descriptor
