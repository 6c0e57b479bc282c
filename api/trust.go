package api

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/internal/office"
)

// crlIndex serves the names of the revocation lists, as an export has them.
func (s *Server) crlIndex(c echo.Context) error {
	names, err := s.office.CRLNames(c.Request().Context())
	if err != nil {
		return fmt.Errorf("reading the names of the CRLs: %w", err)
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, echo.MIMETextPlainCharsetUTF8, office.CRLIndex(names))
}

// trustFile serves one of the files that scanners cache. Set files never change
// under their name; the others are asked for again with If-None-Match.
func (s *Server) trustFile(c echo.Context) error {
	name := c.Param("*")
	file, err := s.office.TrustFile(c.Request().Context(), name)
	if err != nil {
		return err
	}
	if file == nil {
		return echo.NewHTTPError(http.StatusNotFound, "no such trust file")
	}
	sum := sm3.Sum(file)
	h := c.Response().Header()
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set(echo.HeaderContentType, "application/cose")
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "set/") {
		h.Set(echo.HeaderContentType, "application/cbor")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(file))
	return nil
}
