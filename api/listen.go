package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// How long a connection may take.
const (
	readTimeout   = 60 * time.Second
	writeTimeout  = readTimeout + 30*time.Second // counts from the header too: a body may come slowly and still be answered
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	endTimeout    = 10 * time.Second // for requests under way when the service ends
)

// door is an address that the service listens on, and what it serves there.
type door struct {
	name     string // for errors; empty: of the service itself
	address  string
	serve    func(context.Context, net.Listener) error // until ctx ends and requests under way are done
	listener net.Listener
}

// openAll opens every door, or none.
func openAll(ctx context.Context, doors []*door) error {
	var config net.ListenConfig
	for i, d := range doors {
		var err error
		if d.listener, err = config.Listen(ctx, "tcp", d.address); err == nil {
			continue
		}
		err = fmt.Errorf("listening on %s: %w", d.address, err)
		if d.name != "" {
			err = fmt.Errorf("%s: %w", d.name, err)
		}
		for _, open := range doors[:i] {
			err = errors.Join(err, open.listener.Close())
		}
		return err
	}
	return nil
}

// serving serves a handler with the limits of the service.
func (s *Server) serving(handler http.Handler) func(context.Context, net.Listener) error {
	return func(ctx context.Context, listener net.Listener) error {
		server := &http.Server{
			Handler: handler, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
			ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		}
		stopped := make(chan error, 1)
		go func() {
			<-ctx.Done()
			finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
			defer cancel()
			stopped <- server.Shutdown(finish)
		}()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-stopped
	}
}
