package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/elicence/elicence/pki/ocsp"
)

// OCSPResponder answers OCSP requests; *ocsp.Responder is one.
type OCSPResponder interface {
	Respond(ctx context.Context, request []byte) ocsp.Answer
}

const (
	ocspPath         = "/ocsp"
	ocspMediaType    = "application/ocsp-request"
	ocspResponseType = "application/ocsp-response"
	// ocspPerSecond bounds the answers of all askers together: one that is signed on
	// demand costs fifty microseconds of a core.
	ocspPerSecond = 50_000
)

// NewOCSP serves a responder (RFC 6960, A.1; RFC 5019):
//
//	POST /ocsp          application/ocsp-request
//	GET  /ocsp/{b64}    the request in URL-encoded base64
//
// What OCSP itself can say, it says with HTTP status 200, as clients look no further
// at any other. An answer that was made ahead costs less than what the other routes
// do around theirs, so this handler stands before them, counts for itself, and logs
// only what is our own fault.
func NewOCSP(responder OCSPResponder, log *slog.Logger, m *Metrics) http.Handler {
	return &ocspHandler{responder: responder, log: log, metrics: m, limit: rate.NewLimiter(ocspPerSecond, ocspPerSecond)}
}

// forOCSP reports whether a request is one for the responder.
func forOCSP(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, ocspPath)
	return ok && (rest == "" || rest[0] == '/')
}

type ocspHandler struct {
	responder OCSPResponder
	log       *slog.Logger
	metrics   *Metrics
	limit     *rate.Limiter
}

// ServeHTTP implements http.Handler. Some clients put a slash behind the address that
// they post to.
func (h *ocspHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.Method == http.MethodPost && (r.URL.Path == ocspPath || r.URL.Path == ocspPath+"/"):
		h.post(w, r)
	case r.Method == http.MethodGet && r.URL.Path != ocspPath:
		h.get(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		writeProblem(w, http.StatusMethodNotAllowed, "")
	}
}

func (h *ocspHandler) post(w http.ResponseWriter, r *http.Request) {
	contentType := r.Header.Get("Content-Type")
	if contentType != ocspMediaType {
		mediaType, _, err := mime.ParseMediaType(contentType)
		if err != nil || mediaType != ocspMediaType {
			writeProblem(w, http.StatusUnsupportedMediaType, "Content-Type is not "+ocspMediaType)
			return
		}
	}
	request, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ocsp.MaxRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeProblem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", ocsp.MaxRequest))
	case err != nil:
		writeProblem(w, http.StatusBadRequest, "the body ended early")
	default:
		w.Header().Set("Cache-Control", "no-store")
		h.write(w, h.respond(r.Context(), request).DER)
	}
}

func (h *ocspHandler) get(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	// '/' is a character of base64.
	request, err := ocsp.DecodePath(strings.TrimPrefix(r.URL.EscapedPath(), ocspPath+"/"))
	if err != nil {
		h.metrics.ocsp(ocsp.MalformedRequest)
		header.Set("Cache-Control", "no-store")
		h.write(w, ocsp.MalformedRequest.DER())
		return
	}
	answer := h.respond(r.Context(), request)
	if answer.MaxAge <= 0 {
		header.Set("Cache-Control", "no-store")
		h.write(w, answer.DER)
		return
	}
	tag := `"` + answer.ETag + `"`
	header.Set("ETag", tag)
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, no-transform, must-revalidate", int(answer.MaxAge/time.Second)))
	header.Set("Last-Modified", answer.LastModified.UTC().Format(http.TimeFormat))
	header.Set("Expires", answer.Expires.UTC().Format(http.TimeFormat))
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.write(w, answer.DER)
}

// write sends a response. A caller who has gone away cannot be told of it.
func (h *ocspHandler) write(w http.ResponseWriter, der []byte) {
	w.Header().Set("Content-Type", ocspResponseType)
	w.Header().Set("Content-Length", strconv.Itoa(len(der)))
	_, _ = w.Write(der)
}

// respond answers, counts, and logs what is our own fault.
func (h *ocspHandler) respond(ctx context.Context, request []byte) ocsp.Answer {
	if !h.limit.Allow() {
		h.metrics.ocsp(ocsp.TryLater)
		return ocsp.Answer{DER: ocsp.TryLater.DER()}
	}
	answer := h.responder.Respond(ctx, request)
	refusal, refused := ocsp.Refusal(0), false
	if answer.Cause != nil {
		refusal, refused = answer.Refusal()
	}
	if !refused {
		h.metrics.ocspAnswered.Inc()
		return answer
	}
	h.metrics.ocsp(refusal)
	if refusal == ocsp.InternalError || refusal == ocsp.TryLater {
		h.log.Error("OCSP request is not answered", "error", answer.Cause)
	}
	return answer
}
