package ocsp_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/vectortest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
)

var update = flag.Bool("update", false, "make the published vectors anew, under a new key")

// vectors is the form of testdata/vectors/pki/ocsp.json, whose README says what the
// fields mean.
type vectors struct {
	Issuer    string   `json:"issuer"` // hexadecimal DER
	Requests  []vector `json:"requests"`
	Responses []vector `json:"responses"`
}

type vector struct {
	ID      int    `json:"tcId"`
	Comment string `json:"comment"`
	DER     string `json:"der"`
	Result  string `json:"result"`
}

var vectorFile = filepath.Join("..", "..", "testdata", "vectors", "pki", "ocsp.json")

// makeVectors signs every crafted response, so that each has one fault only.
func makeVectors(tb testing.TB) vectors {
	tb.Helper()
	a := pkitest.NewBare(tb, "测试根", now)
	v := vectors{Issuer: hex.EncodeToString(a.Certificate.DER)}
	put := func(to *[]vector, comment, der, result string) {
		*to = append(*to, vector{len(v.Requests) + len(v.Responses) + 1, comment, der, result})
	}
	word := map[bool]string{true: "valid", false: "malformed"}
	requests := craftedRequests()
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		put(&v.Requests, name, requests[name].der, word[requests[name].read])
	}
	responses := craftedResponses(hex.EncodeToString(cert.KeyID(a.Key.Public())), func(data string) string {
		sig, err := a.Key.Sign(bytesOf(tb, data))
		if err != nil {
			tb.Fatal(err)
		}
		var b cryptobyte.Builder
		b.AddASN1BitString(sig.DER())
		return hex.EncodeToString(b.BytesOrPanic())
	})
	for _, name := range slices.Sorted(maps.Keys(responses)) {
		result := word[responses[name].read]
		if name == "by name" {
			result = "responder" // of an empty name, which is not the issuer's
		}
		put(&v.Responses, name, responses[name].der, result)
	}
	responder, key := a.Responder(tb)
	single := ocsp.Single{ID: certID(tb, oid.SM3, a.Certificate, []byte{5}), ThisUpdate: now, NextUpdate: now.Add(1e12)}
	der, err := (&ocsp.Template{ProducedAt: now, Responder: responder, Singles: []ocsp.Single{single}, Nonce: []byte("0123456789abcdef")}).Sign(key)
	if err != nil {
		tb.Fatal(err)
	}
	put(&v.Responses, "delegated, with a nonce", hex.EncodeToString(der), "valid")
	der[len(der)-1] ^= 1 // of the signature of the responder's certificate
	put(&v.Responses, "delegated, the responder's certificate is not the issuer's", hex.EncodeToString(der), "responder")
	return v
}

// result puts a verdict into a word.
func result(err error) string {
	switch {
	case err == nil:
		return "valid"
	case errors.Is(err, ocsp.ErrMalformed):
		return "malformed"
	case errors.Is(err, ocsp.ErrWrongResponder):
		return "responder"
	}
	return err.Error()
}

// TestVectors runs the published vectors.
func TestVectors(t *testing.T) {
	t.Parallel()
	v := vectortest.Load(t, vectorFile, *update, makeVectors)
	issuer, err := cert.Parse(bytesOf(t, v.Issuer))
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Requests) < 20 || len(v.Responses) < 20 {
		t.Errorf("%d requests, %d responses", len(v.Requests), len(v.Responses))
	}
	for _, tt := range v.Requests {
		_, err := ocsp.ParseRequest(bytesOf(t, tt.DER))
		if got := result(err); got != tt.Result {
			t.Errorf("request %d, %s: %s, want %s: %v", tt.ID, tt.Comment, got, tt.Result, err)
		}
	}
	for _, tt := range v.Responses {
		r, err := ocsp.ParseResponse(bytesOf(t, tt.DER))
		if err == nil {
			err = r.Verify(issuer, now, second.Opinion{})
		}
		if got := result(err); got != tt.Result {
			t.Errorf("response %d, %s: %s, want %s: %v", tt.ID, tt.Comment, got, tt.Result, err)
		}
	}
}
