package verify_test

import (
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/status"
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

// BenchmarkVerifyProvince is BenchmarkVerify with 124 full lists in the cache, 1 %
// revoked: a verdict does not take longer for it.
func BenchmarkVerifyProvince(b *testing.B) {
	d := trusttest.New(b, now)
	state := &status.State{Sequence: 1}
	for n := uint32(1); n <= 124; n++ {
		set := &status.Set{List: n, High: status.ListSize}
		for i := uint32(13); i < status.ListSize; i += 100 {
			set.Revoked.Set(i)
		}
		state.Sets = append(state.Sets, set)
	}
	d.Describe(b, state)
	v := verifier(b, d, now)
	code := trusttest.Code(b, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	b.ReportAllocs()
	for b.Loop() {
		if r := v.Text(code); r.Verdict != verify.Valid {
			b.Fatal(r.Verdict, r.Cause)
		}
	}
}

// bare is the library's verification of the same signature over the same bytes with
// a parsed key, and nothing else.
func bare(tb testing.TB, d *trusttest.Domain, text string) func() bool {
	tb.Helper()
	_, code, err := qr.Decode(text)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := cose.Parse(code)
	if err != nil {
		tb.Fatal(err)
	}
	message, sig, key := m.ToBeSigned(pki.ObjectCodeLicence), m.Signature.DER(), d.IssuerKey.Public().ECDSA()
	return func() bool { return sm2.VerifyASN1WithSM2(key, nil, message, sig) }
}

// BenchmarkVerifyBesideBare alternates between text → verdict and the bare
// verification, so that both breathe the same air, and reports the median of
// their ratio. An operation is one of each.
func BenchmarkVerifyBesideBare(b *testing.B) {
	d := trusttest.New(b, now)
	v := verifier(b, d, now)
	code := trusttest.Code(b, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	floor := bare(b, d, code)
	var ratios []float64
	for b.Loop() {
		start := time.Now()
		if r := v.Text(code); r.Verdict != verify.Valid {
			b.Fatal(r.Verdict, r.Cause)
		}
		middle := time.Now()
		if !floor() {
			b.Fatal("refused")
		}
		ratios = append(ratios, float64(middle.Sub(start))/float64(time.Since(middle)))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-bare")
}

// BenchmarkBareSM2Verify is the floor alone.
func BenchmarkBareSM2Verify(b *testing.B) {
	d := trusttest.New(b, now)
	floor := bare(b, d, trusttest.Code(b, d.Credential(now.Add(-time.Hour)), d.IssuerKey))
	b.ReportAllocs()
	for b.Loop() {
		if !floor() {
			b.Fatal("refused")
		}
	}
}

// TestAllocations bounds what a scan allocates, which, unlike time, does not
// depend on the machine. Eight of them are the library's verification.
func TestAllocations(t *testing.T) {
	d := trusttest.New(t, now)
	v := verifier(t, d, now)
	code := trusttest.Code(t, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	if n := testing.AllocsPerRun(100, func() { v.Text(code) }); n > 40 {
		t.Errorf("text to verdict takes %v allocations, want at most 40", n)
	}
}
