package desk

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
)

// Service is a service that runs on a data folder.
type Service struct{ socket string }

// Find finds the service that runs on a data folder by its socket, or says that there is
// none.
func Find(ctx context.Context, socket string) (Service, bool) {
	s := Service{socket}
	c, err := s.Dial(ctx, "", "")
	if err != nil {
		return Service{}, false
	}
	_ = c.Close() // it was only tried
	return s, true
}

// Dial connects to the service, whatever address is asked for.
func (s Service) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", s.socket)
}

// ErrBrokenOff says that a service has ended before a command did.
var ErrBrokenOff = bilingual.New("服务在命令完成之前停止了", "the service has ended before the command did")

// Terminal is where a command was typed.
type Terminal struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Files          durable.Files
	Passwords      Passwords
}

// Run has the service carry out a command and returns its exit code. When ctx ends the
// service is told, and the command ends as it does on an interrupt. The error wraps
// [ErrBrokenOff] where the service, or the connection, has gone away.
func (s Service) Run(ctx context.Context, q Request, t Terminal) (int, error) {
	conn, err := s.open(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("asking the running service: %w", err)
	}
	defer func() { _ = conn.Close() }() // all that counts was said
	session := &terminalSession{Terminal: t, answers: gob.NewEncoder(conn), files: make(map[int]durable.File), staged: make(map[int]*staged)}
	defer session.abandon()
	defer context.AfterFunc(ctx, session.interrupt)()
	code, err := session.serve(gob.NewDecoder(conn))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrBrokenOff, err)
	}
	return code, nil
}

// open sends the request. The connection outlives ctx: the service has a word to say
// after an interrupt.
func (s Service) open(ctx context.Context, q Request) (io.ReadWriteCloser, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, "http://desk/command", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", upgrade)
	response, err := (&http.Transport{DialContext: s.Dial, DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBrokenOff, err)
	}
	conn, ok := response.Body.(io.ReadWriteCloser)
	if response.StatusCode != http.StatusSwitchingProtocols || !ok {
		return nil, errors.Join(fmt.Errorf("it answers %s; is it of another version?", response.Status), response.Body.Close())
	}
	return conn, nil
}

// terminalSession answers the calls of one command.
type terminalSession struct {
	Terminal
	mu      sync.Mutex // held while an answer is sent
	answers *gob.Encoder
	last    int // handle
	files   map[int]durable.File
	staged  map[int]*staged
}

func (t *terminalSession) send(a answer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answers.Encode(a)
}

// interrupt tells the service that somebody wants the command to end. If that cannot be
// said the connection is gone, and the service sees that.
func (t *terminalSession) interrupt() { _ = t.send(answer{Interrupted: true}) }

// serve answers calls to the exit code.
func (t *terminalSession) serve(calls *gob.Decoder) (int, error) {
	for {
		var c call
		if err := calls.Decode(&c); err != nil {
			return 0, err
		}
		if c.Op == opExit {
			return int(c.Size), nil
		}
		a, err := t.do(c)
		a.Fault = faultOf(err)
		if err := t.send(a); err != nil {
			return 0, err
		}
	}
}

// do carries out a call. What was done before an error is in the answer.
func (t *terminalSession) do(c call) (answer, error) {
	switch c.Op {
	case opStdin:
		return read(func(b []byte) (int, error) { return t.Stdin.Read(b) }, c.Size)
	case opStdout:
		n, err := t.Stdout.Write(c.Data)
		return answer{N: n}, err
	case opStderr:
		n, err := t.Stderr.Write(c.Data)
		return answer{N: n}, err
	case opAbs:
		path, err := t.Files.Abs(c.Path)
		return answer{Path: path}, err
	case opStat:
		i, err := t.Files.Stat(c.Path)
		if err != nil {
			return answer{}, err
		}
		return answer{Info: infoOf(i)}, nil
	case opLstat:
		i, err := t.Files.Lstat(c.Path)
		if err != nil {
			return answer{}, err
		}
		return answer{Info: infoOf(i)}, nil
	case opSame:
		same, err := t.Files.Same(c.Path, c.Other)
		if same {
			return answer{N: 1}, err
		}
		return answer{}, err
	case opCreate:
		return answer{}, t.Files.CreateFile(c.Path, c.Data, c.Perm)
	case opPassword:
		password, err := t.Passwords.Given(c.Path)
		return answer{Data: []byte(password)}, err
	case opAsk:
		password, err := t.Passwords.Ask(string(c.Data))
		return answer{Data: []byte(password)}, err
	case opReadDir:
		return t.readDir(c.Path)
	case opRemove:
		return answer{}, t.Files.Remove(c.Path)
	case opMkdirAll:
		return answer{}, t.Files.MkdirAll(c.Path, c.Perm)
	case opSyncDir:
		return answer{}, t.Files.SyncDir(c.Path)
	case opOpen:
		f, err := t.Files.OpenFile(c.Path, c.Flag, c.Perm)
		if err != nil {
			return answer{}, err
		}
		t.last++
		t.files[t.last] = f
		return answer{Handle: t.last}, nil
	case opStage:
		t.last++
		t.staged[t.last] = stage(t.Files, c.Path, c.Perm)
		return answer{Handle: t.last}, nil
	case opAppend, opCommit, opAbandon:
		return t.doStaged(c)
	default:
		return t.doFile(c)
	}
}

