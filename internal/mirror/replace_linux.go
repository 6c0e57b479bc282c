package mirror

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// replace lets the next cache and the one in force change places in one step (renameat2
// with RENAME_EXCHANGE), so that there is a cache at every moment. What was in force is
// then moved to last.
func (w *work) replace(next string) error {
	err := unix.Renameat2(unix.AT_FDCWD, next, unix.AT_FDCWD, w.cache, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		w.step("exchanged")
		return os.Rename(next, w.last())
	case errors.Is(err, fs.ErrNotExist): // no cache yet
		return os.Rename(next, w.cache)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // a file system that cannot
		return w.replaceByRenames(next)
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EXDEV):
		return errors.New(w.cache + " is where a file system is mounted: give a folder inside of it")
	default:
		return &os.LinkError{Op: "exchange", Old: next, New: w.cache, Err: err}
	}
}
