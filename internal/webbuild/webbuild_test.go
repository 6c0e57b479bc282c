package webbuild

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/andybalholm/brotli"
)

// maxProgram bounds what a phone loads before its first verdict, in bytes as brotli
// makes them.
const maxProgram = 2_500_000

// counter counts what is written.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func TestProgramsAreSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Build(t.Context(), dir, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range Programs() {
		program, err := os.ReadFile(filepath.Join(dir, name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		// Not as small as the best, which takes ten times as long.
		var size counter
		out := brotli.NewWriterOptions(&size, brotli.WriterOptions{Quality: 8, LGWin: 24})
		if _, err := out.Write(program); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes, %d compressed", name, len(program), size)
		if size > maxProgram {
			t.Errorf("%s has %d bytes compressed, at most %d are allowed", name, size, maxProgram)
		}
	}
}

// TestCompress: every file is replaced by its two compressed forms.
func TestCompress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range files() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Compress(dir, 1); err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(there) != 2*len(files()) {
		t.Errorf("left are %v", there)
	}
}