func (t *terminalSession) readDir(path string) (answer, error) {
	entries, err := t.Files.ReadDir(path)
	if err != nil {
		return answer{}, err
	}
	var a answer
	for _, e := range entries {
		i, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return answer{}, err
		}
		a.Infos = append(a.Infos, infoOf(i))
	}
	return a, nil
}

var errNoHandle = errors.New("no such handle")

func (t *terminalSession) doFile(c call) (answer, error) {
	f, ok := t.files[c.Handle]
	if !ok {
		return answer{}, errNoHandle
	}
	switch c.Op {
	case opReadAt:
		return read(func(b []byte) (int, error) { return f.ReadAt(b, c.Offset) }, c.Size)
	case opWriteAt:
		n, err := f.WriteAt(c.Data, c.Offset)
		return answer{N: n}, err
	case opFileStat:
		i, err := f.Stat()
		if err != nil {
			return answer{}, err
		}
		return answer{Info: infoOf(i)}, nil
	case opTruncate:
		return answer{}, f.Truncate(c.Size)
	case opSync:
		return answer{}, f.Sync()
	case opClose:
		delete(t.files, c.Handle)
		return answer{}, f.Close()
	default:
		return answer{}, fmt.Errorf("call %d is not known", c.Op)
	}
}

func (t *terminalSession) doStaged(c call) (answer, error) {
	s, ok := t.staged[c.Handle]
	if !ok {
		return answer{}, errNoHandle
	}
	if c.Op == opAppend {
		n, err := s.w.Write(c.Data)
		return answer{N: n}, err
	}
	delete(t.staged, c.Handle)
	if c.Op == opAbandon {
		s.abandon()
		return answer{}, nil
	}
	return answer{}, s.commit()
}

// read reads at most size bytes, and no more than a piece.
func read(from func([]byte) (int, error), size int64) (answer, error) {
	b := make([]byte, min(max(size, 0), pieceSize))
	n, err := from(b)
	return answer{Data: b[:n]}, err
}

// abandon closes what a command has left open.
func (t *terminalSession) abandon() {
	for _, s := range t.staged {
		s.abandon()
	}
	for _, f := range t.files {
		_ = f.Close() // what counts of a file was synced
	}
}

// staged is a file that is written and gets its name at the end.
type staged struct {
	w    *io.PipeWriter
	done chan error
}

func stage(files durable.Files, path string, perm fs.FileMode) *staged {
	r, w := io.Pipe()
	s := &staged{w, make(chan error, 1)}
	go func() {
		err := files.WriteFrom(path, piped{r}, perm)
		if err != nil {
			_ = r.CloseWithError(err) // the next write tells it
		}
		s.done <- err
	}()
	return s
}

func (s *staged) commit() error {
	_ = s.w.Close() // it returns nil
	return <-s.done
}

// errAbandoned keeps a file from getting its name.
var errAbandoned = errors.New("the command has not finished the file")

func (s *staged) abandon() {
	_ = s.w.CloseWithError(errAbandoned) // it returns nil
	<-s.done
}

// piped writes what comes out of a pipe.
type piped struct{ *io.PipeReader }

// WriteTo implements [io.WriterTo].
func (p piped) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, p.PipeReader) }
