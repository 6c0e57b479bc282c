package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/ocsp"
)

// ocspListener serves on a listener of its own until the test ends.
func ocspListener(t *testing.T, s *api.OCSP) (address string, end func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	end = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Errorf("the listener ends with %v", err)
		}
	})
	return listener.Addr().String(), end
}

// speak sends bytes over one connection and reads answers until it is closed, or
// nothing more comes.
func speak(t *testing.T, address string, bytes string, method string) []*http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, bytes); err != nil {
		t.Fatal(err)
	}
	// Whoever is done says so; a server that waits for more would hang here. One that
	// has closed the connection already cannot be told.
	_ = conn.(*net.TCPConn).CloseWrite()
	var all []*http.Response
	for r := bufio.NewReader(conn); ; {
		answer, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return all
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatalf("answer %d to %.80q is cut off: %v", len(all), bytes, err)
		}
		answer.Body = io.NopCloser(strings.NewReader(string(body)))
		all = append(all, answer)
	}
}

// TestBothListenersSayTheSame: what the listener for OCSP alone answers is what the
// handler of the standard library answers, header by header.
func TestBothListenersSayTheSame(t *testing.T) {
	t.Parallel()
	handler, a := newOCSP(t)
	address, _ := ocspListener(t, handler)
	other := httptest.NewServer(handler)
	t.Cleanup(other.Close)
	good := ocspRequest(t, a, 7, nil)
	path := "/ocsp/" + url.PathEscape(base64.StdEncoding.EncodeToString(good))
	tag := func() string {
		answer, err := http.Get(other.URL + path) //nolint:noctx // a test's own server
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.Header.Get("ETag")
	}()
	const ours = "application/ocsp-request"
	for _, tt := range []struct {
		method, path, contentType, ifNoneMatch string
		body                                   []byte
		status                                 int
	}{
		{"POST", "/ocsp", ours, "", good, 200},
		{"POST", "/ocsp/", ours, "", good, 200},
		{"POST", "/ocsp?x=1", ours, "", good, 200},
		{"POST", "/ocsp", ours + "; charset=binary", "", good, 200},
		{"POST", "/ocsp", ours, "", ocspRequest(t, pkitest.NewBare(t, "别的根", statusTime), 7, nil), 200},
		{"POST", "/ocsp", ours, "", nil, 200},
		{"POST", "/ocsp", ours, "", good[:20], 200},
		{"POST", "/ocsp", ours, "", make([]byte, ocsp.MaxRequest), 200},
		{"POST", "/ocsp", ours, "", make([]byte, ocsp.MaxRequest+1), 413},
		{"POST", "/ocsp", "text/plain", "", good, 415},
		{"POST", "/ocsp", "", "", good, 415},
		{"POST", path, ours, "", good, 405},
		{"GET", path, "", "", nil, 200},
		{"GET", "/ocsp/" + base64.StdEncoding.EncodeToString(good), "", "", nil, 200},
		{"GET", path, "", `"other", ` + tag, nil, 304},
		{"GET", "/ocsp/", "", "", nil, 200},
		{"GET", "/ocsp/../ocsp/hello", "", "", nil, 200},
		{"GET", "/ocsp/hello", "", "", nil, 200},
		{"GET", "/ocsp", "", "", nil, 405},
		{"HEAD", path, "", "", nil, 405},
		{"PUT", "/ocsp", ours, "", good, 405},
		{"DELETE", path, "", "", nil, 405},
		{"OPTIONS", "/ocsp", "", "", nil, 405},
	} {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", tt.method, tt.path, len(tt.body))
		for name, value := range map[string]string{"Content-Type": tt.contentType, "If-None-Match": tt.ifNoneMatch} {
			if value != "" {
				fmt.Fprintf(&b, "%s: %s\r\n", name, value)
			}
		}
		fmt.Fprintf(&b, "Connection: close\r\n\r\n%s", tt.body)
		name := fmt.Sprintf("%s %.40s with %d bytes", tt.method, tt.path, len(tt.body))
		mine, standard := speak(t, address, b.String(), tt.method), speak(t, strings.TrimPrefix(other.URL, "http://"), b.String(), tt.method)
		if len(mine) != 1 || len(standard) != 1 {
			t.Errorf("%s: %d answers, and %d of the standard library", name, len(mine), len(standard))
			continue
		}
		if mine[0].StatusCode != tt.status || standard[0].StatusCode != tt.status {
			t.Errorf("%s: %d, and %d of the standard library, want %d", name, mine[0].StatusCode, standard[0].StatusCode, tt.status)
		}
		for _, header := range []string{"Content-Type", "Content-Length", "Cache-Control", "ETag", "Last-Modified", "Expires", "Allow", "X-Content-Type-Options"} {
			if got, want := mine[0].Header.Get(header), standard[0].Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, and %q of the standard library", name, header, got, want)
			}
		}
		got, _ := io.ReadAll(mine[0].Body)
		if want, _ := io.ReadAll(standard[0].Body); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, and %x of the standard library", name, got, want)
		}
		if mine[0].Header.Get("Date") == "" || mine[0].Header.Get("Server") != "" {
			t.Errorf("%s: Date %q, Server %q", name, mine[0].Header.Get("Date"), mine[0].Header.Get("Server"))
		}
	}
}

