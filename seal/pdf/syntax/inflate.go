package syntax

import (
	"bufio"
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// An inflater reads FlateDecode data (ISO 32000-1, 7.4.4.2). Making one costs more than most
// object streams do, so they are used again.
type inflater struct {
	from bufio.Reader
	zlib io.ReadCloser
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// inflate returns a reader of what r holds in deflated form, which is to be freed.
func inflate(r io.Reader) (*inflater, error) {
	f := inflaters.Get().(*inflater) //nolint:errcheck // nothing else is in there
	if err := f.reset(r); err != nil {
		f.free()
		return nil, err
	}
	return f, nil
}

// reset begins to read from r; of what was read before nothing is left.
func (f *inflater) reset(r io.Reader) error {
	f.from.Reset(r)
	if again, ok := f.zlib.(zlib.Resetter); ok {
		return again.Reset(&f.from, nil)
	}
	var err error
	f.zlib, err = zlib.NewReader(&f.from)
	return err
}

// Read implements io.Reader.
func (f *inflater) Read(p []byte) (int, error) { return f.zlib.Read(p) }

// free gives the reader back, which nobody may read from any more.
func (f *inflater) free() {
	f.from.Reset(nil)
	inflaters.Put(f)
}

// unfolded is memory that data are decoded in before it is known how many they are.
var unfolded = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxUnfolded bounds the memory that is kept for the next, in bytes. More is its reader's own.
const maxUnfolded = 1 << 20

// drained returns all that a reader has.
func drained(r io.Reader) ([]byte, error) {
	room := unfolded.Get().(*bytes.Buffer) //nolint:errcheck // nothing else is in there
	room.Reset()
	_, err := room.ReadFrom(r)
	if room.Cap() > maxUnfolded {
		return room.Bytes(), err
	}
	out := bytes.Clone(room.Bytes())
	unfolded.Put(room)
	return out, err
}
