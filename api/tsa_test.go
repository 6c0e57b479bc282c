package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/labstack/echo/v4"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/netguard"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/pki/tsa/tsahttp"
)

func newTSA(tb testing.TB) (*pkitest.Stamping, *httptest.Server) {
	tb.Helper()
	s := pkitest.NewStamping(tb, time.Now())
	e := echo.New()
	api.RegisterTSA(e, s.Authority(tb).Respond, slog.New(slog.DiscardHandler), api.NewMetrics())
	server := httptest.NewServer(e)
	tb.Cleanup(server.Close)
	return s, server
}

// TestTSA: our client over guarded HTTP gets a stamp from our handler; the request of
// OpenSSL gets one too.
func TestTSA(t *testing.T) {
	t.Parallel()
	s, server := newTSA(t)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(address.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	source := tsa.Source{Name: "local", URL: server.URL + "/tsa", Policy: pkitest.StampPolicy, Chain: s.Chain}
	client := tsa.Client{Sources: []tsa.Source{source}, Now: time.Now, Random: rand.Reader}
	client.Transport = tsahttp.Transport(netguard.New(netguard.Settings{Ports: []uint16{uint16(port)}}))
	if _, err := client.Stamp(context.Background(), tsa.SM3(sm3.Sum(nil))); err == nil || !strings.Contains(err.Error(), netguard.ErrForbidden.Error()) {
		t.Errorf("a client that may not reach its own machine: %v", err)
	}
	client.Transport = tsahttp.Transport(netguard.New(netguard.Settings{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Ports: []uint16{uint16(port)}}))
	if _, err := client.Stamp(context.Background(), tsa.SM3(sm3.Sum(nil))); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	data, query := filepath.Join(dir, "data"), filepath.Join(dir, "query")
	if err := os.WriteFile(data, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "openssl", "ts", "-query", "-data", data, "-sha256", "-cert", "-out", query)
	request, err := os.ReadFile(query)
	if err != nil {
		t.Fatal(err)
	}
	reply := filepath.Join(dir, "reply")
	if err := os.WriteFile(reply, post(t, server.URL+"/tsa", tsahttp.MediaTypeQuery, request, http.StatusOK), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := tooltest.Run(t, "openssl", "ts", "-reply", "-in", reply, "-text"); !strings.Contains(text, "Status: Granted.") {
		t.Errorf("OpenSSL prints\n%s", text)
	}
}

func post(tb testing.TB, address, contentType string, body []byte, status int) []byte {
	tb.Helper()
	response, err := http.Post(address, contentType, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if response.StatusCode != status {
		tb.Errorf("%s of %d bytes: status %d, want %d", contentType, len(body), response.StatusCode, status)
	}
	return content
}

func TestTSARefuses(t *testing.T) {
	t.Parallel()
	_, server := newTSA(t)
	for _, tt := range []struct {
		name, contentType string
		body              []byte
		status            int
	}{
		{"another type", "application/octet-stream", nil, http.StatusUnsupportedMediaType},
		{"no type", "", nil, http.StatusUnsupportedMediaType},
		{"1 MB", tsahttp.MediaTypeQuery, make([]byte, 1<<20), http.StatusRequestEntityTooLarge},
		{"one byte too many", tsahttp.MediaTypeQuery, make([]byte, tsa.MaxRequest+1), http.StatusRequestEntityTooLarge},
		{"nothing", tsahttp.MediaTypeQuery, nil, http.StatusOK},
		{"nonsense", tsahttp.MediaTypeQuery + "; x=y", []byte("hello"), http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			content := post(t, server.URL+"/tsa", tt.contentType, tt.body, tt.status)
			if tt.status != http.StatusOK {
				return
			}
			r, err := tsa.ParseResponse(content)
			if err != nil || r.Status != tsa.Rejection || r.Failures[0] != tsa.BadDataFormat {
				t.Errorf("response %+v, %v", r, err)
			}
		})
	}
	response, err := http.Get(server.URL + "/tsa")
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", response.StatusCode)
	}
}

func BenchmarkTSA(b *testing.B) {
	_, server := newTSA(b)
	request := tsa.Request{Imprint: tsa.SM3(sm3.Sum(nil)), Nonce: []byte{0x40, 1, 2, 3, 4, 5, 6, 7}}
	der, err := request.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			post(b, server.URL+"/tsa", tsahttp.MediaTypeQuery, der, http.StatusOK)
		}
	})
}
