package desk

import (
	"context"
	"encoding/gob"
	"io"
	"io/fs"
	"net"
	"sync"

	"github.com/elicence/elicence/internal/durable"
)

// Command is a command that the service carries out, with the streams and the files of the
// terminal where it was typed.
type Command struct {
	Request
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Files          durable.Files
}

// session is the service's end of a command.
type session struct {
	calls   *gob.Encoder
	answers chan answer
	gone    chan struct{} // closed when the terminal has gone away
	why     error         // readable when gone is closed

	mu sync.Mutex // held from a call to its answer
}

// newSession takes answers from a connection until it ends. Interrupted is called when
// the terminal says so, and when it has gone away.
func newSession(conn io.ReadWriter, interrupted context.CancelFunc) *session {
	s := &session{calls: gob.NewEncoder(conn), answers: make(chan answer, 1), gone: make(chan struct{})}
	go func() {
		defer interrupted()
		defer close(s.gone)
		for answers := gob.NewDecoder(conn); ; {
			var a answer
			if s.why = answers.Decode(&a); s.why != nil {
				return
			}
			if a.Interrupted {
				interrupted()
				continue
			}
			select {
			case s.answers <- a:
			default: // an answer that nobody has asked for
				s.why = errUnasked
				return
			}
		}
	}()
	return s
}

// ask makes a call and waits for its answer.
func (s *session) ask(c call) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.calls.Encode(c); err != nil {
		return answer{}, goneError{err}
	}
	select {
	case a := <-s.answers:
		return a, a.Fault.err()
	case <-s.gone:
		return answer{}, goneError{s.why}
	}
}

// exit makes the last call.
func (s *session) exit(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.calls.Encode(call{Op: opExit, Size: int64(code)}) // the terminal may have gone away
}

// goneError says that a terminal has gone away.
type goneError struct{ why error }

// Error says it in words.
func (e goneError) Error() string {
	return "the terminal of the command has gone away: " + e.why.Error()
}

// Unwrap returns what was noticed. A connection that has ended is no end of a file.
func (e goneError) Unwrap() error { return net.ErrClosed }

type unaskedError struct{}

func (unaskedError) Error() string { return "an answer that was not asked for" }

var errUnasked error = unaskedError{}

// stdin is the standard input at the terminal.
type stdin struct{ *session }

// Read implements [io.Reader].
func (s stdin) Read(b []byte) (int, error) {
	a, err := s.ask(call{Op: opStdin, Size: int64(len(b))})
	return copy(b, a.Data), err
}

// output is a stream that the terminal prints.
type output struct {
	*session
	op op
}

// Write implements [io.Writer].
func (o output) Write(b []byte) (int, error) {
	return pieces(b, func(piece []byte, _ int) (answer, error) { return o.ask(call{Op: o.op, Data: piece}) })
}

// pieces writes bytes piece by piece.
func pieces(b []byte, write func(piece []byte, at int) (answer, error)) (int, error) {
	for at := 0; at < len(b); {
		a, err := write(b[at:min(at+pieceSize, len(b))], at)
		at += a.N
		if err == nil && a.N <= 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return at, err
		}
	}
	return len(b), nil
}

// files are the files at the terminal.
type files struct{ *session }

var _ durable.Files = files{}

// Abs implements [durable.Files].
func (f files) Abs(path string) (string, error) {
	a, err := f.ask(call{Op: opAbs, Path: path})
	return a.Path, err
}

// Stat implements [durable.Files].
func (f files) Stat(path string) (fs.FileInfo, error) { return f.stat(call{Op: opStat, Path: path}) }

func (s *session) stat(c call) (fs.FileInfo, error) {
	a, err := s.ask(c)
	if err == nil && a.Info == nil {
		err = errUnasked
	}
	if err != nil {
		return nil, err
	}
	return a.Info, nil
}

// ReadDir implements [durable.Files].
func (f files) ReadDir(path string) ([]fs.DirEntry, error) {
	a, err := f.ask(call{Op: opReadDir, Path: path})
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(a.Infos))
	for i, info := range a.Infos {
		entries[i] = fs.FileInfoToDirEntry(info)
	}
	return entries, nil
}

// Remove implements [durable.Files].
func (f files) Remove(path string) error { return f.do(call{Op: opRemove, Path: path}) }

// MkdirAll implements [durable.Files].
func (f files) MkdirAll(path string, perm fs.FileMode) error {
	return f.do(call{Op: opMkdirAll, Path: path, Perm: perm})
}

// SyncDir implements [durable.Files].
func (f files) SyncDir(path string) error { return f.do(call{Op: opSyncDir, Path: path}) }

func (s *session) do(c call) error {
	_, err := s.ask(c)
	return err
}

// OpenFile implements [durable.Files].
func (f files) OpenFile(path string, flag int, perm fs.FileMode) (durable.File, error) {
	a, err := f.ask(call{Op: opOpen, Path: path, Flag: flag, Perm: perm})
	if err != nil {
		return nil, err
	}
	return file{f.session, a.Handle}, nil
}

// WriteFrom implements [durable.Files].
func (f files) WriteFrom(path string, content io.WriterTo, perm fs.FileMode) error {
	a, err := f.ask(call{Op: opStage, Path: path, Perm: perm})
	if err != nil {
		return err
	}
	if _, err := content.WriteTo(appending{f.session, a.Handle}); err != nil {
		_ = f.do(call{Op: opAbandon, Handle: a.Handle}) // if it cannot be said the terminal is gone, and abandons it
		return err
	}
	return f.do(call{Op: opCommit, Handle: a.Handle})
}

// appending writes a staged file.
type appending struct {
	*session
	handle int
}

// Write implements [io.Writer].
func (w appending) Write(b []byte) (int, error) {
	return pieces(b, func(piece []byte, _ int) (answer, error) {
		return w.ask(call{Op: opAppend, Handle: w.handle, Data: piece})
	})
}

// file is an open file at the terminal.
type file struct {
	*session
	handle int
}

var _ durable.File = file{}

// ReadAt implements [io.ReaderAt].
func (f file) ReadAt(b []byte, at int64) (int, error) {
	n := 0
	for n < len(b) {
		a, err := f.ask(call{Op: opReadAt, Handle: f.handle, Offset: at + int64(n), Size: int64(len(b) - n)})
		n += copy(b[n:], a.Data)
		if err == nil && len(a.Data) == 0 {
			err = io.ErrNoProgress
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// WriteAt implements [io.WriterAt].
func (f file) WriteAt(b []byte, at int64) (int, error) {
	return pieces(b, func(piece []byte, done int) (answer, error) {
		return f.ask(call{Op: opWriteAt, Handle: f.handle, Offset: at + int64(done), Data: piece})
	})
}

// Stat implements [durable.File].
func (f file) Stat() (fs.FileInfo, error) { return f.stat(call{Op: opFileStat, Handle: f.handle}) }

// Truncate implements [durable.File].
func (f file) Truncate(size int64) error {
	return f.do(call{Op: opTruncate, Handle: f.handle, Size: size})
}

// Sync implements [durable.File].
func (f file) Sync() error { return f.do(call{Op: opSync, Handle: f.handle}) }

// Close implements [io.Closer].
func (f file) Close() error { return f.do(call{Op: opClose, Handle: f.handle}) }
