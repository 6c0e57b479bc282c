// Package memfs is a file system of files that are in memory: what reads folders reads
// what was fetched, unpacked or made just as well.
package memfs

import (
	"bytes"
	"cmp"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// FS has the contents of files by their names, which are as [fs.ValidPath] wants them; others are
// not found. Folders are there where a file is below them. It must not be changed while it is
// read, and no name be that of a file and of a folder.
type FS map[string][]byte

var _ interface {
	fs.ReadFileFS
	fs.ReadDirFS
} = FS(nil)

// Open implements [fs.FS].
func (f FS) Open(name string) (fs.File, error) {
	content, found, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if found {
		return &file{info{path.Base(name), int64(len(content)), 0}, bytes.NewReader(content)}, nil
	}
	return &folder{info{path.Base(name), 0, fs.ModeDir}, f.entries(name)}, nil
}

// ReadFile implements [fs.ReadFileFS]. The bytes are the caller's own.
func (f FS) ReadFile(name string) ([]byte, error) {
	content, found, err := f.find("read", name)
	if err == nil && !found {
		err = &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid} // a folder
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, content...), nil
}

// ReadDir implements [fs.ReadDirFS].
func (f FS) ReadDir(name string) ([]fs.DirEntry, error) {
	_, found, err := f.find("readdir", name)
	if err == nil && found {
		err = &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid} // a file
	}
	if err != nil {
		return nil, err
	}
	return f.entries(name), nil
}

// find returns a file; not found and no error: it is a folder.
func (f FS) find(op, name string) (content []byte, found bool, err error) {
	if !fs.ValidPath(name) {
		return nil, false, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return nil, false, nil
	}
	if content, found = f[name]; found || len(f.entries(name)) > 0 {
		return content, found, nil
	}
	return nil, false, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// entries are what a folder has, in the order of their names.
func (f FS) entries(folder string) []fs.DirEntry {
	var found []fs.DirEntry
	for name, content := range f {
		if !fs.ValidPath(name) || name == "." {
			continue
		}
		below := name
		if folder != "." {
			var inside bool
			if below, inside = strings.CutPrefix(name, folder+"/"); !inside {
				continue
			}
		}
		first, _, deeper := strings.Cut(below, "/")
		e := info{first, int64(len(content)), 0}
		if deeper {
			e = info{first, 0, fs.ModeDir}
		}
		found = append(found, fs.FileInfoToDirEntry(e))
	}
	slices.SortFunc(found, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(found, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() })
}

// info describes a file or a folder, which may be read and was made at no time.
type info struct {
	name string
	size int64
	kind fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.kind | 0o444 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.kind.IsDir() }
func (i info) Sys() any           { return nil }

type file struct {
	info info
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type folder struct {
	info info
	rest []fs.DirEntry // that was not read yet
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *folder) Close() error               { return nil }

func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.name, Err: fs.ErrInvalid}
}

// ReadDir implements [fs.ReadDirFile].
func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.rest)
	} else if len(f.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.rest))
	found := f.rest[:n:n]
	f.rest = f.rest[n:]
	return found, nil
}
