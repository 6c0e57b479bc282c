package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

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
)

// OCSP serves a responder (RFC 6960, A.1; RFC 5019):
//
//	POST /ocsp          application/ocsp-request
//	GET  /ocsp/{b64}    the request in URL-encoded base64
//
// What OCSP itself can say, it says with HTTP status 200, as clients look no further
// at any other. An answer that was made ahead costs less than what the other routes
// do around theirs, so this handler stands before them, counts for itself, and logs
// only what is our own fault.
//
// It is an http.Handler, and has a listener of its own in [OCSP.Serve]; both say the
// same.
type OCSP struct {
	responder OCSPResponder
	log       *slog.Logger
	metrics   *Metrics
}

// NewOCSP returns the service of a responder.
func NewOCSP(responder OCSPResponder, log *slog.Logger, m *Metrics) *OCSP {
	return &OCSP{responder: responder, log: log, metrics: m}
}

// forOCSP reports whether a path is one for the responder.
func forOCSP(path string) bool {
	rest, ok := strings.CutPrefix(path, ocspPath)
	return ok && (rest == "" || rest[0] == '/')
}

// ocspCall is what HTTP says of a request, whichever server has read it.
type ocspCall struct {
	method      string
	path        string // still escaped
	contentType string
	ifNoneMatch string
	body        func() ([]byte, error) // errBodyTooLarge beyond ocsp.MaxRequest
}

var errBodyTooLarge = fmt.Errorf("more than %d bytes", ocsp.MaxRequest)

// reply is what goes back, whichever server writes it. Headers that are empty are not
// sent.
type reply struct {
	status       int
	contentType  string
	allow        string
	cacheControl string
	etag         string
	lastModified string
	expires      string
	body         []byte
}

// refusedCall is a reply of HTTP itself, in problem details (RFC 9457).
func refusedCall(status int, detail string) reply {
	body, err := json.Marshal(&huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
	if err != nil {
		body = nil // text of our own cannot fail to be JSON
	}
	return reply{status: status, contentType: "application/problem+json", body: body}
}

// answer answers a call. Some clients put a slash behind the address that they post
// to.
func (s *OCSP) answer(ctx context.Context, c ocspCall) reply {
	switch {
	case c.method == http.MethodPost && (c.path == ocspPath || c.path == ocspPath+"/"):
		return s.post(ctx, c)
	case c.method == http.MethodGet && c.path != ocspPath:
		return s.get(ctx, c)
	default:
		r := refusedCall(http.StatusMethodNotAllowed, "")
		r.allow = "GET, POST"
		return r
	}
}

func (s *OCSP) post(ctx context.Context, c ocspCall) reply {
	if c.contentType != ocspMediaType {
		mediaType, _, err := mime.ParseMediaType(c.contentType)
		if err != nil || mediaType != ocspMediaType {
			return refusedCall(http.StatusUnsupportedMediaType, "Content-Type is not "+ocspMediaType)
		}
	}
	request, err := c.body()
	switch {
	case errors.Is(err, errBodyTooLarge):
		return refusedCall(http.StatusRequestEntityTooLarge, errBodyTooLarge.Error())
	case err != nil:
		return refusedCall(http.StatusBadRequest, "the body ended early")
	}
	return said(s.respond(ctx, request).DER)
}

// said is a response of OCSP that no cache may keep.
func said(der []byte) reply {
	return reply{status: http.StatusOK, contentType: ocspResponseType, cacheControl: "no-store", body: der}
}

func (s *OCSP) get(ctx context.Context, c ocspCall) reply {
	// '/' is a character of base64.
	request, err := ocsp.DecodePath(strings.TrimPrefix(c.path, ocspPath+"/"))
	if err != nil {
		s.metrics.ocsp(ocsp.MalformedRequest)
		return said(ocsp.MalformedRequest.DER())
	}
	answer := s.respond(ctx, request)
	r := said(answer.DER)
	if answer.MaxAge <= 0 {
		return r
	}
	r.etag = `"` + answer.ETag + `"`
	r.cacheControl = "public, max-age=" + strconv.Itoa(int(answer.MaxAge/time.Second)) + ", no-transform, must-revalidate"
	r.lastModified = answer.LastModified.UTC().Format(http.TimeFormat)
	r.expires = answer.Expires.UTC().Format(http.TimeFormat)
	if strings.Contains(c.ifNoneMatch, r.etag) {
		r.status, r.contentType, r.body = http.StatusNotModified, "", nil
	}
	return r
}

// respond answers, counts, and logs what is our own fault.
func (s *OCSP) respond(ctx context.Context, request []byte) ocsp.Answer {
	answer := s.responder.Respond(ctx, request)
	refusal, refused := ocsp.Refusal(0), false
	if answer.Cause != nil {
		refusal, refused = answer.Refusal()
	}
	if !refused {
		s.metrics.ocspAnswered.Inc()
		return answer
	}
	s.metrics.ocsp(refusal)
	// Many are asked for by others; the metrics tell.
	if (refusal == ocsp.InternalError || refusal == ocsp.TryLater) && !errors.Is(answer.Cause, ocsp.ErrBusy) {
		s.log.Error("OCSP request is not answered", "error", answer.Cause)
	}
	return answer
}

// ServeHTTP implements http.Handler.
func (s *OCSP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.answer(r.Context(), ocspCall{
		method: r.Method, path: r.URL.EscapedPath(), contentType: r.Header.Get("Content-Type"), ifNoneMatch: r.Header.Get("If-None-Match"),
		body: func() ([]byte, error) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ocsp.MaxRequest))
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				return nil, errBodyTooLarge
			}
			return body, err
		},
	}).write(w)
}

// headers yields the headers that are sent beside the length of the body.
func (r reply) headers(yield func(name, value string)) {
	for _, h := range [...]struct{ name, value string }{
		{"Content-Type", r.contentType}, {"X-Content-Type-Options", "nosniff"}, {"Allow", r.allow}, {"Cache-Control", r.cacheControl},
		{"ETag", r.etag}, {"Last-Modified", r.lastModified}, {"Expires", r.expires},
	} {
		if h.value != "" {
			yield(h.name, h.value)
		}
	}
}

// write sends a reply. A caller who has gone away cannot be told of it.
func (r reply) write(w http.ResponseWriter) {
	r.headers(w.Header().Set)
	if r.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}
