//go:build peers

package peerbench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// floorPort makes the test binary the floor: a server that reads a request and answers
// with a constant.
const floorPort = "PEERBENCH_FLOOR_PORT"

func TestMain(m *testing.M) {
	port := os.Getenv(floorPort)
	if port == "" {
		os.Exit(m.Run())
	}
	answer := make([]byte, 900)
	server := &http.Server{Addr: "127.0.0.1:" + port, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(answer)
	})}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// BenchmarkOCSPFloor is what HTTP alone costs a server of Go's standard library: what
// an answer costs beyond it is the responder's own work.
func BenchmarkOCSPFloor(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	server := start(b, self, func(port string) []string {
		b.Setenv(floorPort, port)
		return nil
	})
	request := make([]byte, 90)
	loadProgram(b, server, func(int) (*http.Request, error) {
		return post("http://127.0.0.1:"+server.port+"/", "application/ocsp-request", request)
	}, func(status int, body []byte) error {
		if status != http.StatusOK {
			return fmt.Errorf("the floor answers %d", status)
		}
		return nil
	})
}
