package memfs_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/elicence/elicence/internal/memfs"
)

// TestFS holds it against the standard library's test of file systems.
func TestFS(t *testing.T) {
	t.Parallel()
	files := memfs.FS{"1.root": []byte("root"), "empty": nil, "set/a": []byte("a"), "set/b": []byte("b"), "a/b/c": []byte("c"), "setting": []byte("s")}
	if err := fstest.TestFS(files, "1.root", "empty", "set/a", "set/b", "a/b/c", "setting"); err != nil {
		t.Error(err)
	}
	if err := fstest.TestFS(memfs.FS{}); err != nil {
		t.Error(err)
	}
	if err := fstest.TestFS(memfs.FS(nil)); err != nil {
		t.Error(err)
	}
}

// TestNoSuchFile: what is not there, and what is the other kind of thing, is told apart.
func TestNoSuchFile(t *testing.T) {
	t.Parallel()
	files := memfs.FS{"set/a": []byte("a"), "../b": []byte("b"), "/c": nil, "": nil, ".": nil, "d//e": nil}
	for name, want := range map[string]error{"none": fs.ErrNotExist, "se": fs.ErrNotExist, "set/b": fs.ErrNotExist, "set/a/b": fs.ErrNotExist, "../b": fs.ErrInvalid, "/c": fs.ErrInvalid, "": fs.ErrInvalid, "d": fs.ErrNotExist} {
		if _, err := files.Open(name); !errors.Is(err, want) {
			t.Errorf("opening %q: %v, want %v", name, err, want)
		}
		if _, err := files.ReadFile(name); !errors.Is(err, want) {
			t.Errorf("reading %q: %v, want %v", name, err, want)
		}
		if _, err := files.ReadDir(name); !errors.Is(err, want) {
			t.Errorf("listing %q: %v, want %v", name, err, want)
		}
	}
	if _, err := files.ReadFile("set"); err == nil {
		t.Error("a folder was read")
	}
	if _, err := files.ReadDir("set/a"); err == nil {
		t.Error("a file was listed")
	}
	if all, err := files.ReadDir("."); err != nil || len(all) != 1 || all[0].Name() != "set" {
		t.Errorf("%v, %v", all, err)
	}
	b, err := files.ReadFile("set/a")
	if err != nil {
		t.Fatal(err)
	}
	b[0] = 'x'
	if string(files["set/a"]) != "a" {
		t.Error("who has read a file can change it")
	}
}
