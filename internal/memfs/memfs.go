// Package memfs is a read-only file system in memory with one level of folders: what
// the published trust files look like to their reader before they are exported.
package memfs

import (
	"bytes"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// FS maps slash-separated names to contents.
type FS map[string][]byte

var (
	_ fs.ReadFileFS = FS(nil)
	_ fs.ReadDirFS  = FS(nil)
	_ fs.StatFS     = FS(nil)
)

// Open implements fs.FS for files.
func (f FS) Open(name string) (fs.File, error) {
	b, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &file{info{name, int64(len(b)), false}, bytes.NewReader(b)}, nil
}

// ReadFile implements fs.ReadFileFS.
func (f FS) ReadFile(name string) ([]byte, error) {
	b, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(b), nil
}

// Stat implements fs.StatFS for files.
func (f FS) Stat(name string) (fs.FileInfo, error) {
	b, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info{name, int64(len(b)), false}, nil
}

// ReadDir implements fs.ReadDirFS.
func (f FS) ReadDir(dir string) ([]fs.DirEntry, error) {
	prefix := ""
	if dir != "." {
		prefix = dir + "/"
	}
	found := make(map[string]fs.DirEntry)
	for name, b := range f {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		first, _, isDir := strings.Cut(rest, "/")
		found[first] = fs.FileInfoToDirEntry(info{first, int64(len(b)), isDir})
	}
	var entries []fs.DirEntry
	for _, e := range found {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

type file struct {
	info
	io.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type info struct {
	name  string
	size  int64
	isDir bool
}

func (i info) Name() string       { return i.name[strings.LastIndexByte(i.name, '/')+1:] }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.isDir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.isDir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
