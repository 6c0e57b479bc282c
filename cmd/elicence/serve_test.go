package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// service is elicence serve on a data folder, which nobody else can open meanwhile.
type service struct {
	base string // http://ADDRESS
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// serve starts the service at a free address and returns when it listens.
func serve(t *testing.T, data string, args ...string) *service {
	t.Helper()
	s := &service{cmd: exec.Command(filepath.Join(binaries, "elicence"), append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, args...)...)}
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Only a test that has failed before end still has it running.
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = s.cmd.Wait()
		t.Fatalf("serve prints no address: %v\n%s", err, s.log.String())
	}
	s.base = strings.TrimSuffix(strings.TrimSpace(address), "/verify")
	return s
}

// end tells the service to end, as an operator does, and waits for it.
func (s *service) end(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("serve ends with %v\n%s", err, s.log.String())
	}
}

// at returns the address that a certificate names, on this service: certificates name
// the province's host.
func (s *service) at(t *testing.T, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		t.Fatalf("a certificate names the address %q: %v", uri, err)
	}
	return s.base + u.EscapedPath()
}

// answer is what the service says to a request.
type answer struct {
	status    int
	mediaType string
	body      string
}

func ask(t *testing.T, method, address, mediaType string, body io.Reader) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", mediaType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(b)}
}

// get fetches something of a media type into a file.
func get(t *testing.T, address, mediaType, file string) {
	t.Helper()
	a := ask(t, http.MethodGet, address, "", nil)
	if a.status != http.StatusOK || a.mediaType != mediaType {
		t.Fatalf("GET %s: %d %s, want %s: %.200q", address, a.status, a.mediaType, mediaType, a.body)
	}
	write(t, file, a.body)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listed is a certificate as elicence ca list prints it.
type listed struct {
	ID, Subject, Issuer, Profile, Status, PEM string
	Authority                                 bool
}

func certificates(t *testing.T, data string) []listed {
	t.Helper()
	var all []listed
	if err := json.Unmarshal([]byte(yes(t, "elicence", "ca", "list", "--data", data, "--json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}
