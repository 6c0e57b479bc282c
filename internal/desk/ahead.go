package desk

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/elicence/elicence/internal/durable"
)

// A document is read in many places, a few bytes each; a call for each of them would take
// longer than what is done with them. So it is read in windows of one call each, and those
// that were used last are kept: 4 MiB, however large the document is.
const (
	windowSize = pieceSize
	maxWindows = 16
)

// patience is how long a terminal may take for a piece of a document. The service reads
// some of it while it uses a key, which cannot be exchanged meanwhile: a terminal that
// was stopped must not hold that up.
const patience = time.Minute

// ReadAhead returns what a file holds, for a document that is read in place and does not
// change meanwhile. Only of a file at a terminal is anything kept in memory.
func ReadAhead(f durable.File) io.ReaderAt {
	remote, ok := f.(file)
	if !ok {
		return f
	}
	return &ahead{read: func(b []byte, at int64) (int, error) { return remote.readWithin(b, at, patience) }}
}

// ahead reads a file in windows.
type ahead struct {
	read func([]byte, int64) (int, error) // as ReadAt does

	mu      sync.Mutex
	windows []window // the one that was used last is the last; guarded by mu
}

// window is a part of a file. One that is shorter than windowSize ends the file.
type window struct {
	at   int64
	data []byte
}

// ReadAt implements [io.ReaderAt].
func (a *ahead) ReadAt(b []byte, at int64) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(b) {
		w, err := a.window((at + int64(n)) / windowSize * windowSize)
		if err != nil {
			return n, err
		}
		skip := at + int64(n) - w.at
		if skip >= int64(len(w.data)) {
			return n, io.EOF
		}
		n += copy(b[n:], w.data[skip:])
	}
	return n, nil
}

// window returns the window that begins there. The memory of the one that was not used for
// the longest time is used again.
func (a *ahead) window(at int64) (window, error) {
	if i := slices.IndexFunc(a.windows, func(w window) bool { return w.at == at }); i >= 0 {
		w := a.windows[i]
		a.windows = append(slices.Delete(a.windows, i, i+1), w)
		return w, nil
	}
	var room []byte
	if len(a.windows) == maxWindows {
		room = a.windows[0].data[:windowSize]
		a.windows = slices.Delete(a.windows, 0, 1)
	} else {
		room = make([]byte, windowSize)
	}
	n, err := a.read(room, at)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's end of file is never wrapped
		return window{}, err
	}
	w := window{at, room[:n]}
	a.windows = append(a.windows, w)
	return w, nil
}
