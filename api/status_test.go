package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
)

var statusTime = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// allGood is an ocsp.Ledger in which every certificate below number 1000 is recorded.
type allGood struct{}

func (allGood) Standing(_ context.Context, _ pki.Point, serial []byte) (ocsp.Standing, error) {
	limit := pkitest.Serial(1000)
	return ocsp.Standing{Recorded: bytes.Compare(serial, limit[:]) < 0}, nil
}

func (allGood) Unexpired(context.Context, pki.Point) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for n := range uint64(1000) {
			if serial := pkitest.Serial(n); !yield(serial[:], nil) {
				return
			}
		}
	}
}

// newOCSP returns a handler over a responder whose shelf is full, and its authority.
func newOCSP(tb testing.TB) (*api.OCSP, pkitest.Bare) {
	tb.Helper()
	a := pkitest.NewBare(tb, "测试根", statusTime)
	certificate, key := a.Responder(tb)
	responder, err := ocsp.NewResponder(ocsp.Plan{Life: 12 * time.Hour, Renew: time.Hour, MaxAge: time.Hour}, ocsp.Environment{
		Ledger: allGood{}, Shelf: ocsp.NewMemoryShelf(64 << 20), Now: func() time.Time { return statusTime }, Draw: rand.Int64N,
	}, ocsp.Authority{Issuer: a.Certificate, Responder: certificate, Key: key})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := responder.Produce(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return api.NewOCSP(responder, slog.New(slog.DiscardHandler), api.NewMetrics()), a
}

// ocspRequest asks about the n-th certificate.
func ocspRequest(tb testing.TB, a pkitest.Bare, n uint64, nonce []byte) []byte {
	tb.Helper()
	serial := pkitest.Serial(n)
	id, err := ocsp.NewCertID(oid.SHA1, a.Certificate, serial[:])
	if err != nil {
		tb.Fatal(err)
	}
	der, err := (&ocsp.Request{IDs: []ocsp.CertID{id}, Nonce: nonce}).DER()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func TestOCSPOverHTTP(t *testing.T) {
	t.Parallel()
	handler, a := newOCSP(t)
	good, unknown, nonce := ocspRequest(t, a, 7, nil), ocspRequest(t, a, 5000, nil), ocspRequest(t, a, 7, []byte{1})
	stranger := ocspRequest(t, pkitest.NewBare(t, "别的根", statusTime), 7, nil)
	post := func(body []byte, contentType string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/ocsp", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		return r
	}
	get := func(path string) *http.Request { return httptest.NewRequest(http.MethodGet, "/ocsp/"+path, nil) }
	b64 := base64.StdEncoding.EncodeToString
	const ours = "application/ocsp-request"
	for _, tt := range []struct {
		name    string
		request *http.Request
		status  int
		refusal ocsp.Refusal
		says    ocsp.Status
		kept    bool // by caches
	}{
		{"POST", post(good, ours), 200, 0, ocsp.Good, false},
		{"POST with a parameter", post(good, ours+"; charset=binary"), 200, 0, ocsp.Good, false},
		{"POST with a nonce", post(nonce, ours), 200, 0, ocsp.Good, false},
		{"POST of a serial never issued", post(unknown, ours), 200, 0, ocsp.Unknown, false},
		{"POST of another type", post(good, "application/octet-stream"), 415, 0, 0, false},
		{"POST without a type", post(good, ""), 415, 0, 0, false},
		{"POST of 1 MB", post(make([]byte, 1<<20), ours), 413, 0, 0, false},
		{"POST of nothing", post(nil, ours), 200, ocsp.MalformedRequest, 0, false},
		{"POST of half", post(good[:len(good)/2], ours), 200, ocsp.MalformedRequest, 0, false},
		{"POST about another CA", post(stranger, ours), 200, ocsp.Unauthorized, 0, false},
		{"PUT", httptest.NewRequest(http.MethodPut, "/ocsp", nil), 405, 0, 0, false},
		{"GET", get(url.PathEscape(b64(good))), 200, 0, ocsp.Good, true},
		{"GET unescaped", get(b64(good)), 200, 0, ocsp.Good, true},
		{"GET all escaped", get(strings.NewReplacer("/", "%2F", "+", "%2b", "=", "%3D").Replace(b64(good))), 200, 0, ocsp.Good, true},
		{"GET with a nonce", get(url.PathEscape(b64(nonce))), 200, 0, ocsp.Good, false},
		{"GET of a serial never issued", get(url.PathEscape(b64(unknown))), 200, 0, ocsp.Unknown, false},
		{"GET about another CA", get(url.PathEscape(b64(stranger))), 200, ocsp.Unauthorized, 0, false},
		{"GET of nothing", get(""), 200, ocsp.MalformedRequest, 0, false},
		{"GET of nonsense", get("hello"), 200, ocsp.MalformedRequest, 0, false},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, tt.request)
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, w.Code, tt.status, w.Body)
			continue
		}
		if w.Code != 200 {
			continue
		}
		if got := w.Header().Get("Content-Type"); got != "application/ocsp-response" {
			t.Errorf("%s: Content-Type %q", tt.name, got)
		}
		if kept := w.Header().Get("Cache-Control") != "no-store"; kept != tt.kept {
			t.Errorf("%s: Cache-Control %q", tt.name, w.Header().Get("Cache-Control"))
		}
		r, err := ocsp.ParseResponse(w.Body.Bytes())
		if tt.refusal != 0 {
			if err != error(tt.refusal) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.refusal)
			}
			continue
		}
		if err != nil || r.Verify(a.Certificate, statusTime, nil) != nil || r.Singles[0].Status != tt.says {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
}

