package licence_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

func benchmarkKey(b *testing.B) (*sm2.PrivateKey, *pki.Key) {
	b.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	key, err := pki.NewKey(private)
	if err != nil {
		b.Fatal(err)
	}
	return private, key
}

func benchmarkLicence(b *testing.B) *licence.Licence {
	return valid(b, 4).Licence(identifier(b), licence.StatusRef{List: 1, Index: 77}, time.Unix(1700000000, 0))
}

// BenchmarkSign is validated record → signed form, without the verification that
// follows in the service. Its floor is BenchmarkBareSM2Sign.
func BenchmarkSign(b *testing.B) {
	_, key := benchmarkKey(b)
	l := benchmarkLicence(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := licence.SignUnchecked(l, key); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSignVerified is BenchmarkSign with the verification, as licences are
// issued.
func BenchmarkSignVerified(b *testing.B) {
	_, key := benchmarkKey(b)
	l := benchmarkLicence(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := licence.Sign(l, key); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareSM2Sign is the library's signature over the same bytes, and nothing
// else.
func BenchmarkBareSM2Sign(b *testing.B) {
	private, key := benchmarkKey(b)
	signed, err := licence.Sign(benchmarkLicence(b), key)
	if err != nil {
		b.Fatal(err)
	}
	m, err := cose.Parse(signed)
	if err != nil {
		b.Fatal(err)
	}
	message := m.ToBeSigned(pki.ObjectLicence)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := private.SignWithSM2(rand.Reader, nil, message); err != nil {
			b.Fatal(err)
		}
	}
}
