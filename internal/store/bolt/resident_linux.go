package bolt

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// letGo tells the kernel that the pages of the map may go, if the process has so many bytes more
// of files than when it was told last. They stay in its cache, clean, as the file is written by
// its descriptor, but no longer count as this process's memory. Who reads one again waits a
// moment. A kernel that declines changes nothing.
func (e *Engine) letGo(length, most int64) {
	now := filePages()
	rest := min(e.rest.Load(), now)
	if now-rest < most && now > 0 {
		e.rest.Store(rest)
		return
	}
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, e.db.Info().Data, uintptr(length), unix.MADV_DONTNEED) //nolint:gosec // a file's size
	e.rest.Store(filePages())
}

// filePages is how many bytes of files the process has in its memory, those of the program among
// them; 0: the kernel does not tell.
func filePages() int64 {
	statm, _ := os.ReadFile("/proc/self/statm") // one that cannot be read tells nothing
	fields := bytes.Fields(statm)
	if len(fields) < 3 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return pages * int64(os.Getpagesize())
}
