package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/pki/tsa/tsahttp"
)

// TimeStamper answers requests for time stamps; office.TimeStamp and the Respond of a
// tsa.Authority are. The response is there also with an error.
type TimeStamper func(ctx context.Context, request []byte) ([]byte, error)

// RegisterTSA serves a time-stamping authority (RFC 3161, 3.4):
//
//	POST /tsa   application/timestamp-query, answered by application/timestamp-reply
//
// A refusal is a response of RFC 3161 under HTTP status 200, as clients look no further
// at any other.
func RegisterTSA(e *echo.Echo, respond TimeStamper, log *slog.Logger, m *Metrics) {
	e.POST("/tsa", func(c echo.Context) error {
		mediaType, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
		if err != nil || mediaType != tsahttp.MediaTypeQuery {
			return echo.NewHTTPError(http.StatusUnsupportedMediaType, "Content-Type is not "+tsahttp.MediaTypeQuery)
		}
		body := http.MaxBytesReader(c.Response(), c.Request().Body, tsa.MaxRequest)
		request, err := io.ReadAll(body)
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			return echo.NewHTTPError(http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", tsa.MaxRequest))
		case err != nil:
			return echo.NewHTTPError(http.StatusBadRequest, "the body ended early").SetInternal(err)
		}
		response, err := respond(c.Request().Context(), request)
		m.stamp(err)
		var refusal *tsa.Refusal
		if err != nil && (!errors.As(err, &refusal) || refusal.Err != nil) {
			log.Error("time stamp is not given", "error", err) // our own fault, not the request's
		}
		if response == nil {
			return echo.NewHTTPError(http.StatusInternalServerError)
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.Blob(http.StatusOK, tsahttp.MediaTypeReply, response)
	})
}
