package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Files is a source of pictures: files, and folders with all pictures in and below
// them, in the order of their names.
func Files(paths ...string) Source {
	return func(_ context.Context, deliver func(Item) error) error {
		var failed []error
		for _, path := range paths {
			found, err := picturesIn(path)
			if err != nil {
				failed = append(failed, fmt.Errorf("picture: %w", err))
			}
			for _, p := range found {
				if err := deliver(Item{Path: p}); err != nil {
					return err
				}
			}
		}
		return errors.Join(failed...)
	}
}

// picturesIn returns a file itself, and of a folder what is named as a picture.
func picturesIn(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var found []string
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && namedAsPicture(p) {
			found = append(found, p)
		}
		return err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s has no PNG or JPEG file", path)
	}
	return found, err
}

func namedAsPicture(path string) bool {
	base := filepath.Base(path)
	return !strings.HasPrefix(base, ".") && slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(base)))
}

// Every how long a watched folder is looked at, and how long a file that does not end
// as a picture ends may stay as it is before it is taken for whole. Looking again and
// again also works where the kernel tells of no changes: network drives, cameras.
const (
	watchEvery = 500 * time.Millisecond
	watchWait  = 10 * time.Second
)

// Watched is a source of the pictures that appear in a folder while it runs, each once
// and when it is whole. What is there at the start has been seen. The folder may go
// away and come back, as a camera's does; what comes back with it has been seen.
func Watched(dir string) Source {
	return func(ctx context.Context, deliver func(Item) error) error {
		w := watcher{dir: dir, files: make(map[string]*watched)}
		if err := w.look(time.Now(), func(string) error { return nil }); err != nil {
			return fmt.Errorf("--watch: %w", err)
		}
		for _, f := range w.files {
			f.done = true
		}
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
				err := w.look(time.Now(), func(path string) error { return deliver(Item{Path: path}) })
				if err != nil && ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("--watch: %w", err)
				}
			}
		}
	}
}

// watcher remembers the files of a folder, and nothing of those that are gone.
type watcher struct {
	dir   string
	files map[string]*watched
}

// watched is a file, as it was when it last changed.
type watched struct {
	size    int64
	changed time.Time // its modification time
	since   time.Time // it has not changed since
	done    bool      // it was handed on
}

// look hands on the files that have become whole.
func (w *watcher) look(now time.Time, whole func(path string) error) error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	there := make(map[string]bool)
	for _, e := range entries {
		name := e.Name()
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !namedAsPicture(name) {
			continue
		}
		there[name] = true
		f := w.files[name]
		if f == nil || f.size != info.Size() || !f.changed.Equal(info.ModTime()) {
			w.files[name] = &watched{size: info.Size(), changed: info.ModTime(), since: now}
			continue
		}
		path := filepath.Join(w.dir, name)
		if f.done || now.Sub(f.since) < watchEvery/2 || now.Sub(f.since) < watchWait && !endsAsPicture(path, f.size) {
			continue
		}
		f.done = true
		if err := whole(path); err != nil {
			return err
		}
	}
	for name := range w.files {
		if !there[name] {
			delete(w.files, name)
		}
	}
	return nil
}

// endsAsPicture reports whether a file ends with the end marker of a PNG or a JPEG.
func endsAsPicture(path string, size int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	tail := make([]byte, min(size, 12))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return bytes.HasSuffix(tail, []byte("\xff\xd9")) || bytes.HasSuffix(tail, []byte("IEND\xaeB`\x82"))
}
