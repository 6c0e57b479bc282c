package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// wantFolder compares a folder's files with what should be there, so that nothing
// half-written stays behind.
func wantFolder(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, known := want[e.Name()]
		if !known {
			t.Errorf("%s is left in the folder", e.Name())
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil || string(b) != content {
			t.Errorf("%s holds %q, %v, want %q", e.Name(), b, err, content)
		}
	}
	if len(entries) < len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
}

// errFull stands for a full disk.
var errFull = errors.New("no space left")

// full is content of which only the first bytes reach the disk.
type full struct{}

func (full) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write([]byte("half"))
	return int64(n), errors.Join(err, errFull)
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, content := range []string{"one", "another", ""} {
		if err := WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		wantFolder(t, dir, map[string]string{"f": content})
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want 0640", info.Mode())
	}
	if err := WriteFile(filepath.Join(dir, "none", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v, want fs.ErrNotExist", err)
	}
}

// TestFailedWrite: what was there before stays, and no temporary file does.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := WriteFrom(path, full{}, 0o600); !errors.Is(err, errFull) {
		t.Errorf("WriteFrom: %v, want the writer's error", err)
	}
	wantFolder(t, dir, nil)
	if err := WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFrom(path, full{}, 0o600); !errors.Is(err, errFull) {
		t.Errorf("WriteFrom: %v, want the writer's error", err)
	}
	wantFolder(t, dir, map[string]string{"f": "before"})
	// A folder stands in the way.
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "d"), nil, 0o600); err == nil {
		t.Error("a folder is written over")
	}
	if err := os.Remove(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, map[string]string{"f": "before"})
}

// TestNotFile: a device or a folder is not replaced.
func TestNotFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "null")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, link} {
		if err := WriteFile(path, []byte("x"), 0o600); !errors.Is(err, ErrNotFile) {
			t.Errorf("%s: %v, want ErrNotFile", path, err)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != os.DevNull {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	wantFolder(t, dir, map[string]string{"null": ""})
}

func TestCreateFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if err := CreateFile(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CreateFile(path, []byte("second"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v, want fs.ErrExist", err)
	}
	wantFolder(t, dir, map[string]string{"key": "first"})
}

// TestCreateFileOnce: of many who create the same file at once, one does.
func TestCreateFileOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const callers = 8
	errs := make(chan error, callers)
	for i := range callers {
		go func() { errs <- CreateFile(filepath.Join(dir, "key"), []byte(fmt.Sprint(i)), 0o600) }()
	}
	created := 0
	for range callers {
		switch err := <-errs; {
		case err == nil:
			created++
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	if created != 1 {
		t.Errorf("%d callers created the file", created)
	}
}

// TestBuildDirSweeps: what a killed process left for the same target goes; what a
// living one is making, and what was left for another target, stays.
func TestBuildDirSweeps(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	left, other := filepath.Join(parent, ".making-made-1"), filepath.Join(parent, ".making-other-1")
	for _, dir := range []string{left, other} {
		if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	nested := errors.New("the outer build is still there")
	err := BuildDir(filepath.Join(parent, "made"), 0o700, func(outer string) error {
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what was left is still there: %v", err)
		}
		inner := BuildDir(filepath.Join(parent, "made"), 0o700, func(string) error { return nested })
		if _, err := os.Stat(outer); err != nil {
			t.Errorf("a folder at work was swept: %v", err)
		}
		return inner
	})
	if !errors.Is(err, nested) {
		t.Error(err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another target's folder: %v", err)
	}
}

func TestBuildDir(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "made")
	build := func(building string) error {
		return os.WriteFile(filepath.Join(building, "f"), []byte("content"), 0o600)
	}
	failed := errors.New("failed")
	err := BuildDir(dir, 0o750, func(building string) error { return errors.Join(build(building), failed) })
	if !errors.Is(err, failed) {
		t.Errorf("a failed build: %v", err)
	}
	wantFolder(t, parent, nil)
	if err := os.Mkdir(dir, 0o700); err != nil { // an empty folder is no hindrance
		t.Fatal(err)
	}
	if err := BuildDir(dir+"/", 0o750, build); err != nil {
		t.Fatal(err)
	}
	wantFolder(t, dir, map[string]string{"f": "content"})
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("mode %v, %v, want 0750", info.Mode(), err)
	}
	if err := BuildDir(dir, 0o750, build); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a folder that is not empty: %v, want fs.ErrExist", err)
	}
	// Somebody fills the target while ours is built.
	late := filepath.Join(parent, "late")
	err = BuildDir(late, 0o750, func(building string) error {
		return errors.Join(build(building), os.Mkdir(late, 0o700), os.WriteFile(filepath.Join(late, "theirs"), []byte("theirs"), 0o600))
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("beside somebody else's folder: %v, want fs.ErrExist", err)
	}
	wantFolder(t, late, map[string]string{"theirs": "theirs"})
	if err := BuildDir(filepath.Join(dir, "f"), 0o750, build); err == nil {
		t.Error("a file is built over")
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 2 {
		t.Errorf("left in the parent: %v, %v", entries, err)
	}
}
