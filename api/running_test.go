package api_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
)

// TestStatusOfTheHouse: the service answers for the certificates of its own data
// folder, and a revocation is in the next answer although the one before was made
// ahead.
func TestStatusOfTheHouse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	f := officetest.New(t)
	server, err := api.New(f.Office, api.Options{Log: slog.New(slog.DiscardHandler), Metrics: api.NewMetrics()})
	if err != nil {
		t.Fatal(err)
	}
	handler := server.Handler()
	do := func(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	signer, err := cert.Parse(f.Seal.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	w := do(http.MethodGet, "/ca/seals.cer", "", nil)
	issuer, err := cert.Parse(w.Body.Bytes())
	if err != nil || w.Header().Get("Content-Type") != "application/pkix-cert" || signer.SignedBy(issuer.Key, nil) != nil {
		t.Fatalf("the authority's certificate: %d %v %v", w.Code, w.Header(), err)
	}
	for _, path := range []string{"/ca/nobody.cer", "/ca/seals", "/crl/seals.crl"} {
		if w := do(http.MethodGet, path, "", nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	id, err := ocsp.NewCertID(oid.SHA1, issuer, signer.SerialNumber())
	if err != nil {
		t.Fatal(err)
	}
	request, err := (&ocsp.Request{IDs: []ocsp.CertID{id}}).DER()
	if err != nil {
		t.Fatal(err)
	}
	says := func(want ocsp.Status) {
		t.Helper()
		w := do(http.MethodPost, "/ocsp", "application/ocsp-request", request)
		r, err := ocsp.ParseResponse(w.Body.Bytes())
		if err != nil || r.Verify(issuer, time.Now(), nil) != nil || r.Singles[0].Status != want {
			t.Errorf("OCSP says %+v, %v, want %v", r, err, want)
		}
	}
	responder, err := f.Office.OCSP(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	if made, err := responder.Produce(ctx); err != nil || made == 0 {
		t.Errorf("%d answers made ahead, %v", made, err)
	}
	says(ocsp.Good)
	serial, _ := cert.SerialOf(signer.SerialNumber())
	if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.KeyCompromise}); err != nil {
		t.Fatal(err)
	}
	says(ocsp.Revoked)
	if _, err := f.Office.PublishCRLs(ctx, "seals"); err != nil {
		t.Fatal(err)
	}
	w = do(http.MethodGet, "/crl/seals-1-0.crl", "", nil)
	list, err := crl.Parse(w.Body.Bytes())
	if err != nil || list.Verify(issuer, nil) != nil || !list.Covers(signer) {
		t.Fatalf("the CRL: %d %v", w.Code, err)
	}
	if r, found := list.Find(signer.SerialNumber()); !found || r.Reason != cert.KeyCompromise {
		t.Errorf("the CRL has %+v of the revoked certificate", r)
	}
	// Many more than the other routes bear.
	for range 200 {
		if w := do(http.MethodGet, "/crl/seals-1-0.crl", "", nil); w.Code != http.StatusOK {
			t.Fatalf("a list asked for often: %d", w.Code)
		}
	}
	if w := do(http.MethodPost, "/tsa", "application/timestamp-query", make([]byte, 1<<20)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a time stamp request of 1 MB: %d", w.Code)
	}
	if w := do(http.MethodPost, "/tsa", "application/timestamp-query", []byte("x")); w.Code != http.StatusOK {
		body, _ := io.ReadAll(w.Body)
		t.Errorf("a time stamp request that is none: %d %s", w.Code, body)
	}
}
