package tsa_test

import (
	"context"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/tsa"
)

// BenchmarkBareSign is the floor of BenchmarkRespond: one SM2 signature that nobody
// checks.
func BenchmarkBareSign(b *testing.B) {
	key := pkitest.NewKey(b)
	message := make([]byte, 100)
	for b.Loop() {
		if _, err := key.SignUnchecked(message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRespond makes time stamps, request bytes to response bytes, each verified
// before it is returned.
func BenchmarkRespond(b *testing.B) {
	s := pkitest.NewStamping(b, time.Now())
	a := s.Authority(b)
	for name, certificates := range map[string]bool{"token": false, "token with certificate": true} {
		request := tsa.Request{Imprint: tsa.SM3(sm3.Sum(nil)), Nonce: []byte{0x40, 1, 2, 3, 4, 5, 6, 7}, Certificates: certificates}
		der, err := request.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Respond(context.Background(), der); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
