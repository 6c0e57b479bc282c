//go:build peers

package peerbench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
)

func newOffice(b *testing.B) (*office.Office, string) {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	o, err := office.Create(context.Background(), dir, office.CreateOptions{
		Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, RootPassphrase: []byte("bench"), Actor: "bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	return o, dir
}

// person is a request for a citizen's certificate.
func person(b *testing.B) []byte {
	b.Helper()
	der, err := cert.NewRequest(cert.Name{Country: "CN", Serial: rand.Text(), CommonName: "张样例"}, pkitest.NewKey(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	return der
}

func issue(o *office.Office, der []byte) (*cert.Certificate, *cert.Certificate, error) {
	request, err := cert.ParseRequest(der)
	if err != nil {
		return nil, nil, err
	}
	issued, err := o.IssueCertificate(context.Background(), "bench", office.CertificateRequest{Profile: ca.ProfilePerson, Request: request})
	return issued.Certificate, issued.Issuer, err
}

// BenchmarkSignElicence is our certificate authority behind a handler of the test, over
// TLS as step-ca is: a CSR in, a certificate out that is linted, stored before and
// after the signature, and in the audit log. Whoever asks is not authenticated here;
// step-ca verifies a token.
func BenchmarkSignElicence(b *testing.B) {
	o, _ := newOffice(b)
	defer func() { _ = o.Close() }()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
		if err == nil {
			var c *cert.Certificate
			if c, _, err = issue(o, body); err == nil {
				w.WriteHeader(http.StatusCreated)
				_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: c.DER})
				return
			}
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}))
	defer server.Close()
	requests := make([][]byte, b.N)
	for i := range requests {
		requests[i] = person(b)
	}
	load(b, func(i int) (*http.Request, error) { return post(server.URL, "application/pkcs10", requests[i]) },
		func(status int, body []byte) error {
			if status != http.StatusCreated {
				return fmt.Errorf("ours answers %d: %s", status, body)
			}
			return nil
		})
}

// BenchmarkOCSPElicence is `elicence serve` with answers made ahead, at the address
// where it serves everything.
func BenchmarkOCSPElicence(b *testing.B) {
	serveOCSP(b, func(port string) []string { return []string{"--listen", "127.0.0.1:" + port} })
}

// BenchmarkOCSPElicenceAlone is the same at the address for OCSP alone.
func BenchmarkOCSPElicenceAlone(b *testing.B) {
	serveOCSP(b, func(port string) []string {
		return []string{"--listen", "127.0.0.1:0", "--ocsp-listen", "127.0.0.1:" + port}
	})
}

func serveOCSP(b *testing.B, listen func(port string) []string) {
	b.Helper()
	o, dir := newOffice(b)
	type question struct {
		request []byte
		about   *cert.Certificate
		issuer  *cert.Certificate
	}
	questions, wires := make([]question, produced), make([][]byte, produced)
	for i := range questions {
		c, issuer, err := issue(o, person(b))
		if err != nil {
			b.Fatal(err)
		}
		id, err := ocsp.NewCertID(oid.SHA1, issuer, c.SerialNumber())
		if err != nil {
			b.Fatal(err)
		}
		der, err := (&ocsp.Request{IDs: []ocsp.CertID{id}}).DER()
		if err != nil {
			b.Fatal(err)
		}
		questions[i], wires[i] = question{der, c, issuer}, wired("/ocsp", "application/ocsp-request", der)
	}
	if err := o.Close(); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(b.TempDir(), "elicence")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/elicence/elicence/cmd/elicence").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	server := start(b, binary, func(port string) []string { return append([]string{"serve", "--data", dir}, listen(port)...) })
	// What an answer says is looked at once for each question; under load it must be the
	// same bytes.
	answers := make([][]byte, produced)
	for i, q := range questions {
		answers[i] = madeAhead(b, server, q.request)
		r, err := ocsp.ParseResponse(answers[i])
		if err != nil {
			b.Fatal(err)
		}
		if said, found := r.Find(q.about, q.issuer); !found || said.Status != ocsp.Good {
			b.Fatalf("ours answers %+v", r)
		}
	}
	loadWire(b, server, wires, func(i int, body []byte) error {
		if !bytes.Equal(body, answers[i]) {
			return fmt.Errorf("ours answers %x", body)
		}
		return nil
	})
}

// madeAhead asks until the same answer comes twice: one that is signed for the asker is
// another each time. Those that are made ahead are made when the service starts.
func madeAhead(b *testing.B, p program, request []byte) []byte {
	b.Helper()
	var before []byte
	for range 1000 {
		answer, err := askOnce(p, request)
		if err != nil {
			b.Fatal(err)
		}
		if bytes.Equal(answer, before) {
			return answer
		}
		if before != nil {
			time.Sleep(50 * time.Millisecond)
		}
		before = answer
	}
	b.Fatal("no answer is made ahead")
	return nil
}

func askOnce(p program, request []byte) ([]byte, error) {
	answer, err := http.Post("http://127.0.0.1:"+p.port+"/ocsp", "application/ocsp-request", bytes.NewReader(request)) //nolint:noctx // a test's own server
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	return io.ReadAll(answer.Body)
}
