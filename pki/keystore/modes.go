package keystore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkModes walks a store's folder and refuses it if anything in it is open to
// other users, or is neither a file nor a folder: a link could lead anywhere.
func checkModes(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil // another process has just moved a file into place
		}
		if err != nil {
			return err
		}
		return checkMode(path, info)
	})
}

func checkMode(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() && !info.IsDir() {
		return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("is neither a file nor a folder: %w", ErrMode)}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return &fs.PathError{Op: "read", Path: path, Err: ErrMode}
	}
	return nil
}

// readPrivate reads a file of at most limit bytes that only its owner may read.
// The mode is that of the file that was opened, so it cannot be changed in between.
func readPrivate(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is a folder")}
	}
	if err := checkMode(path, info); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		clear(b)
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("has more than the %d bytes that are expected", limit)}
	}
	return b, nil
}
