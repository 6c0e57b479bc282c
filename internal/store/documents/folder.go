package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/elicence/elicence/internal/durable"
)

// folder keeps each object in a file.
type folder struct{ dir string }

func createFolder(dir string) (folder, error) { return folder{dir}, durable.Mkdir(dir, 0o700) }

func openFolder(dir string) (folder, error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", dir)
	}
	return folder{dir}, err
}

func (f folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f folder) write(name string, content []byte, write func(path string, data []byte, perm fs.FileMode) error) error {
	path := f.path(name)
	if err := durable.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return write(path, content, 0o600)
}

func (f folder) create(_ context.Context, name string, content []byte) error {
	return f.write(name, content, durable.CreateFile)
}

func (f folder) replace(_ context.Context, name string, content []byte) error {
	return f.write(name, content, durable.WriteFile)
}

func (f folder) read(_ context.Context, name string) ([]byte, error) {
	// Opened once, as another process may remove it between two looks at its path.
	file, err := os.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(file, maxObject+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	if len(b) > maxObject {
		return nil, ErrDamaged
	}
	return b, nil
}

func (f folder) remove(_ context.Context, name string) error {
	path := f.path(name)
	if err := os.Remove(path); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(path))
}

func (f folder) names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		folders, err := os.ReadDir(f.dir) // sorted
		for i := 0; i < len(folders) && err == nil; i++ {
			if !folders[i].IsDir() {
				continue
			}
			var files []os.DirEntry
			files, err = os.ReadDir(filepath.Join(f.dir, folders[i].Name()))
			if !slices.ContainsFunc(files, func(e os.DirEntry) bool { return !yield(folders[i].Name()+"/"+e.Name(), nil) }) {
				err = errors.Join(err, ctx.Err())
				continue
			}
			return
		}
		if err != nil {
			yield("", fmt.Errorf("listing the documents: %w", err))
		}
	}
}

func (folder) close() error { return nil }

// isExist reports whether an object was there already.
func isExist(err error) bool { return errors.Is(err, fs.ErrExist) }
