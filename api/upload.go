package api

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// Bounds of the files that are received and judged at the same time: each may take maxBody
// of the disk, and one address must not keep all others out.
const (
	uploadsAtOnce = 64
	uploadsOfOne  = 8 // of one address, which may be a whole hall
)

// uploads counts the files that are received and judged.
type uploads struct {
	mu  sync.Mutex
	all int            // guarded by mu
	by  map[string]int // of an address; guarded by mu
}

// begin takes a place for a file of an address, and returns what gives it back; false:
// there is none.
func (u *uploads) begin(address string) (func(), bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == uploadsAtOnce || u.by[address] == uploadsOfOne {
		return nil, false
	}
	if u.by == nil {
		u.by = make(map[string]int)
	}
	u.all++
	u.by[address]++
	return func() { u.end(address) }, true
}

func (u *uploads) end(address string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all--
	if u.by[address]--; u.by[address] == 0 {
		delete(u.by, address)
	}
}

// errTooLarge: an upload is longer than maxBody.
var errTooLarge = fmt.Errorf("文件超过 %d MiB larger than %d MiB", maxBody>>20, maxBody>>20)

// upload is a file that was sent, on the disk and under no name: it does not fill the
// memory, and nothing of it stays, not even where the machine stops.
type upload struct {
	file *os.File
	size int64
	sm3  [sm3.Size]byte
}

// receive writes a body to the disk. The error is errTooLarge, or about reading or
// writing.
func receive(body io.Reader) (*upload, error) {
	file, err := os.CreateTemp("", "elicence-upload-")
	if err != nil {
		return nil, fmt.Errorf("receiving a file: %w", err)
	}
	u := &upload{file: file}
	// Where an open file cannot be removed it is when it is closed.
	_ = os.Remove(file.Name())
	h := sm3.New()
	u.size, err = io.Copy(io.MultiWriter(file, h), io.LimitReader(body, maxBody+1))
	if err == nil && u.size > maxBody {
		err = errTooLarge
	}
	if err != nil {
		u.close()
		if !errors.Is(err, errTooLarge) {
			err = fmt.Errorf("receiving a file: %w", err)
		}
		return nil, err
	}
	u.sm3 = [sm3.Size]byte(h.Sum(nil))
	return u, nil
}

// close gives the file up.
func (u *upload) close() {
	// Nothing that anybody will read is lost by an error.
	_ = u.file.Close()
	_ = os.Remove(u.file.Name())
}
