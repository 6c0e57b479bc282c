package syntax

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"
)

// TestInflateAgain: nothing of what an inflater read before is in what it reads next, whatever
// that refers to and however the first came to its end.
func TestInflateAgain(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("a word that nobody else may read. "), 4000)
	good, err := deflate(long)
	if err != nil {
		t.Fatal(err)
	}
	short, err := deflate([]byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	// A block that begins with three bytes from one place before its own first (RFC 1951, 3.2.6).
	back := []byte{0x78, 0x9c, 0x03, 0x02, 0x00, 0, 0, 0, 0}
	for _, before := range []struct {
		name string
		data []byte
		read int64
	}{
		{"to its end", good, 1 << 20},
		{"a part of it", good, 40_000},
		{"cut off", good[:len(good)-5], 1 << 20},
		{"no header", []byte("??"), 1},
	} {
		var f inflater
		again := func(data []byte, n int64) ([]byte, error) {
			if err := f.reset(bytes.NewReader(data)); err != nil {
				return nil, err
			}
			return io.ReadAll(io.LimitReader(&f, n))
		}
		_, _ = again(before.data, before.read)
		if got, err := again(back, 9); err == nil || len(got) > 0 {
			t.Errorf("%s: what lies before the data reads as %q, %v", before.name, got, err)
		}
		if got, err := again(short, 9); err != nil || string(got) != "short" {
			t.Errorf("%s: good data read as %q, %v", before.name, got, err)
		}
		if _, err := again(short[:len(short)-1], 9); err == nil {
			t.Errorf("%s: data without all of its checksum pass", before.name)
		}
	}
}

func deflate(data []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}
