package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/pki/crl"
)

// CRLs has the revocation lists in force; a crl.Store is one.
type CRLs interface {
	Latest(ctx context.Context, name string) (crl.Published, bool, error)
}

// crlMaxAge bounds how long caches on the way keep a list: a new one must not wait for
// the end of the old.
const crlMaxAge = 10 * time.Minute

// RegisterCRLs serves the lists under the names that certificates carry:
//
//	GET /crl/{name}.crl
//	GET /trust/crl/{name}.crl    the same, where a folder of trust files has them
//
// A list that has ended is still served: it is the last good one, and its dates say
// what it is worth.
func RegisterCRLs(e *echo.Echo, lists CRLs, now func() time.Time) {
	serve := func(c echo.Context) error {
		name := c.Param("name")
		if stem, ok := strings.CutSuffix(name, ".crl"); !ok || stem == "" || strings.Trim(stem, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			return echo.NewHTTPError(http.StatusNotFound, "no such CRL")
		}
		list, found, err := lists.Latest(c.Request().Context(), name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if !found {
			return echo.NewHTTPError(http.StatusNotFound, "no such CRL")
		}
		h := c.Response().Header()
		h.Set(echo.HeaderContentType, "application/pkix-crl")
		// A number names one list for ever, so that nothing large has to be hashed. The
		// date keeps two installations apart.
		h.Set("ETag", fmt.Sprintf(`"%d-%d"`, list.Number, list.ThisUpdate.Unix()))
		h.Set(echo.HeaderCacheControl, "no-cache")
		if age := min(list.NextUpdate.Sub(now()), crlMaxAge); age >= time.Second {
			h.Set(echo.HeaderCacheControl, fmt.Sprintf("public, max-age=%d, no-transform", int(age/time.Second)))
		}
		http.ServeContent(c.Response(), c.Request(), "", list.ThisUpdate, bytes.NewReader(list.DER))
		return nil
	}
	for _, path := range []string{"/crl/:name", "/trust/crl/:name"} {
		e.GET(path, serve)
		e.HEAD(path, serve)
	}
}
