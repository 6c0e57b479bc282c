package api

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// TestUploadsAtOnce: no address takes all places, and every place comes back.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	var u uploads
	var ends []func()
	take := func(address string) bool {
		end, ok := u.begin(address)
		if ok {
			ends = append(ends, end)
		}
		return ok
	}
	for range uploadsOfOne {
		if !take("192.0.2.1") {
			t.Fatal("an address has fewer places than it should")
		}
	}
	if take("192.0.2.1") {
		t.Error("an address has more places than it should")
	}
	for i := uploadsOfOne; i < uploadsAtOnce; i++ {
		if !take("192.0.2." + string(rune('A'+i/4))) {
			t.Fatalf("place %d is not given", i)
		}
	}
	if take("192.0.2.2") {
		t.Error("there are more places than there should be")
	}
	for _, end := range ends {
		end()
	}
	if u.all != 0 || len(u.by) != 0 || !take("192.0.2.1") {
		t.Errorf("after the last there are %d, of %d addresses", u.all, len(u.by))
	}
}

// TestReceive: a file is there to be read, under no name; what breaks off or is too large is
// not.
func TestReceive(t *testing.T) {
	t.Parallel()
	u, err := receive(strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(io.NewSectionReader(u.file, 0, u.size))
	if err != nil || string(content) != "content" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := os.Stat(u.file.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file has a name: %v", err)
	}
	u.close()
	if _, err := receive(io.LimitReader(zeros{}, maxBody+1)); !errors.Is(err, errTooLarge) {
		t.Errorf("too large: %v", err)
	}
	broken := errors.New("broken off")
	if _, err := receive(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("broken off: %v", err)
	}
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
