//go:build peers

package peerbench

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// callers is how many requests are under way at a time.
const callers = 32

// client keeps as many connections as there are callers.
func client() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: callers, MaxConnsPerHost: callers,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a program of this test on the loopback
	}}
}

// load sends requests 0…b.N−1 from many callers and reports them per second. An
// answer is handed to check, which says whether it is one.
func load(b *testing.B, request func(i int) (*http.Request, error), check func(status int, body []byte) error) {
	b.Helper()
	c := client()
	defer c.CloseIdleConnections()
	var next atomic.Int64
	var failed atomic.Value
	b.ResetTimer()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N) && failed.Load() == nil; i = next.Add(1) - 1 {
				if err := call(c, int(i), request, check); err != nil {
					failed.Store(err)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func call(c *http.Client, i int, request func(int) (*http.Request, error), check func(int, []byte) error) error {
	r, err := request(i)
	if err != nil {
		return err
	}
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if closing := answer.Body.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return check(answer.StatusCode, body)
}

// post builds a request.
func post(url, contentType string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	return r, nil
}

// program is a server under load in a process of its own.
type program struct {
	port string
	pid  int
}

// peer starts an installed program on a free port and waits until it answers.
func peer(b *testing.B, name string, arguments func(port string) []string) program {
	b.Helper()
	path := filepath.Join(os.Getenv("PEERS"), name)
	if _, err := os.Stat(path); err != nil {
		b.Skipf("%s is not installed: run make bench-peers", name)
	}
	return start(b, path, arguments)
}

// start runs a program until the benchmark ends.
func start(b *testing.B, path string, arguments func(port string) []string) program {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, arguments(port)...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, and says so
	})
	for range 600 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
			return program{port, cmd.Process.Pid}
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatalf("%s does not answer: %s", path, log.String())
	return program{}
}

// cpu returns the processor time that the program has used (proc(5), utime and stime
// in hundredths of a second). With the client on the same cores, only this tells what
// an answer costs the server.
func (p program) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, fields, _ := strings.Cut(string(stat), ") ")
	var ticks [2]int64
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(strings.Fields(fields)[11+i], 10, 64); err != nil {
			b.Fatal(err)
		}
	}
	return time.Duration(ticks[0]+ticks[1]) * 10 * time.Millisecond
}

// loadProgram is load, and reports the processor time that an answer took the server.
func loadProgram(b *testing.B, p program, request func(i int) (*http.Request, error), check func(status int, body []byte) error) {
	b.Helper()
	before := p.cpu(b)
	load(b, request, check)
	b.ReportMetric(float64((p.cpu(b)-before).Microseconds())/float64(b.N), "server-us/request")
}
