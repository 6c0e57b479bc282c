package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/elicence/elicence/api/web"
	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/office"
)

// Limits of the service.
const (
	maxBody   = 64 << 20 // bytes of an upload
	maxText   = 64 << 10 // bytes of a code or a question
	perSecond = 20       // requests of one address
	burst     = 60
	// Of what machines ask for before they trust something: one address may be a whole
	// hall or an agency's gateway.
	statusPerSecond = 200
	statusBurst     = 1000
	maxStatusBody   = 64 << 10
	// Of what somebody could try out: binding codes, numbers of licences.
	walletPath     = "/v1/wallet/"
	triesPerSecond = 1
	triesBurst     = 30
)

// Options are what a service needs beside its data folder.
type Options struct {
	Log     *slog.Logger
	Metrics *Metrics // whose Observe the office was opened with
	// OCSPListen is the address of a listener for /ocsp alone, which the main one has as
	// well: behind the host name of a responder it keeps the load of the world from
	// everything else, and costs a third. Empty: there is none.
	OCSPListen string
	// MetricsListen is the address at which the metrics are served, for the
	// operator's own network. Empty: nowhere.
	MetricsListen string
	// Proxies are the networks of proxies whose word on a caller's address counts, beside
	// that of proxies on this machine.
	Proxies []netip.Prefix
	// Desk is the path of the Unix socket at which commands reach the service. Empty: there
	// is none.
	Desk string
	// Command carries out a command that was typed beside the service and returns its exit
	// code. Nil: the desk makes backups and tells what has changed, no more.
	Command func(context.Context, *desk.Command) int
	// Archive is the folder of documents that are kept verifiable. Nil: there is none.
	Archive *office.Archive
	// Programs are those for the browser, as make web builds them. Nil: those that
	// were built into this program, if any.
	Programs fs.FS
}

// Server is the HTTP service over one data folder.
type Server struct {
	office     *office.Office
	log        *slog.Logger
	metrics    *Metrics
	answering  string // address of OCSP alone, or empty
	monitoring string // address of the metrics, or empty
	desk       string // path of the desk's socket, or empty
	command    func(context.Context, *desk.Command) int
	inspectors *inspectors
	lookUps    *lookUps
	archive    *office.Archive // nil: there is none
	uploads    uploads
	slots      chan struct{} // holds one for each verification under way
	echo       *echo.Echo
	api        huma.API
	ocsp       *OCSP
}

// New builds the service. Nothing listens before [Server.Run].
func New(o *office.Office, opt Options) (*Server, error) {
	s := &Server{
		office: o, log: opt.Log, metrics: opt.Metrics, answering: opt.OCSPListen, monitoring: opt.MetricsListen, desk: opt.Desk, command: opt.Command,
		inspectors: newInspectors(o), lookUps: newLookUps(), echo: echo.New(),
		archive: opt.Archive, slots: make(chan struct{}, runtime.NumCPU()),
	}
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = problem
	e.IPExtractor = callerAddress(opt.Proxies)
	// One byte more than an operation reads: the operation's own answer to what is too
	// large also covers bodies that do not tell their length.
	e.Use(middleware.Recover(), s.metrics.observe, s.logRequests, secure, middleware.BodyLimit(strconv.Itoa(maxBody+1)+"B"))
	e.Use(limited(perSecond, burst, isStatus), limited(statusPerSecond, statusBurst, func(c echo.Context) bool { return !isStatus(c) }))
	e.Use(limited(triesPerSecond, triesBurst, func(c echo.Context) bool { return c.Path() != walletPath+"bindings" }))
	config := huma.DefaultConfig("elicence", "0.1.0")
	config.Info.Description = "电子证照核验 Verification of e-licences, seals and signatures"
	// The library's page takes its scripts from another host; ours is self-contained.
	// Answers carry no links to schemas: the description has them all.
	config.DocsPath, config.CreateHooks = "", nil
	s.api = humaecho.New(e, config)
	s.registerVerifications()
	s.registerWallet()
	s.registerHealth()
	s.registerCategories()
	s.registerSeals()
	s.registerAudit()
	e.POST(web.ReportPath, s.verifyForm)
	e.GET("/trust/*", s.trustFile)
	e.GET("/trust/crl/index", s.crlIndex)
	if err := s.registerTokenStatus(context.Background()); err != nil {
		return nil, err
	}
	if err := s.registerStatus(context.Background()); err != nil {
		return nil, err
	}
	programs := opt.Programs
	if programs == nil {
		embedded, err := web.Embedded()
		if err != nil {
			return nil, fmt.Errorf("programs for the browser: %w", err)
		}
		programs = embedded
	}
	return s, web.Register(e, s.api.OpenAPI(), programs)
}

