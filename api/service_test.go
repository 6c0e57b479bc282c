package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/licence"
)

// service is a running service with one driving licence.
type service struct {
	url     string
	fixture *officetest.Fixture
	record  licence.Record
	code    string
	png     []byte
	pdf     []byte
	metrics *api.Metrics
	handler http.Handler
	server  *httptest.Server
	now     func() time.Time // the service's clock, which its answers tell as well

	mu     sync.Mutex
	cut    bool              // the network is: connections are dropped; guarded by mu
	asked  []string          // method, path with query and body of what was asked; guarded by mu
	forged map[string][]byte // what somebody else answers, by path; guarded by mu
}

// serve keeps what is asked, or drops the connection.
func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Referer")+" "+string(body))
	cut, forged := s.cut, s.forged[r.URL.Path]
	s.mu.Unlock()
	if cut || err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	if forged != nil {
		_, _ = w.Write(forged)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.handler.ServeHTTP(w, r)
}

// cutNetwork drops every connection from now on, or no more.
func (s *service) cutNetwork(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
}

// forge puts answers in the place of the service's, as somebody between could.
func (s *service) forge(answers map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forged = answers
}

// trustFiles returns everything that the service has published.
func (s *service) trustFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	files := make(map[string][]byte)
	for _, name := range []string{"time", "trust", "catalogue", "status"} {
		content, err := s.fixture.Office.TrustFile(context.Background(), name)
		if err != nil {
			tb.Fatal(err)
		}
		files["/trust/"+name] = content
	}
	return files
}

// requests returns what was asked so far.
func (s *service) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// newService runs a service without programs for the browser, whatever make web has
// built.
func newService(tb testing.TB) *service { return newServiceWith(tb, fstest.MapFS{}) }

func newServiceWith(tb testing.TB, programs fs.FS) *service {
	tb.Helper()
	return newServiceAt(tb, programs, time.Now)
}

func newServiceAt(tb testing.TB, programs fs.FS, now func() time.Time) *service {
	tb.Helper()
	f := officetest.At(tb, now)
	s := &service{fixture: f, record: f.Issue(tb, "004"), now: now}
	code, err := f.Office.Code(context.Background(), "test", s.record)
	if err != nil {
		tb.Fatal(err)
	}
	s.code = code.Digits
	symbol, err := code.Paper()
	if err != nil {
		tb.Fatal(err)
	}
	if s.png, err = symbol.PNG(4); err != nil {
		tb.Fatal(err)
	}
	if s.pdf, err = f.Office.PDFWithCode(context.Background(), "test", s.record, code); err != nil {
		tb.Fatal(err)
	}
	if _, err := f.Office.Publish(context.Background(), "test"); err != nil {
		tb.Fatal(err)
	}
	s.metrics = api.NewMetrics()
	server, err := api.New(f.Office, api.Options{Log: slog.New(slog.DiscardHandler), Metrics: s.metrics, Programs: programs})
	if err != nil {
		tb.Fatal(err)
	}
	s.handler = server.Handler()
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.server.Close)
	s.url = s.server.URL
	return s
}

