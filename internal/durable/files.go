package durable

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Files is where the files that somebody names are read and written: the disk of this
// process ([Disk]), or that of whoever has typed a command which this process carries out
// (internal/desk). Its errors wrap those of io/fs.
type Files interface {
	// Abs returns the absolute form of a path.
	Abs(path string) (string, error)
	Stat(path string) (fs.FileInfo, error)
	// Lstat is Stat that follows no link at the end of the path.
	Lstat(path string) (fs.FileInfo, error)
	// Same reports whether two paths name one file; false where one of them names none.
	Same(a, b string) (bool, error)
	// ReadDir lists a folder, ordered by name.
	ReadDir(path string) ([]fs.DirEntry, error)
	OpenFile(path string, flag int, perm fs.FileMode) (File, error)
	Remove(path string) error
	MkdirAll(path string, perm fs.FileMode) error
	SyncDir(path string) error
	// WriteFrom is [WriteFrom].
	WriteFrom(path string, content io.WriterTo, perm fs.FileMode) error
	// CreateFile is [CreateFile].
	CreateFile(path string, data []byte, perm fs.FileMode) error
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// Disk is the disk of this process.
type Disk struct{}

var _ Files = Disk{}

// Abs implements [Files].
func (Disk) Abs(path string) (string, error) { return filepath.Abs(path) }

// Stat implements [Files].
func (Disk) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// Lstat implements [Files].
func (Disk) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }

// Same implements [Files].
func (Disk) Same(a, b string) (bool, error) {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true, nil
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y), nil
}

// ReadDir implements [Files].
func (Disk) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

// OpenFile implements [Files].
func (Disk) OpenFile(path string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(filepath.Clean(path), flag, perm)
	if err != nil {
		return nil, err // and no file that is not nil
	}
	return f, nil
}

// Remove implements [Files].
func (Disk) Remove(path string) error { return os.Remove(path) }

// MkdirAll implements [Files].
func (Disk) MkdirAll(path string, perm fs.FileMode) error { return os.MkdirAll(path, perm) }

// SyncDir implements [Files].
func (Disk) SyncDir(path string) error { return SyncDir(path) }

// WriteFrom implements [Files].
func (Disk) WriteFrom(path string, content io.WriterTo, perm fs.FileMode) error {
	return WriteFrom(path, content, perm)
}

// CreateFile implements [Files].
func (Disk) CreateFile(path string, data []byte, perm fs.FileMode) error {
	return CreateFile(path, data, perm)
}
