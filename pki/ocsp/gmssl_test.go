package ocsp_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/second"
)

// TestGmSSLAsks: GmSSL's request, with a CertID of SM3, gets its answer. GmSSL does not
// read it: it takes byKey for a primitive [2], where RFC 6960, B.1 has explicit tags.
func TestGmSSLAsks(t *testing.T) {
	t.Parallel()
	if help, _ := tooltest.Try(t, "gmssl", "help"); !strings.Contains(help, "ocspreq") {
		t.Skip("this GmSSL makes no OCSP requests; 3.2 and later do")
	}
	h, dir := newHouse(t, plan), t.TempDir()
	c := h.issue(t, h.one, 10)
	out := filepath.Join(dir, "request")
	tooltest.Run(t, "gmssl", "ocspreq", "-in", write(t, dir, "chain.pem", append(c.PEM(), h.one.Certificate.PEM()...)), "-out", out)
	request, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, h.responder.Respond(context.Background(), request).DER)
	if err := r.Verify(h.one.Certificate, now, second.Opinion{}); err != nil {
		t.Error(err)
	}
	if single, found := r.Find(c, h.one.Certificate); !found || single.Status != ocsp.Good {
		t.Errorf("found %v: %+v", found, single)
	}
}
