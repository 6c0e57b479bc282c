package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/elicence/elicence/internal/office"
)

// registerStatus serves what others ask for before they trust a certificate or a time:
// OCSP, revocation lists, the authorities' certificates and time stamps.
func (s *Server) registerStatus(ctx context.Context) error {
	responder, err := s.office.OCSP(ctx, "serve")
	if err != nil {
		return err
	}
	s.ocsp = NewOCSP(responder, s.log, s.metrics)
	RegisterCRLs(s.echo, s.office, time.Now)
	RegisterTSA(s.echo, s.office.TimeStamp, s.log, s.metrics)
	s.echo.GET("/ca/:name", s.authorityCertificate)
	s.echo.Pre(limitStatusBody)
	return nil
}

// isStatus reports whether a request is one of those that machines make, or that every
// visit of a page makes many of.
func isStatus(c echo.Context) bool {
	path := c.Request().URL.Path
	return path == "/tsa" || slices.ContainsFunc([]string{"/crl/", "/ca/", "/trust/", office.TokenStatusPath, "/static/", "/wasm/"}, func(folder string) bool { return strings.HasPrefix(path, folder) })
}

// limitStatusBody keeps bodies small where nothing large is asked for.
func limitStatusBody(next echo.HandlerFunc) echo.HandlerFunc {
	small := middleware.BodyLimit(strconv.Itoa(maxStatusBody) + "B")(next)
	return func(c echo.Context) error {
		if isStatus(c) {
			return small(c)
		}
		return next(c)
	}
}

// authorityCertificate serves an authority's certificate in DER, under the name that
// the certificates it issues have (caIssuers; RFC 5280, 4.2.2.1): GET /ca/{name}.cer.
func (s *Server) authorityCertificate(c echo.Context) error {
	all, err := s.office.AuthorityCertificates(c.Request().Context())
	if err != nil {
		return fmt.Errorf("reading the authorities' certificates: %w", err)
	}
	name, _ := strings.CutSuffix(c.Param("name"), ".cer")
	found := all[name]
	if found == nil || name == c.Param("name") {
		return echo.NewHTTPError(http.StatusNotFound, "no such authority")
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=3600, no-transform")
	return c.Blob(http.StatusOK, "application/pkix-cert", found.DER)
}
