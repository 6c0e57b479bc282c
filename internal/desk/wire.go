package desk

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"time"

	"github.com/elicence/elicence/internal/durable"
)

// upgrade is the protocol that a connection is switched to.
const upgrade = "elicence-desk/1"

// pieceSize is how much of a file or stream a call carries at most, in bytes.
const pieceSize = 256 << 10

// Request is a command as it was typed.
type Request struct {
	Args  []string `json:"args"`  // without the program's name
	Actor string   `json:"actor"` // who acts, unless Args say so
	// Terminal says that standard error is somebody's screen.
	Terminal bool `json:"terminal"`
}

// op is what a call asks for.
type op uint8

const (
	opExit     op = iota + 1 // Size: the exit code; there is no answer
	opStdin                  // Size bytes at most
	opStdout                 // Data
	opStderr                 // Data
	opAbs                    // Path
	opStat                   // Path
	opReadDir                // Path
	opRemove                 // Path
	opMkdirAll               // Path, Perm
	opSyncDir                // Path
	opOpen                   // Path, Flag, Perm: a handle
	opReadAt                 // Handle, Offset, Size
	opWriteAt                // Handle, Offset, Data
	opFileStat               // Handle
	opTruncate               // Handle, Size
	opSync                   // Handle
	opClose                  // Handle
	opStage                  // Path, Perm: a handle of a file that is written from its beginning
	opAppend                 // Handle, Data
	opCommit                 // Handle: the file gets its name
	opAbandon                // Handle: there is no file
	opLstat                  // Path
	opSame                   // Path, Other: N is 1 if they name one file
	opCreate                 // Path, Perm, Data: a whole file that must not be there yet
	opPassword               // Path: Data is the password from that file, or from the environment
	opAsk                    // Data is the question, then the password that is typed
)

// call is what the service wants of the terminal.
type call struct {
	Op     op
	Path   string
	Other  string
	Handle int
	Offset int64
	Size   int64
	Flag   int
	Perm   fs.FileMode
	Data   []byte
}

// answer is what the terminal says: to a call, or that it is interrupted.
type answer struct {
	Interrupted bool
	Handle      int
	N           int
	Path        string
	Data        []byte
	Info        *info
	Infos       []*info
	Fault       *fault
}

// info is an [fs.FileInfo] that has travelled.
type info struct {
	FileName    string
	Length      int64
	FileMode    fs.FileMode
	LastChanged time.Time
}

func infoOf(i fs.FileInfo) *info { return &info{i.Name(), i.Size(), i.Mode(), i.ModTime()} }

// Name implements [fs.FileInfo].
func (i *info) Name() string { return i.FileName }

// Size implements [fs.FileInfo].
func (i *info) Size() int64 { return i.Length }

// Mode implements [fs.FileInfo].
func (i *info) Mode() fs.FileMode { return i.FileMode }

// ModTime implements [fs.FileInfo].
func (i *info) ModTime() time.Time { return i.LastChanged }

// IsDir implements [fs.FileInfo].
func (i *info) IsDir() bool { return i.FileMode.IsDir() }

// Sys implements [fs.FileInfo].
func (i *info) Sys() any { return nil }

// fault is an error that has travelled: its words, and the name of the error that
// somebody decides on.
type fault struct{ Text, Is string }

// faults are the errors that travel by name.
var faults = map[string]error{
	"exist": fs.ErrExist, "not-exist": fs.ErrNotExist, "permission": fs.ErrPermission, "closed": fs.ErrClosed, "not-file": durable.ErrNotFile, "eof": io.EOF,
	"long-name": syscall.ENAMETOOLONG, "nobody": ErrNobody,
}

func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	for name, is := range faults {
		if errors.Is(err, is) {
			return &fault{err.Error(), name}
		}
	}
	return &fault{Text: err.Error()}
}

// err returns the error that a fault stands for; nil for nil.
func (f *fault) err() error {
	switch {
	case f == nil:
		return nil
	case f.Is == "eof": // readers compare it
		return io.EOF
	default:
		return f
	}
}

// Error returns the words at the other end.
func (f *fault) Error() string { return f.Text }

// Unwrap returns the error that somebody decides on, or nil.
func (f *fault) Unwrap() error { return faults[f.Is] }
