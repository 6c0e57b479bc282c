package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"github.com/elicence/elicence/api/web"
	"github.com/elicence/elicence/internal/office"
)

// Limits of the service.
const (
	maxBody       = 64 << 20 // bytes of an upload
	readTimeout   = 60 * time.Second
	writeTimeout  = 60 * time.Second
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	perSecond     = 20 // requests of one address
	burst         = 60
	publishEvery  = 15 * time.Minute
	renewEvery    = 24 * time.Hour
	renewWithin   = 30 * 24 * time.Hour // seals whose certificates end so soon are renewed
)

// Server is the HTTP service over one data folder.
type Server struct {
	office     *office.Office
	log        *slog.Logger
	inspectors *inspectors
	echo       *echo.Echo
	api        huma.API
}

// New builds the service. Nothing listens before [Server.Run].
func New(o *office.Office, log *slog.Logger) (*Server, error) {
	s := &Server{office: o, log: log, inspectors: newInspectors(o), echo: echo.New()}
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = problem
	e.Use(middleware.Recover(), s.logRequests, secure, middleware.BodyLimit("64M"))
	e.Use(middleware.RateLimiter(middleware.NewRateLimiterMemoryStoreWithConfig(
		middleware.RateLimiterMemoryStoreConfig{Rate: rate.Limit(perSecond), Burst: burst, ExpiresIn: time.Minute},
	)))
	config := huma.DefaultConfig("elicence", "0.1.0")
	config.Info.Description = "电子证照核验 Verification of e-licences, seals and signatures"
	// The library's page takes its scripts from another host; ours is self-contained.
	// Answers carry no links to schemas: the description has them all.
	config.DocsPath, config.CreateHooks = "", nil
	s.api = humaecho.New(e, config)
	s.registerVerifications()
	s.registerHealth()
	e.GET("/trust/*", s.trustFile)
	return s, web.Register(e, s.api.OpenAPI())
}

// Handler returns the service for tests.
func (s *Server) Handler() http.Handler { return s.echo }

// Run publishes the trust files, serves on an address until ctx ends, and then lets
// requests under way finish. Ready is told the address; its error
// ends the service.
func (s *Server) Run(ctx context.Context, listen string, ready func(addr string) error) error {
	server := &http.Server{
		Addr: listen, Handler: s.echo, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	if _, err := s.office.Publish(ctx, "serve"); err != nil {
		return err
	}
	listener, err := listenOn(ctx, listen)
	if err != nil {
		return err
	}
	go s.publish(ctx)
	go s.renew(ctx)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		finish, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(finish)
	}()
	if err := ready(listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// publish keeps the trust files fresh.
func (s *Server) publish(ctx context.Context) {
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := s.office.Publish(ctx, "serve"); err != nil {
				s.log.Error("trust files are not fresh", "error", err)
			}
		}
	}
}

// renew keeps the certificates of seals from running out.
func (s *Server) renew(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		renewed, err := s.office.RenewSeals(ctx, "serve", renewWithin)
		for _, r := range renewed {
			s.log.Info("seal renewed", "seal", r.ID)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("seals are not renewed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// logRequests logs what was asked and how it went, and nothing that was sent.
func (s *Server) logRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		s.log.Info("request", "method", c.Request().Method, "path", c.Path(), "status", c.Response().Status, "took", time.Since(start))
		return nil
	}
}

// secure sets the headers that keep pages to themselves.
func secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		return next(c)
	}
}

// problem writes an error as problem details. What is not meant for the caller is
// not told.
func problem(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, detail := http.StatusInternalServerError, ""
	var known *echo.HTTPError
	if errors.As(err, &known) {
		status = known.Code
		if text, ok := known.Message.(string); ok && text != http.StatusText(status) {
			detail = text
		}
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(status)
	// The caller may have gone away; there is nobody to tell.
	_ = json.NewEncoder(c.Response()).Encode(&huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
}
