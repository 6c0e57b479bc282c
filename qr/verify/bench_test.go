package verify_test

import (
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// BenchmarkVerify is text → verdict. Its floor is BenchmarkBareSM2Verify.
func BenchmarkVerify(b *testing.B) {
	d := trusttest.New(b, now)
	v := verifier(b, d, now)
	code := trusttest.Code(b, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	b.ReportAllocs()
	for b.Loop() {
		if r := v.Text(code); r.Verdict != verify.Valid {
			b.Fatal(r.Verdict, r.Cause)
		}
	}
}

// BenchmarkBareSM2Verify is the library's verification of the same signature over
// the same bytes with a parsed key, and nothing else.
func BenchmarkBareSM2Verify(b *testing.B) {
	d := trusttest.New(b, now)
	_, code, err := qr.Decode(trusttest.Code(b, d.Credential(now.Add(-time.Hour)), d.IssuerKey))
	if err != nil {
		b.Fatal(err)
	}
	m, err := cose.Parse(code)
	if err != nil {
		b.Fatal(err)
	}
	message, sig, key := m.ToBeSigned(pki.ObjectCodeLicence), m.Signature.DER(), d.IssuerKey.Public().ECDSA()
	b.ReportAllocs()
	for b.Loop() {
		if !sm2.VerifyASN1WithSM2(key, nil, message, sig) {
			b.Fatal("refused")
		}
	}
}
