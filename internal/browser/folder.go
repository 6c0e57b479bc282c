package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/elicence/elicence/internal/memfs"
	"github.com/elicence/elicence/qr/trust"
)

// Read fetches a trust file by its name below /trust/. The error wraps
// [fs.ErrNotExist] if there is none of the name. It is called for several files at once.
type Read func(ctx context.Context, name string) ([]byte, error)

// folder is the cache as [trust.Load] sees it: signed files are fetched when they are
// asked for, so the loader itself decides on the order and stops at the first that is
// wrong. Set files, of which there are more than are needed, are fetched by
// [folder.take].
type folder struct {
	ctx  context.Context
	read Read
	kept map[string][]byte

	files  memfs.FS // what was opened
	failed error    // the first fetch that failed for another reason than a missing file
}

func newFolder(ctx context.Context, kept map[string][]byte, read Read) *folder {
	return &folder{ctx: ctx, read: read, kept: kept, files: make(memfs.FS)}
}

// Open implements [fs.FS].
func (f *folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		if err := f.findRoots(); err != nil {
			return nil, err
		}
		return f.files.Open(name)
	}
	if _, opened := f.files[name]; !opened {
		content, err := f.fetch(name)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		f.files[name] = content
	}
	return f.files.Open(name)
}

// fetch takes a file that never changes under its name from what was kept, and the
// other signed files from the network if there is one.
func (f *folder) fetch(name string) ([]byte, error) {
	content, kept := f.kept[name]
	root := strings.HasSuffix(name, "."+string(trust.RoleRoot))
	signed := root || slices.Contains(trust.Roles(), trust.Role(name))
	switch {
	case kept && (f.read == nil || root || !signed):
		return content, nil
	case f.read == nil || !signed:
		return nil, fs.ErrNotExist
	}
	return f.get(name)
}

// take fetches set files, whose lengths are signed, all at once: there are few.
func (f *folder) take(missing []trust.SetFile) error {
	contents, failed := make([][]byte, len(missing)), make([]error, len(missing))
	var group sync.WaitGroup
	for i, m := range missing {
		group.Go(func() { contents[i], failed[i] = f.read(f.ctx, trust.SetName(m.SM3)) })
	}
	group.Wait()
	for i, m := range missing {
		name := trust.SetName(m.SM3)
		if failed[i] != nil {
			return f.because(f.noted(name, failed[i]))
		}
		f.files[name] = contents[i]
	}
	return nil
}

// get asks the network.
func (f *folder) get(name string) ([]byte, error) {
	content, err := f.read(f.ctx, name)
	return content, f.noted(name, err)
}

// noted remembers why the network failed, unless a file is just not there.
func (f *folder) noted(name string, err error) error {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && f.failed == nil {
		f.failed = fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// maxRoots bounds the versions of the root that are asked for.
const maxRoots = 1024

// findRoots opens the versions of the root one after the other until there is none.
func (f *folder) findRoots() error {
	for version := 1; version <= maxRoots; version++ {
		file, err := f.Open(strconv.Itoa(version) + "." + string(trust.RoleRoot))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

// because puts a fetch that failed in the place of what the loader made of it.
func (f *folder) because(err error) error {
	if f.failed != nil {
		return f.failed
	}
	return err
}

// used returns the files that were opened.
func (f *folder) used() map[string][]byte {
	return maps.Clone(f.files)
}
