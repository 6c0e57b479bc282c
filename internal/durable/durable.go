// Package durable writes files that are either wholly there after a crash or
// not there at all, and that are on the disk when a call returns.
//
// The happy path of [WriteFile] is: create a temporary file beside the target,
// write, fsync, close, rename over the target, fsync the folder. A failed fsync
// is never retried (the kernel may have dropped the pages); the temporary file is
// removed and the error returned.
package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotFile says that what is there is a folder, a device or a pipe, which a file
// must not replace.
var ErrNotFile = errors.New("is not a regular file")

// ErrInUse says that another process holds the lock of a folder.
var ErrInUse = errors.New("in use by another process")

// WriteFile writes data to path atomically and durably, replacing a file that is
// there; for anything else the error wraps [ErrNotFile].
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	return WriteFrom(path, bytes.NewReader(data), perm)
}

// CreateFile is [WriteFile] for files that must not be there yet: keys and
// other things that are never overwritten. If path exists the error is
// fs.ErrExist and nothing is changed.
func CreateFile(path string, data []byte, perm fs.FileMode) error {
	tmp, err := stage(path, bytes.NewReader(data), perm)
	if err != nil {
		return err
	}
	// A hard link fails if the target exists; a rename would replace it.
	linkErr := os.Link(tmp, path)
	if err := os.Remove(tmp); err != nil {
		return errors.Join(linkErr, fmt.Errorf("removing the temporary file: %w", err))
	}
	if linkErr != nil {
		return fmt.Errorf("creating %s: %w", path, linkErr)
	}
	return SyncDir(filepath.Dir(path))
}

// stage writes content to a new temporary file in the folder of path and
// fsyncs it.
func stage(path string, content io.WriterTo, perm fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-"+filepath.Base(path)+"-*")
	if err != nil {
		return "", fmt.Errorf("creating a temporary file: %w", err)
	}
	fail := func(doing string, err error) (string, error) {
		return "", errors.Join(fmt.Errorf("%s %s: %w", doing, path, err), f.Close(), os.Remove(f.Name()))
	}
	if err := f.Chmod(perm); err != nil {
		return fail("setting the mode of", err)
	}
	if _, err := content.WriteTo(f); err != nil {
		return fail("writing", err)
	}
	if err := f.Sync(); err != nil {
		return fail("syncing", err)
	}
	if err := f.Close(); err != nil {
		return "", errors.Join(fmt.Errorf("closing %s: %w", path, err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// WriteFrom is [WriteFile] for content that is written piece by piece.
func WriteFrom(path string, content io.WriterTo, perm fs.FileMode) error {
	// A rename puts a file in the place of a device or a pipe without a word.
	if there, err := os.Stat(path); err == nil && !there.Mode().IsRegular() {
		return fmt.Errorf("%s %w", path, ErrNotFile)
	}
	tmp, err := stage(path, content, perm)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("moving into place: %w", err), os.Remove(tmp))
	}
	return SyncDir(filepath.Dir(path))
}

// BuildDir makes a folder with everything in it: build fills a new folder beside
// the target, which is moved into place when build has succeeded and removed when
// it has not. The folder gets the mode perm. The target may be an empty folder; one
// that is not empty is left alone and the error wraps fs.ErrExist. What a killed
// process left half-made for the same target is removed: it may hold keys.
func BuildDir(dir string, perm fs.FileMode, build func(building string) error) error {
	dir = filepath.Clean(dir)
	if err := CheckEmpty(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("making the parent folder: %w", err)
	}
	prefix := filepath.Join(filepath.Dir(dir), ".making-"+filepath.Base(dir)+"-")
	if err := sweep(prefix); err != nil {
		return err
	}
	building, err := os.MkdirTemp(filepath.Dir(prefix), filepath.Base(prefix))
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	unlock, err := LockDir(building)
	if err != nil {
		return fmt.Errorf("locking the folder that is made: %w", err)
	}
	defer unlock()
	if err := errors.Join(os.Chmod(building, perm), build(building)); err != nil {
		return errors.Join(err, os.RemoveAll(building))
	}
	// Remove takes an empty folder out of the way and nothing else.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s: %w", dir, fs.ErrExist), os.RemoveAll(building))
	}
	if err := os.Rename(building, dir); err != nil {
		return errors.Join(fmt.Errorf("moving into place: %w", err), os.RemoveAll(building))
	}
	return SyncDir(filepath.Dir(dir))
}

// CheckEmpty refuses a path where something is that is not an empty folder; the
// error then wraps fs.ErrExist.
func CheckEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking at the folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: %w", dir, fs.ErrExist)
	}
	return nil
}

// Mkdir makes a folder (its parent must exist) and fsyncs the parent. If path
// exists the error is fs.ErrExist.
func Mkdir(path string, perm fs.FileMode) error {
	if err := os.Mkdir(path, perm); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir fsyncs a folder, so that names created in it survive a crash.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the folder to sync it: %w", err)
	}
	if err := dir.Sync(); err != nil {
		return errors.Join(fmt.Errorf("syncing folder %s: %w", path, err), dir.Close())
	}
	if err := dir.Close(); err != nil {
		return fmt.Errorf("closing folder %s: %w", path, err)
	}
	return nil
}
