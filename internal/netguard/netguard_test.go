package netguard_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/netguard"
)

const mediaType = "application/x-test"

// server answers as a handler does, on the loopback interface.
func server(t *testing.T, handler http.HandlerFunc) (address string, port uint16) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	_, text, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return s.URL, uint16(n)
}

func loopback(port uint16) netguard.Settings {
	return netguard.Settings{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Ports: []uint16{port}}
}

func TestForbiddenNetworks(t *testing.T) {
	t.Parallel()
	asked := false
	url, port := server(t, func(http.ResponseWriter, *http.Request) { asked = true })
	only := netguard.Settings{Ports: []uint16{port}}
	for name, address := range map[string]string{
		"loopback":             url,
		"localhost by name":    strings.Replace(url, "127.0.0.1", "localhost", 1),
		"mapped into IPv6":     "http://[::ffff:127.0.0.1]:" + strconv.Itoa(int(port)),
		"IPv6 loopback":        "http://[::1]:" + strconv.Itoa(int(port)),
		"private":              "http://10.0.0.1/",
		"private 172":          "http://172.16.0.1/",
		"private 192":          "http://192.168.1.1/",
		"cloud metadata":       "http://169.254.169.254/latest/meta-data",
		"shared":               "http://100.64.0.1/",
		"unspecified":          "http://0.0.0.0/",
		"unique local":         "http://[fd00::1]/",
		"link local":           "http://[fe80::1]/",
		"NAT64 of a private":   "http://[64:ff9b::a00:1]/",
		"6to4 of a private":    "http://[2002:a00:1::1]/",
		"multicast":            "http://224.0.0.1/",
		"decimal notation":     "http://2130706433:" + strconv.Itoa(int(port)),
		"port not allowed":     "http://1.1.1.1:22/",
		"user info before @":   "http://1.1.1.1@127.0.0.1:" + strconv.Itoa(int(port)),
		"broadcast":            "http://255.255.255.255/",
		"documentation":        "http://192.0.2.1/",
		"benchmark networks":   "http://198.18.0.1/",
		"reserved for the far": "http://240.0.0.1/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := netguard.New(only).Post(context.Background(), address, mediaType, nil, mediaType, 10)
			if err == nil {
				t.Fatalf("%s was reached", address)
			}
			// A host that is no IP address fails in the resolver, before the guard.
			if name != "decimal notation" && !errors.Is(err, netguard.ErrForbidden) {
				t.Errorf("Post = %v, want ErrForbidden", err)
			}
		})
	}
	t.Cleanup(func() {
		if asked {
			t.Error("a request came through")
		}
	})
}

func TestPost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    error
		answer  string
	}{
		"answer": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.Header.Get("Content-Type") != mediaType {
				w.WriteHeader(http.StatusTeapot)
			}
			w.Header().Set("Content-Type", mediaType)
			_, _ = w.Write([]byte("0123456789"))
		}, nil, "0123456789"},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			_, _ = w.Write([]byte("0123456789a"))
		}, netguard.ErrTooLarge, ""},
		"another type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
		}, netguard.ErrAnswer, ""},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, netguard.ErrAnswer, ""},
		"failure": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		}, netguard.ErrAnswer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, port := server(t, tt.handler)
			answer, err := netguard.New(loopback(port)).Post(context.Background(), url, mediaType, []byte("q"), mediaType, 10)
			if !errors.Is(err, tt.want) || string(answer) != tt.answer {
				t.Errorf("Post = %q, %v, want %q, %v", answer, err, tt.answer, tt.want)
			}
		})
	}
}

func TestErrorsHideTheAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://user:secret@127.0.0.1/secret?token=secret", "ftp://secret", "http://secret\x7f/"} {
		_, err := netguard.New(netguard.Settings{}).Post(context.Background(), address, mediaType, nil, mediaType, 10)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Post(%q) = %v", address, err)
		}
	}
}
