package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/pki/ocsp"
)

// OCSPResponder answers OCSP requests; *ocsp.Responder is one.
type OCSPResponder interface {
	Respond(ctx context.Context, request []byte) ocsp.Answer
}

const ocspPath = "/ocsp"

// RegisterOCSP serves a responder (RFC 6960, A.1; RFC 5019):
//
//	POST /ocsp          application/ocsp-request
//	GET  /ocsp/{b64}    the request in URL-encoded base64
//
// What OCSP itself can say, it says with HTTP status 200, as clients look no further
// at any other.
func RegisterOCSP(e *echo.Echo, responder OCSPResponder, log *slog.Logger) {
	h := ocspHandler{responder, log}
	e.POST(ocspPath, h.post)
	e.POST(ocspPath+"/", h.post) // some clients put a slash behind the address
	e.GET(ocspPath+"/*", h.get)
}

type ocspHandler struct {
	responder OCSPResponder
	log       *slog.Logger
}

func (h ocspHandler) post(c echo.Context) error {
	mediaType, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || mediaType != "application/ocsp-request" {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "Content-Type is not application/ocsp-request")
	}
	body := http.MaxBytesReader(c.Response(), c.Request().Body, ocsp.MaxRequest)
	request, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return echo.NewHTTPError(http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", ocsp.MaxRequest))
	case err != nil:
		return echo.NewHTTPError(http.StatusBadRequest, "the body ended early").SetInternal(err)
	}
	answer := h.respond(c, request)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Blob(http.StatusOK, "application/ocsp-response", answer.DER)
}

func (h ocspHandler) get(c echo.Context) error {
	// The router's own parameter may be unescaped already, and '/' is a character of
	// base64.
	path := strings.TrimPrefix(c.Request().URL.EscapedPath(), ocspPath+"/")
	header := c.Response().Header()
	request, err := ocsp.DecodePath(path)
	if err != nil {
		header.Set(echo.HeaderCacheControl, "no-store")
		return c.Blob(http.StatusOK, "application/ocsp-response", ocsp.MalformedRequest.DER())
	}
	answer := h.respond(c, request)
	if answer.MaxAge <= 0 {
		header.Set(echo.HeaderCacheControl, "no-store")
		return c.Blob(http.StatusOK, "application/ocsp-response", answer.DER)
	}
	tag := `"` + answer.ETag + `"`
	header.Set("ETag", tag)
	header.Set(echo.HeaderCacheControl, fmt.Sprintf("public, max-age=%d, no-transform, must-revalidate", int(answer.MaxAge/time.Second)))
	header.Set("Last-Modified", answer.LastModified.UTC().Format(http.TimeFormat))
	header.Set("Expires", answer.Expires.UTC().Format(http.TimeFormat))
	if strings.Contains(c.Request().Header.Get("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, "application/ocsp-response", answer.DER)
}

// respond answers and logs what is our own fault.
func (h ocspHandler) respond(c echo.Context, request []byte) ocsp.Answer {
	answer := h.responder.Respond(c.Request().Context(), request)
	if refusal, refused := answer.Refusal(); refused && (refusal == ocsp.InternalError || refusal == ocsp.TryLater) {
		h.log.Error("OCSP request is not answered", "error", answer.Cause)
	}
	return answer
}
