package desk

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"io/fs"
	"net"
	"sync/atomic"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
)

// Command is a command that the service carries out, with the streams and the files of the
// terminal where it was typed.
type Command struct {
	Request
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Files          durable.Files
	Passwords      Passwords
}

// Passwords is where the passwords of documents come from that a command reads: from
// whoever has typed it.
type Passwords interface {
	// Given returns the first line of a file, or without a name what stands in the
	// environment; "" where there is nothing.
	Given(file string) (string, error)
	// Ask has a password typed. The error wraps [ErrNobody] where nobody can.
	Ask(question string) (string, error)
}

// ErrNobody says that nobody sits at a terminal.
var ErrNobody = errors.New("nobody is there to be asked")

// session is the service's end of a command.
type session struct {
	hangUp  func() error
	calls   *gob.Encoder
	answers chan answer
	gone    chan struct{} // closed when the terminal has gone away
	why     error         // readable when gone is closed

	turn  chan struct{}             // holds one from a call to its answer
	began atomic.Pointer[time.Time] // when the call did that has the turn; nil: just now, or there is none
}

// newSession takes answers from a connection until it ends. Interrupted is called when
// the terminal says so, and when it has gone away.
func newSession(conn io.ReadWriter, hangUp func() error, interrupted context.CancelFunc) *session {
	s := &session{hangUp: hangUp, calls: gob.NewEncoder(conn), answers: make(chan answer, 1), gone: make(chan struct{}), turn: make(chan struct{}, 1)}
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

// ask makes a call and waits for its answer: as long as it takes, as there may be people
// in it.
func (s *session) ask(c call) (answer, error) { return s.askWithin(c, 0) }

// askWithin is ask for a call that nobody needs long for. A terminal that has not answered
// within the limit is taken for gone: it may have been stopped. Where it is another call that
// takes longer, such as a question to people, the error is errBusy. 0: there is no limit.
func (s *session) askWithin(c call, limit time.Duration) (answer, error) {
	if err := s.takeTurn(limit); err != nil {
		return answer{}, err
	}
	defer s.endTurn()
	began := time.Now()
	s.began.Store(&began)
	if err := s.calls.Encode(c); err != nil {
		return answer{}, goneError{err}
	}
	late, stop := after(limit)
	defer stop()
	select {
	case a := <-s.answers:
		return a, a.Fault.err()
	case <-s.gone:
		return answer{}, goneError{s.why}
	case <-late:
		_ = s.hangUp() // an answer that comes now would be taken for that of the next call
		return answer{}, goneError{errSilent}
	}
}

// takeTurn waits until no other call is under way. The limit counts from when the one began
// that is: those that wait for it one after the other wait no longer than one.
func (s *session) takeTurn(limit time.Duration) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	default:
	}
	if began := s.began.Load(); began != nil && limit > 0 {
		limit = max(1, limit-time.Since(*began))
	}
	late, stop := after(limit)
	defer stop()
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-s.gone:
		return goneError{s.why}
	case <-late:
		return errBusy
	}
}

func (s *session) endTurn() {
	s.began.Store(nil)
	<-s.turn
}

// after returns what a limit ends with, nothing where it is 0, and what stops it.
func after(limit time.Duration) (<-chan time.Time, func() bool) {
	if limit == 0 {
		return nil, func() bool { return true }
	}
	timer := time.NewTimer(limit)
	return timer.C, timer.Stop
}

// exit makes the last call.
func (s *session) exit(code int) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
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

var (
	errSilent = errors.New("it does not answer")
	errBusy   = bilingual.New("终端正忙于别的事，例如等人输入密码", "the terminal of the command is busy with something else, such as a question for a password")
)

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

// Lstat implements [durable.Files].
func (f files) Lstat(path string) (fs.FileInfo, error) {
	return f.stat(call{Op: opLstat, Path: path})
}

// Same implements [durable.Files].
func (f files) Same(a, b string) (bool, error) {
	same, err := f.ask(call{Op: opSame, Path: a, Other: b})
	return same.N == 1, err
}

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

// CreateFile implements [durable.Files].
func (f files) CreateFile(path string, data []byte, perm fs.FileMode) error {
	return f.do(call{Op: opCreate, Path: path, Perm: perm, Data: data})
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

// passwords are those of the terminal.
type passwords struct{ *session }

// Given implements [Passwords].
func (p passwords) Given(file string) (string, error) {
	a, err := p.ask(call{Op: opPassword, Path: file})
	return string(a.Data), err
}

// Ask implements [Passwords].
func (p passwords) Ask(question string) (string, error) {
	a, err := p.ask(call{Op: opAsk, Data: []byte(question)})
	return string(a.Data), err
}

// file is an open file at the terminal.
type file struct {
	*session
	handle int
}

var _ durable.File = file{}

// ReadAt implements [io.ReaderAt].
func (f file) ReadAt(b []byte, at int64) (int, error) { return f.readWithin(b, at, 0) }

func (f file) readWithin(b []byte, at int64, limit time.Duration) (int, error) {
	n := 0
	for n < len(b) {
		a, err := f.askWithin(call{Op: opReadAt, Handle: f.handle, Offset: at + int64(n), Size: int64(len(b) - n)}, limit)
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