// Handler returns the service for tests.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forOCSP(r.URL.Path) {
			s.ocsp.ServeHTTP(w, r)
			return
		}
		s.echo.ServeHTTP(w, r)
	})
}

// Run publishes the trust files, serves on an address until ctx ends, and then lets
// requests under way finish. Ready is told the address; its error
// ends the service.
func (s *Server) Run(ctx context.Context, listen string, ready func(addr string) error) error {
	if _, err := s.office.Publish(ctx, "serve"); err != nil {
		return err
	}
	doors := []*door{{address: listen, serve: s.serving(s.Handler())}}
	if s.answering != "" {
		doors = append(doors, &door{name: "OCSP", address: s.answering, serve: s.ocsp.Serve})
	}
	if s.monitoring != "" {
		doors = append(doors, &door{name: "metrics", address: s.monitoring, serve: s.serving(s.metrics.Handler())})
	}
	if err := openAll(ctx, doors); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if s.desk != "" { // once it answers anybody, commands find it too
		socket, err := listenAtDesk(ctx, s.desk)
		if err != nil {
			// The service is of use without: the path may be too long for a socket.
			s.log.Error("no command is carried out while the service runs", "error", err)
		} else {
			group.Go(func() error { return s.serveDesk(ctx, socket) })
		}
	}
	for _, d := range doors {
		group.Go(func() error { return d.serve(ctx, d.listener) })
	}
	group.Go(func() error { return s.office.RunCRLs(ctx, s.metrics.crl) })
	s.startJobs(ctx)
	group.Go(func() error { return ready(doors[0].listener.Addr().String()) })
	return group.Wait()
}

// limited bounds the requests of one address, but for those that are skipped.
func limited(perSecond float64, burst int, skip middleware.Skipper) echo.MiddlewareFunc {
	return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{Skipper: skip, Store: byAddress(perSecond, burst)})
}

// callerAddress finds the address that limits go by: that of the connection, or what
// proxies that are trusted say of it. What callers say of themselves gets nobody around
// a limit.
func callerAddress(proxies []netip.Prefix) echo.IPExtractor {
	trusted := []echo.TrustOption{echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trusted = append(trusted, echo.TrustIPRange(&net.IPNet{
			IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trusted...)
}

// byAddress counts the requests of each address.
func byAddress(perSecond float64, burst int) *middleware.RateLimiterMemoryStore {
	return middleware.NewRateLimiterMemoryStoreWithConfig(
		middleware.RateLimiterMemoryStoreConfig{Rate: rate.Limit(perSecond), Burst: burst, ExpiresIn: time.Minute},
	)
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
		// WebAssembly is compiled from our own files only; workers are ours as well.
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
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
		if detail == "" && status == http.StatusRequestEntityTooLarge {
			detail = errTooLarge.Error()
		}
	}
	writeProblem(c.Response(), status, detail)
}

// writeProblem writes problem details (RFC 9457).
func writeProblem(w http.ResponseWriter, status int, detail string) {
	refusedCall(status, detail).write(w)
}
