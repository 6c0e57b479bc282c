package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/elicence/elicence/pki/ocsp"
)

// Limits of the listener for OCSP alone.
const (
	ocspConnections = 8192     // at a time; one more is told 503
	ocspPerAddress  = 2048     // of those; one address may be a whole cache network's node
	ocspHeader      = 16 << 10 // bytes of a request line and headers: a request of 8 KiB in the path, escaped
	ocspReadTimeout = 10 * time.Second
	ocspIdleTimeout = time.Minute
)

// Serve answers on a listener until ctx ends and requests under way are done. Nothing
// but OCSP is served there, by a server that costs a third of the standard library's
// for the same answer: what the answer itself costs is little beside HTTP.
//
// It takes fewer forms of HTTP than the standard library: a body must tell its length,
// and a path is no longer than a request in it can be.
func (s *OCSP) Serve(ctx context.Context, listener net.Listener) error {
	under := context.WithoutCancel(ctx)
	server := &fasthttp.Server{
		Handler:      func(c *fasthttp.RequestCtx) { s.serveFast(under, c) },
		ErrorHandler: unreadable,
		Logger:       printfLog{s.log},
		Concurrency:  ocspConnections, MaxConnsPerIP: ocspPerAddress,
		ReadBufferSize: ocspHeader, MaxRequestBodySize: ocsp.MaxRequest,
		ReadTimeout: ocspReadTimeout, WriteTimeout: ocspReadTimeout, IdleTimeout: ocspIdleTimeout,
		DisablePreParseMultipartForm: true, NoDefaultServerHeader: true, NoDefaultContentType: true,
		SecureErrorLogMessage: true, CloseOnShutdown: true, LazyRequestTime: true,
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		finish, cancel := context.WithTimeout(under, endTimeout)
		defer cancel()
		err := server.ShutdownWithContext(finish)
		// A server that had not begun to serve knows of no listener to close.
		if closing := listener.Close(); closing != nil && !errors.Is(closing, net.ErrClosed) {
			err = errors.Join(err, closing)
		}
		stopped <- err
	}()
	if err := server.Serve(listener); err != nil {
		return fmt.Errorf("serving OCSP: %w", err)
	}
	if ctx.Err() == nil {
		return errors.New("serving OCSP: the listener was closed")
	}
	return <-stopped
}

// serveFast answers one request. The server would go down with a panic.
func (s *OCSP) serveFast(ctx context.Context, c *fasthttp.RequestCtx) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("OCSP request panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			c.Response.Reset()
			refusedCall(http.StatusInternalServerError, "").writeFast(c)
			c.SetConnectionClose()
		}
	}()
	h := &c.Request.Header
	switch {
	case len(h.Host()) == 0 && h.IsHTTP11(): // RFC 9112, 3.2
		refusedCall(http.StatusBadRequest, "no Host").writeFast(c)
	case len(h.Peek(fasthttp.HeaderTransferEncoding)) > 0:
		// The bytes of a request end in one place for everybody (RFC 9112, 6.3 and 11.2).
		refusedCall(http.StatusLengthRequired, "a body must have a Content-Length and no Transfer-Encoding").writeFast(c)
		c.SetConnectionClose()
	default:
		path := string(c.URI().PathOriginal())
		if !forOCSP(path) {
			refusedCall(http.StatusNotFound, "").writeFast(c)
			return
		}
		s.answer(ctx, ocspCall{
			method: string(h.Method()), path: path, contentType: string(h.ContentType()), ifNoneMatch: string(h.Peek(fasthttp.HeaderIfNoneMatch)),
			body: func() ([]byte, error) { return c.Request.Body(), nil },
		}).writeFast(c)
	}
}

// unreadable answers what is no request, or too large a one. The connection is closed
// after that.
func unreadable(c *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		refusedCall(http.StatusRequestEntityTooLarge, errBodyTooLarge.Error()).writeFast(c)
	case errors.As(err, &small):
		refusedCall(http.StatusRequestHeaderFieldsTooLarge, "").writeFast(c)
	case errors.As(err, &network) && network.Timeout():
		refusedCall(http.StatusRequestTimeout, "").writeFast(c)
	default:
		refusedCall(http.StatusBadRequest, "").writeFast(c)
	}
}

// writeFast is write for the other server, which adds the length.
func (r reply) writeFast(c *fasthttp.RequestCtx) {
	c.Response.SetStatusCode(r.status)
	r.headers(c.Response.Header.Set)
	c.Response.SetBodyRaw(r.body) // not copied: nobody writes into it
}

// printfLog is what a server that knows no levels of a log writes into.
type printfLog struct{ log *slog.Logger }

// Printf implements fasthttp.Logger. What is wrong with one connection is its caller's
// business; whoever likes could fill the log with it.
func (l printfLog) Printf(format string, args ...any) {
	level := slog.LevelWarn
	if strings.HasPrefix(format, "error when serving connection") {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "OCSP listener", "message", strings.TrimSpace(fmt.Sprintf(format, args...)))
}
