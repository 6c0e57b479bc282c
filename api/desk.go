package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/desk"
)

// DeskSocket is the name of the desk's socket within a data folder.
const DeskSocket = "desk.sock"

// maxDeskRequest bounds what is asked of the desk beside commands, in bytes.
const maxDeskRequest = 64 << 10

// serveDesk carries out what commands ask of the service, until ctx ends and those under
// way are done. Nobody else can open a data folder with an embedded store while the
// service runs on it. It asks for no password: who can open the socket can open the
// folder with all its keys.
func (s *Server) serveDesk(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /backup", s.backup)
	mux.HandleFunc("GET /v1/changes", s.changes)
	mux.HandleFunc("GET /v1/counts", s.counts)
	commands := desk.NewCommands(ctx, s.log, s.command)
	if s.command != nil {
		mux.Handle("POST /command", commands)
	}
	err := s.serving(mux)(ctx, listener)
	commands.Wait()
	return err
}

// deskRequest is what is asked of the desk beside commands.
type deskRequest struct {
	Actor string `json:"actor"`
}

// backup sends the content of a backup. Whether it is whole shows at its end: an answer
// that has begun cannot become an error.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	var q deskRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxDeskRequest)).Decode(&q); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	// The request was read; the server's limit for that would end the answer as well.
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Time{}) // at worst the answer is cut off, and seen to be
	_, err := atrest.Backup(r.Context(), s.office.Folder(), q.Actor, patient{w, controller})
	if err != nil {
		panic(http.ErrAbortHandler) // the command sees that the end is missing
	}
}

// patient is an answer that may take as long as it goes on.
type patient struct {
	w          io.Writer
	controller *http.ResponseController
}

// Write implements [io.Writer].
func (p patient) Write(b []byte) (int, error) {
	if err := p.controller.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

// listenAtDesk opens the desk's socket. One that a killed service has left is taken out
// of the way: whoever comes here has the store to itself.
func listenAtDesk(ctx context.Context, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("desk: %w", err)
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("desk: %w", err), l.Close())
	}
	return l, nil
}
