//go:build peers

package peerbench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wired is a POST in the bytes that go over a connection.
func wired(path, contentType string, body []byte) []byte {
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, contentType, len(body)), body...)
}

// loadWire sends prepared requests over connections that stay open, one at a time on
// each, and reports them per second and the processor time that an answer took the
// server. An answer must be 200 with a body that check accepts.
//
// The client of the standard library costs more than the servers here, which share the
// cores with it: it would measure itself. This one writes, and reads to the end that
// Content-Length says.
func loadWire(b *testing.B, p program, requests [][]byte, check func(i int, body []byte) error) {
	b.Helper()
	var next atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	before := p.cpu(b)
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			conn, err := net.Dial("tcp", "127.0.0.1:"+p.port)
			if err != nil {
				failed.Store(err)
				return
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
				failed.Store(err)
				return
			}
			answers := bufio.NewReader(conn)
			body := make([]byte, 0, 8<<10)
			for i := next.Add(1) - 1; i < int64(b.N) && failed.Load() == nil; i = next.Add(1) - 1 {
				which := int(i) % len(requests)
				if _, err = conn.Write(requests[which]); err == nil {
					body, err = readAnswer(answers, body[:0])
				}
				if err == nil {
					err = check(which, body)
				}
				if err != nil {
					failed.Store(err)
					return
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
	b.ReportMetric(float64((p.cpu(b)-before).Microseconds())/float64(b.N), "server-us/request")
}

var (
	okLine       = []byte("HTTP/1.1 200 OK\r\n")
	lengthHeader = []byte("Content-Length: ")
	lineEnd      = []byte("\r\n")
)

// readAnswer reads one answer with a Content-Length.
func readAnswer(r *bufio.Reader, body []byte) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(line, okLine) {
		return nil, fmt.Errorf("the server answers %q", line)
	}
	length := -1
	for !bytes.Equal(line, lineEnd) {
		if line, err = r.ReadSlice('\n'); err != nil {
			return nil, err
		}
		if number, found := bytes.CutPrefix(line, lengthHeader); found {
			if length, err = strconv.Atoi(string(bytes.TrimSuffix(number, lineEnd))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 || length > cap(body) {
		return nil, fmt.Errorf("an answer of %d bytes", length)
	}
	body = body[:length]
	_, err = io.ReadFull(r, body)
	return body, err
}
