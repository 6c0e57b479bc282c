package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a folder with the files of a cache, on a stick or a network drive. It is
// only read, and only files that are asked for by name: what else lies there is not
// looked at. Links and devices in the place of files are refused.
type Folder string

// String names the folder.
func (f Folder) String() string { return string(f) }

// Open implements [Source].
func (f Folder) Open(ctx context.Context, name string, w Wanted) (*Content, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// The root keeps every name inside, whatever links the stick holds.
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, pathless(err))
	}
	defer func() { _ = root.Close() }() // only read
	fail := func(err error) (*Content, error) {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrMissing
		} else if !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrTooLarge) {
			err = fmt.Errorf("%w: %w", ErrUnreachable, pathless(err))
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// Before it is opened, because opening a pipe waits for a writer.
	info, err := regular(root, name)
	if err != nil {
		return fail(err)
	}
	if info.Size() > w.Limit {
		return fail(ErrTooLarge)
	}
	file, err := root.Open(name)
	if err != nil {
		return fail(err)
	}
	offset := min(w.Offset, info.Size())
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_, err = fail(err)
		return nil, errors.Join(err, file.Close())
	}
	content := drive{file, name}
	return &Content{ReadCloser: &bounded{content, w.Limit - offset, name}, Offset: offset}, nil
}

// regular refuses what is not a file, and what lies in a folder that is not one.
func regular(root *os.Root, name string) (fs.FileInfo, error) {
	if dir := filepath.Dir(name); dir != "." {
		info, err := root.Lstat(dir)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("%w: %s is not a folder", ErrAnswer, dir)
		}
	}
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", ErrAnswer)
	}
	return info, nil
}

// drive is a file on a drive that may be pulled out.
type drive struct {
	*os.File
	name string
}

// Read names what could not be read.
func (d drive) Read(p []byte) (int, error) {
	n, err := d.File.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("%s: %w: %w", d.name, ErrUnreachable, pathless(err))
	}
	return n, err
}

// pathless takes out the path, which is said already.
func pathless(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
