package ocsp_test

import (
	"context"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/oid"
)

// BenchmarkBareSign is one SM2 signature over as many bytes as a response signs: the
// floor of BenchmarkOnDemand.
func BenchmarkBareSign(b *testing.B) {
	key, message := pkitest.NewKey(b), make([]byte, 200)
	for b.Loop() {
		if _, err := key.SignUnchecked(message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOnDemand is request bytes to response bytes with a nonce, signed by a
// delegated responder whose certificate is embedded.
func BenchmarkOnDemand(b *testing.B) {
	h := newHouse(b, plan)
	c := h.issue(b, h.one, 10)
	benchmark(b, h, request(b, make([]byte, 32), certID(b, oid.SHA1, h.one.Certificate, c.SerialNumber())))
}

// BenchmarkAhead is request bytes to response bytes where the response was made ahead.
func BenchmarkAhead(b *testing.B) {
	h := newHouse(b, plan)
	c := h.issue(b, h.one, 10)
	if _, err := h.responder.Produce(context.Background()); err != nil {
		b.Fatal(err)
	}
	benchmark(b, h, request(b, nil, certID(b, oid.SHA1, h.one.Certificate, c.SerialNumber())))
}

func benchmark(b *testing.B, h *house, request []byte) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if answer := h.responder.Respond(context.Background(), request); answer.Cause != nil {
			b.Fatal(answer.Cause)
		}
	}
}

// BenchmarkProduce makes responses ahead, each verified before it is kept; one
// operation is one response.
func BenchmarkProduce(b *testing.B) {
	h := newHouse(b, plan)
	const n = 200
	for i := range uint64(n) {
		h.issue(b, h.one, 100+i)
	}
	b.ReportAllocs()
	made := 0
	for b.Loop() {
		h.at = h.at.Add(plan.Life)
		k, err := h.responder.Produce(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		made += k
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(made), "µs/response")
}
