//go:build peers

package peerbench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// A test binary with these in its environment is a floor: a server that reads a request
// and answers with a constant.
const (
	floorPort   = "PEERBENCH_FLOOR_PORT"
	floorServer = "PEERBENCH_FLOOR_SERVER" // the library
)

const (
	netHTTP  = "net/http"
	fastHTTP = "fasthttp"
)

func TestMain(m *testing.M) {
	port := os.Getenv(floorPort)
	if port == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, serveFloor("127.0.0.1:"+port, os.Getenv(floorServer)))
	os.Exit(1)
}

func serveFloor(address, library string) error {
	answer := make([]byte, 900)
	if library == fastHTTP {
		server := &fasthttp.Server{ReadTimeout: time.Minute, Handler: func(c *fasthttp.RequestCtx) { c.Response.SetBodyRaw(answer) }}
		return server.ListenAndServe(address)
	}
	server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(answer)
	})}
	return server.ListenAndServe()
}

// BenchmarkOCSPFloorNetHTTP is what HTTP alone costs a server of Go's standard library:
// what an answer costs beyond it is the responder's own work.
func BenchmarkOCSPFloorNetHTTP(b *testing.B) { floor(b, netHTTP) }

// BenchmarkOCSPFloorFastHTTP is the same of the library behind serve --ocsp-listen.
func BenchmarkOCSPFloorFastHTTP(b *testing.B) { floor(b, fastHTTP) }

func floor(b *testing.B, library string) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	server := start(b, self, func(port string) []string {
		b.Setenv(floorPort, port)
		b.Setenv(floorServer, library)
		return nil
	})
	loadWire(b, server, [][]byte{wired("/", "application/ocsp-request", make([]byte, 90))}, func(int, []byte) error { return nil })
}
