package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/durable"
)

// TestReadAhead: in whatever order and by however many a document is read, the bytes are
// those of the file, and the end is where it ends.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	const piece = 256 << 10
	for _, size := range []int{0, 1, piece - 1, piece, piece + 1, 20*piece + 17} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, uint64(size)))
			content := make([]byte, size)
			for i := range content {
				content[i] = byte(random.Uint32())
			}
			path := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			h := open(t, func(_ context.Context, c *desk.Command) int {
				f, err := c.Files.OpenFile(path, os.O_RDONLY, 0)
				if err != nil {
					t.Error(err)
					return 1
				}
				r := desk.ReadAhead(f)
				var all sync.WaitGroup
				for reader := range uint64(3) {
					all.Go(func() { wantContent(t, r, content, rand.New(rand.NewPCG(reader, 2))) })
				}
				all.Wait()
				if err := f.Close(); err != nil {
					t.Error(err)
				}
				return 0
			})
			if _, _, code, err := h.run(t, t.Context(), desk.Request{}, ""); err != nil || code != 0 {
				t.Errorf("exit %d, %v", code, err)
			}
		})
	}
}

func wantContent(t *testing.T, r io.ReaderAt, content []byte, random *rand.Rand) {
	t.Helper()
	if b, err := io.ReadAll(io.NewSectionReader(r, 0, 1<<40)); err != nil || !bytes.Equal(b, content) {
		t.Errorf("read %d bytes, %v", len(b), err)
	}
	for range 100 {
		at, n := random.IntN(len(content)+10), random.IntN(600<<10)
		b := make([]byte, n)
		got, err := r.ReadAt(b, int64(at))
		want := content[min(at, len(content)):min(at+n, len(content))]
		if !bytes.Equal(b[:got], want) || (got < n) != errors.Is(err, io.EOF) || err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes at %d: got %d, %v; want %d", n, at, got, err, len(want))
		}
	}
}

// TestReadAheadOfDisk: nothing stands between a command and a disk of its own.
func TestReadAheadOfDisk(t *testing.T) {
	t.Parallel()
	f, err := durable.Disk{}.OpenFile(os.Args[0], os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if desk.ReadAhead(f) != io.ReaderAt(f) {
		t.Error("a file of a disk is read through something else")
	}
}

// typed is somebody who has passwords.
type typed struct{ file, answer string }

func (p typed) Given(file string) (string, error) {
	if file == "none" {
		return "", os.ErrNotExist
	}
	return p.file + file, nil
}

func (p typed) Ask(question string) (string, error) {
	if p.answer == "" {
		return "", desk.ErrNobody
	}
	return question + p.answer, nil
}

// TestPasswords: they are those of the terminal, and stand in no log.
func TestPasswords(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ context.Context, c *desk.Command) int {
		if p, err := c.Passwords.Given("f"); err != nil || p != "secret in f" {
			t.Errorf("%q, %v", p, err)
		}
		if _, err := c.Passwords.Given("none"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
		p, err := c.Passwords.Ask("which? ")
		if c.Actor == "nobody" && !errors.Is(err, desk.ErrNobody) || c.Actor != "nobody" && (err != nil || p != "which? secret typed") {
			t.Errorf("%s: %q, %v", c.Actor, p, err)
		}
		return 0
	})
	for actor, answer := range map[string]string{"nobody": "", "somebody": "secret typed"} {
		service, _ := desk.Find(t.Context(), h.socket)
		code, err := service.Run(t.Context(), desk.Request{Actor: actor}, desk.Terminal{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Files: durable.Disk{}, Passwords: typed{"secret in ", answer}})
		if err != nil || code != 0 {
			t.Errorf("exit %d, %v", code, err)
		}
	}
	h.end()
	if strings.Contains(h.log.String(), "secret") {
		t.Error("a password stands in the log")
	}
}