// TestOneRequestForEverybody: bytes that two servers on the way could read as different
// requests are refused, and nothing behind them is answered.
func TestOneRequestForEverybody(t *testing.T) {
	t.Parallel()
	handler, a := newOCSP(t)
	address, _ := ocspListener(t, handler)
	good := string(ocspRequest(t, a, 7, nil))
	second := fmt.Sprintf("POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n%s", len(good), good)
	head := "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n"
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good), good)
	for name, tt := range map[string]struct {
		first  string
		status int
	}{
		"Transfer-Encoding and Content-Length":    {head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s", len(chunked), chunked), 411},
		"Transfer-Encoding, then Content-Length":  {head + fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n%s", len(chunked), chunked), 411},
		"Transfer-Encoding alone":                 {head + "Transfer-Encoding: chunked\r\n\r\n" + chunked, 411},
		"Transfer-Encoding twice":                 {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked, 400},
		"Transfer-Encoding of gzip":               {head + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked, 400},
		"Transfer-Encoding in HTTP/1.0":           {strings.Replace(head, "1.1", "1.0", 1) + "Transfer-Encoding: chunked\r\n\r\n" + chunked, 400},
		"Transfer-Encoding with a space":          {head + "Transfer-Encoding : chunked\r\n\r\n" + chunked, 400},
		"two Content-Lengths":                     {head + fmt.Sprintf("Content-Length: %d\r\nContent-Length: 0\r\n\r\n%s", len(good), good), 400},
		"the same Content-Length twice":           {head + fmt.Sprintf("Content-Length: %d\r\nContent-Length: %d\r\n\r\n%s", len(good), len(good), good), 400},
		"a list of Content-Lengths":               {head + fmt.Sprintf("Content-Length: %d, %d\r\n\r\n%s", len(good), len(good), good), 400},
		"Content-Length with a sign":              {head + fmt.Sprintf("Content-Length: +%d\r\n\r\n%s", len(good), good), 400},
		"Content-Length below zero":               {head + "Content-Length: -1\r\n\r\n" + good, 400},
		"Content-Length in hexadecimal":           {head + fmt.Sprintf("Content-Length: 0x%x\r\n\r\n%s", len(good), good), 400},
		"Content-Length beyond all numbers":       {head + "Content-Length: 99999999999999999999\r\n\r\n" + good, 400},
		"Content-Length with a space before ':'":  {head + fmt.Sprintf("Content-Length : %d\r\n\r\n%s", len(good), good), 400},
		"a line without a colon":                  {head + "Content-Length\r\n\r\n", 400},
		"a header that begins with a space":       {"POST /ocsp HTTP/1.1\r\n Content-Length: 5\r\nHost: x\r\n\r\n", 400},
		"a NUL in a header":                       {head + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n", 400},
		"no Host":                                 {"POST /ocsp HTTP/1.1\r\nContent-Type: application/ocsp-request\r\nContent-Length: 0\r\n\r\n", 400},
		"two Hosts":                               {head + "Host: y\r\nContent-Length: 0\r\n\r\n", 400},
		"no method":                               {" /ocsp HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"another protocol":                        {"POST /ocsp SMTP/1.1\r\nHost: x\r\n\r\n", 400},
		"a control character in the path":         {"GET /ocsp/\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"Content-Length beyond what comes":        {head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(good)+len(second)+1, good), 400},
		"another place":                           {"GET /verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
		"a place that only begins like the right": {"GET /ocspx HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
		"a proxy's form of the place":             {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
	} {
		answers := speak(t, address, tt.first+second, "")
		if len(answers) != 1 || answers[0].StatusCode != tt.status {
			t.Errorf("%s: %d answers", name, len(answers))
			for _, answer := range answers {
				t.Errorf("  %s", answer.Status)
			}
		}
	}
	// The control: two proper requests are two answers.
	for i, answer := range speak(t, address, second+second, "") {
		if answer.StatusCode != 200 || i > 1 {
			t.Errorf("answer %d: %s", i, answer.Status)
		}
	}
}

// TestOCSPListenerLimits: what is too large is refused before it is read.
func TestOCSPListenerLimits(t *testing.T) {
	t.Parallel()
	handler, _ := newOCSP(t)
	address, _ := ocspListener(t, handler)
	head := "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n"
	// Not a byte more than the server reads: what it leaves unread makes the connection
	// break, and the answer may be lost.
	const limit = 16 << 10
	upTo := func(text string) string { return text + strings.Repeat("a", limit-len(text)) }
	for name, tt := range map[string]struct {
		request string
		status  int
	}{
		"a body of 1 MB that never comes":  {head + "Content-Length: 1048576\r\n\r\n", 413},
		"the same after 100-continue":      {head + "Content-Length: 1048576\r\nExpect: 100-continue\r\n\r\n", 413},
		"one long header":                  {upTo(head + "X-A: "), 431},
		"many headers":                     {upTo(head + strings.Repeat("X-A: aaaaaaaaaaaaaaaa\r\n", 700)), 431},
		"a long path":                      {upTo("GET /ocsp/"), 431},
		"a body that ends before its time": {head + "Content-Length: 50\r\n\r\nshort", 400},
	} {
		answers := speak(t, address, tt.request, "")
		if len(answers) == 2 && answers[0].StatusCode == http.StatusContinue {
			answers = answers[1:]
		}
		if len(answers) != 1 || answers[0].StatusCode != tt.status || answers[0].Header.Get("Content-Type") != "application/problem+json" || !answers[0].Close {
			t.Errorf("%s: %d answers, want %d", name, len(answers), tt.status)
			for _, answer := range answers {
				t.Errorf("  %s, %s, closed %v", answer.Status, answer.Header.Get("Content-Type"), answer.Close)
			}
		}
	}
}

// panics is a responder that does not work.
type panics struct{}

func (panics) Respond(context.Context, []byte) ocsp.Answer { panic("no") }

// TestOCSPListenerOutlivesAPanic: a fault costs one answer, not the service.
func TestOCSPListenerOutlivesAPanic(t *testing.T) {
	t.Parallel()
	address, _ := ocspListener(t, api.NewOCSP(panics{}, slog.New(slog.DiscardHandler), api.NewMetrics()))
	for range 2 {
		answers := speak(t, address, "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: 1\r\n\r\nx", "")
		if len(answers) != 1 || answers[0].StatusCode != http.StatusInternalServerError || !answers[0].Close {
			t.Errorf("%d answers: %+v", len(answers), answers)
		}
	}
}

// TestOCSPListenerEnds: connections that wait for their next request do not hold the
// service back, and a service that ends before it began ends.
func TestOCSPListenerEnds(t *testing.T) {
	t.Parallel()
	handler, a := newOCSP(t)
	address, end := ocspListener(t, handler)
	good := ocspRequest(t, a, 7, nil)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n%s", len(good), good); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != 200 {
		t.Fatalf("%+v, %v", answer, err)
	}
	if err := end(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := handler.Serve(ctx, listener); err != nil {
		t.Errorf("a service that ends at once ends with %v", err)
	}
	if again, err := net.Listen("tcp", listener.Addr().String()); err != nil {
		t.Errorf("its address is still taken: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}