func TestOCSPCaching(t *testing.T) {
	t.Parallel()
	handler, a := newOCSP(t)
	path := "/ocsp/" + url.PathEscape(base64.StdEncoding.EncodeToString(ocspRequest(t, a, 7, nil)))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=3600, no-transform, must-revalidate",
		"Last-Modified": "Sun, 01 Mar 2026 08:00:00 GMT",
		"Expires":       "Sun, 01 Mar 2026 09:00:00 GMT",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	again := httptest.NewRequest(http.MethodGet, path, nil)
	again.Header.Set("If-None-Match", `"other", W/`+w.Header().Get("ETag"))
	w2 := httptest.NewRecorder()
	handler.ServeHTTP(w2, again)
	if w2.Code != http.StatusNotModified || w2.Body.Len() != 0 {
		t.Errorf("If-None-Match: %d with %d bytes", w2.Code, w2.Body.Len())
	}
}

// lists is a fixed set of CRLs.
type lists map[string]crl.Published

func (l lists) Latest(_ context.Context, name string) (crl.Published, bool, error) {
	if name == "broken.crl" {
		return crl.Published{}, false, errors.New("disk full")
	}
	list, found := l[name]
	return list, found, nil
}

func TestCRLsOverHTTP(t *testing.T) {
	t.Parallel()
	e := echo.New()
	api.RegisterCRLs(e, lists{
		"ca-1.crl": {Number: 7, ThisUpdate: statusTime, NextUpdate: statusTime.Add(time.Hour), DER: []byte("list")},
		"soon.crl": {Number: 7, ThisUpdate: statusTime, NextUpdate: statusTime.Add(time.Minute), DER: []byte("list")},
		"old.crl":  {Number: 7, ThisUpdate: statusTime.AddDate(-1, 0, 0), NextUpdate: statusTime.Add(-time.Hour), DER: []byte("list")},
	}, func() time.Time { return statusTime })
	for path, want := range map[string]struct {
		status int
		cache  string
	}{
		"/crl/ca-1.crl":     {200, "public, max-age=600, no-transform"},
		"/crl/soon.crl":     {200, "public, max-age=60, no-transform"},
		"/crl/old.crl":      {200, "no-cache"},
		"/crl/none.crl":     {404, ""},
		"/crl/ca-1":         {404, ""},
		"/crl/.crl":         {404, ""},
		"/crl/..%2Fkek.crl": {404, ""},
		"/crl/broken.crl":   {500, ""},

		"/trust/crl/ca-1.crl": {200, "public, max-age=600, no-transform"},
		"/trust/crl/ca-1":     {404, ""},
	} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want.status || w.Code == 200 && (w.Header().Get("Cache-Control") != want.cache || w.Header().Get("Content-Type") != "application/pkix-crl" || w.Body.String() != "list") {
			t.Errorf("%s: %d %v %q", path, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), "disk full") {
			t.Errorf("%s tells %q", path, w.Body)
		}
	}
	again := httptest.NewRequest(http.MethodGet, "/crl/ca-1.crl", nil)
	again.Header.Set("If-None-Match", `"7-1772352000"`)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, again)
	if body, _ := io.ReadAll(w.Body); w.Code != http.StatusNotModified || len(body) != 0 {
		t.Errorf("If-None-Match: %d %q, ETag %s", w.Code, body, w.Header().Get("ETag"))
	}
	w = httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/crl/ca-1.crl", nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "4" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
}

// BenchmarkOCSPAhead is a response made ahead, through the handler.
func BenchmarkOCSPAhead(b *testing.B) {
	handler, a := newOCSP(b)
	request := ocspRequest(b, a, 7, nil)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/ocsp", bytes.NewReader(request))
		r.Header.Set("Content-Type", "application/ocsp-request")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "responses/s")
}

// TestOpenSSLAsks: OpenSSL's own client talks to the handler over a real connection,
// with a nonce and without, and finds its certificate and its nonce in the answer. It
// cannot verify the signature of SM2 (docs/independent.md).
func TestOpenSSLAsks(t *testing.T) {
	t.Parallel()
	handler, a := newOCSP(t)
	server := httptest.NewServer(handler)
	defer server.Close()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", a.Certificate.PEM())
	for _, tt := range []struct {
		number uint64
		args   []string
		want   string
	}{
		{7, []string{"-nonce"}, ": good"}, {7, []string{"-no_nonce"}, ": good"}, {5000, []string{"-nonce"}, ": unknown"}, {7, []string{"-sha256", "-no_nonce"}, ": good"},
		{7, []string{"-sm3"}, ": good"},
	} {
		certificate := write("c.pem", a.Person(t, tt.number).PEM())
		// The clock of the responder stands still.
		args := append([]string{"ocsp", "-url", server.URL + "/ocsp", "-issuer", ca, "-noverify", "-resp_text", "-validity_period", "999999999"}, tt.args...)
		out, err := tooltest.Try(t, "openssl", append(args, "-cert", certificate)...)
		if err != nil || !strings.Contains(out, certificate+tt.want) || strings.Contains(out, "WARNING") {
			t.Errorf("certificate %d %v: %v\n%s", tt.number, tt.args, err, out)
		}
	}
	stranger := pkitest.NewBare(t, "别的根", statusTime)
	out, err := tooltest.Try(t, "openssl", "ocsp", "-url", server.URL+"/ocsp", "-issuer", write("stranger.pem", stranger.Certificate.PEM()),
		"-cert", write("c.pem", stranger.Person(t, 7).PEM()), "-noverify")
	if err == nil || !strings.Contains(out, "unauthorized (6)") {
		t.Errorf("about another CA: %v\n%s", err, out)
	}
}
