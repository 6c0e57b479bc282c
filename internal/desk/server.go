package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// maxRequest bounds a request, in bytes: more than a command line may have.
const maxRequest = 4 << 20

// endTime is how long a command has to end by itself when the service does.
const endTime = 20 * time.Second

// Commands carries out what arrives at the desk of a service.
type Commands struct {
	run     func(context.Context, *Command) int
	log     *slog.Logger
	ending  context.Context // ends when the service does
	running sync.WaitGroup
}

// NewCommands has commands carried out by run, which returns the exit code. They are
// interrupted when ctx ends.
func NewCommands(ctx context.Context, log *slog.Logger, run func(context.Context, *Command) int) *Commands {
	return &Commands{run: run, log: log, ending: ctx}
}

// Wait waits for the commands under way.
func (c *Commands) Wait() { c.running.Wait() }

// ServeHTTP implements [http.Handler] for POST /command.
func (c *Commands) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.running.Add(1)
	defer c.running.Done()
	var q Request
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.Header.Get("Upgrade") != upgrade {
		w.Header().Set("Upgrade", upgrade)
		http.Error(w, "another version of this program", http.StatusUpgradeRequired)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }() // all that counts was said
	// A command takes as long as it takes.
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+upgrade+"\r\n\r\n"); err != nil {
		return
	}
	ctx, interrupt := context.WithCancel(c.ending)
	defer interrupt()
	// A terminal that takes nothing any more cannot keep the service from ending.
	defer context.AfterFunc(c.ending, func() { time.AfterFunc(endTime, func() { _ = conn.Close() }) })()
	s := newSession(stream{buffered.Reader, conn}, conn.Close, interrupt)
	s.exit(c.safely(ctx, &Command{Request: q, Stdin: stdin{s}, Stdout: output{s, opStdout}, Stderr: output{s, opStderr}, Files: files{s}, Passwords: passwords{s}}))
}

// couldNot is the exit code of a command that could not do what it was to do.
const couldNot = 2

// safely keeps a command that panics from taking the service with it.
func (c *Commands) safely(ctx context.Context, command *Command) int {
	code := couldNot
	func() {
		defer func() {
			if r := recover(); r != nil {
				c.log.Error("a command at the desk has panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
				_, _ = fmt.Fprintln(command.Stderr, "elicence: the service could not carry out the command: internal error, see its log")
			}
		}()
		code = c.run(ctx, command)
	}()
	return code
}

// stream is a connection with what was read ahead of it.
type stream struct {
	io.Reader
	io.Writer
}