// file writes a file for an upload.
func (s *service) file(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func blankPNG(tb testing.TB) []byte {
	tb.Helper()
	img := image.NewGray(image.Rect(0, 0, 300, 300))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	img.Set(20, 20, color.Black)
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// post sends a body and returns status and answer.
func (s *service) post(tb testing.TB, contentType string, body []byte) (int, map[string]any) {
	tb.Helper()
	response, err := http.Post(s.url+"/v1/verifications", contentType, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(content, &answer); err != nil {
		tb.Fatalf("status %d, not JSON: %s", response.StatusCode, content)
	}
	return response.StatusCode, answer
}

func TestVerifications(t *testing.T) {
	t.Parallel()
	s := newService(t)
	broken := bytes.Clone(s.pdf)
	broken[len(broken)/3] ^= 1
	for _, tt := range []struct {
		name, contentType string
		body              []byte
		status            int
		want              string // verdict, or a part of the problem's detail
	}{
		{"code as JSON", "application/json", []byte(`{"code":"` + s.code + `"}`), 200, "valid"},
		{"code as text", "text/plain; charset=utf-8", []byte(s.code + "\n"), 200, "valid"},
		{"address", "text/plain", []byte("https://localhost/v#" + s.code), 200, "valid"},
		{"misread", "text/plain", []byte(s.code[1:]), 200, "malformed"},
		{"nonsense", "text/plain", []byte("hello"), 200, "malformed"},
		{"picture", "image/png", s.png, 200, "valid"},
		{"picture without a code", "image/png", blankPNG(t), 422, "no QR code"},
		{"sealed PDF", "application/pdf", s.pdf, 200, "valid"},
		{"PDF with a byte changed", "application/pdf", broken, 200, "tampered"},
		{"not a PDF", "application/pdf", []byte("hello"), 422, "nor a signed answer"},
		{"damaged PDF", "application/pdf", s.pdf[:len(s.pdf)/2], 422, "damaged"},
		{"empty", "application/pdf", nil, 400, ""},
		{"another type", "application/zip", []byte("PK"), 415, "application/zip"},
		{"no type", "", []byte("x"), 415, ""},
		{"JSON without a code", "application/json", []byte(`{}`), 422, "code"},
		{"JSON with more", "application/json", []byte(`{"code":"1","x":1}`), 422, "code"},
		{"broken JSON", "application/json", []byte(`{"code":`), 422, "code"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, answer := s.post(t, tt.contentType, tt.body)
			got, _ := answer["verdict"].(string)
			if status != 200 {
				got, _ = answer["detail"].(string)
			}
			if status != tt.status || !strings.Contains(got, tt.want) {
				t.Errorf("status %d, %q, want %d, %q: %v", status, got, tt.status, tt.want, answer)
			}
		})
	}
}

// TestEncryptedVerification: the password of an encrypted PDF comes in a header.
func TestEncryptedVerification(t *testing.T) {
	t.Parallel()
	s := newService(t)
	in, out := filepath.Join(t.TempDir(), "in.pdf"), filepath.Join(t.TempDir(), "out.pdf")
	if err := os.WriteFile(in, s.pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "qpdf", "--encrypt", "用户", "owner", "256", "--", in, out) // the seal does not survive that
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		password string
		status   int
		want     string
	}{
		{"", 422, "needs a password"},
		{"not base64", 422, "is not base64"},
		{base64.StdEncoding.EncodeToString([]byte("wrong")), 422, "does not open it"},
		{base64.StdEncoding.EncodeToString([]byte("用户")), 200, `"method":"AES-256"`},
	} {
		request, err := http.NewRequest(http.MethodPost, s.url+"/v1/verifications", bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/pdf")
		request.Header.Set("Document-Password", tt.password)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // it was read
		if err != nil || response.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
			t.Errorf("with the password %q: %d, %v, %s", tt.password, response.StatusCode, err, body)
		}
	}
}

// TestRevocationReachesTheService: after a revocation has been published the service
// says so.
func TestRevocationReachesTheService(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ctx := context.Background()
	if _, err := s.fixture.Office.Step(ctx, "test", s.record.Licence.Identifier, licence.Revoke, "测试"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	for contentType, body := range map[string][]byte{"text/plain": []byte(s.code), "application/pdf": s.pdf} {
		if _, answer := s.post(t, contentType, body); answer["verdict"] != "revoked" {
			t.Errorf("%s: %v, want revoked", contentType, answer["verdict"])
		}
	}
}

func get(tb testing.TB, url string, header http.Header) (*http.Response, string) {
	tb.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	for name := range header {
		request.Header.Set(name, header.Get(name))
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response, string(body)
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/healthz", 200, `"ok"`},
		{"/readyz", 200, `"ok"`},
		{"/openapi.json", 200, `"/v1/verifications"`},
		{"/docs", 200, "POST /v1/verifications"},
		{"/verify", 200, "证照与印章核验"},
		{"/v", 200, "证照与印章核验"},
		{"/", 303, ""},
		{"/static/server.js", 200, "fetch("},
		{"/trust/1.root", 200, ""},
		{"/trust/time", 200, ""},
		{"/trust/none", 404, "no such trust file"},
		{"/trust/../elicence.db", 404, ""},
		{"/nothing", 404, "Not Found"},
	} {
		response, body := get(t, s.url+tt.path, nil)
		if response.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("GET %s: status %d, %.200s; want %d, %q", tt.path, response.StatusCode, body, tt.status, tt.want)
		}
		if h := response.Header; h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("GET %s: headers %v", tt.path, h)
		}
	}
	// Conditional requests.
	first, _ := get(t, s.url+"/trust/trust", nil)
	again, body := get(t, s.url+"/trust/trust", http.Header{"If-None-Match": {first.Header.Get("ETag")}})
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("the same trust file again: status %d, %d bytes, want 304", again.StatusCode, len(body))
	}
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if status, body := s.post(t, "application/pdf", make([]byte, 65<<20)); status != http.StatusRequestEntityTooLarge || body["detail"] != "文件超过 64 MiB larger than 64 MiB" {
		t.Errorf("65 MiB: status %d, want 413, %v", status, body)
	}
	// The same without a length, in chunks.
	chunked, err := http.Post(s.url+"/v1/verifications", "application/pdf", io.LimitReader(zeros{}, 65<<20))
	if err != nil {
		t.Fatal(err)
	}
	if err := chunked.Body.Close(); err != nil {
		t.Error(err)
	}
	if chunked.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("65 MiB in chunks: status %d, want 413", chunked.StatusCode)
	}
	// At once, not one after the other: a slow machine answers fewer in a second than are
	// allowed.
	var limited atomic.Bool
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			response, err := http.Get(s.url + "/healthz") //nolint:noctx // a test's own server
			if err != nil {
				t.Error(err)
				return
			}
			if response.StatusCode == http.StatusTooManyRequests {
				limited.Store(true)
			}
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if !limited.Load() {
		t.Error("200 requests at once are not limited")
	}
}
