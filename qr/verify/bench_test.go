package verify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"slices"
	"strings"
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

// benchCase is a code and its floor: the library's verification of the same signatures
// over the same bytes with parsed keys, and nothing else.
type benchCase struct {
	name  string
	code  string
	floor func() bool
}

// benchCases are a good code of every kind that tells of a licence.
func benchCases(tb testing.TB, d *trusttest.Domain) []benchCase {
	tb.Helper()
	printed := trusttest.Code(tb, d.Credential(now.Add(-time.Hour)), d.IssuerKey)
	shown := trusttest.ShownCode(tb, d.Shown(now, qr.Choice{Holder: true, MaskedID: true, Number: true, Validity: true, Status: true, Fields: []bool{true, true}}), d.ShownKey)
	cases := []benchCase{
		{"printed", printed, bare(tb, codeBytes(tb, printed), pki.ObjectCodeLicence, d.IssuerKey)},
		{"service", shown, bare(tb, codeBytes(tb, shown), pki.ObjectCodeService, d.ShownKey)},
	}
	for _, algorithm := range []qr.DeviceAlgorithm{qr.DeviceSM2, qr.DeviceP256} {
		device := trusttest.NewDevice(tb, algorithm)
		credential := trusttest.SignedForDevice(tb, d.ForDevice(now.Add(-time.Hour), device), d.IssuerKey)
		code := device.Present(tb, credential, now, nil)
		p, err := qr.ParsePresentation(codeBytes(tb, code))
		if err != nil {
			tb.Fatal(err)
		}
		message, err := p.ToBeSigned()
		if err != nil {
			tb.Fatal(err)
		}
		issuer, byDevice := bare(tb, credential, pki.ObjectCodeHolder, d.IssuerKey), bareDevice(tb, device.Key, message, p.Signature)
		cases = append(cases, benchCase{"holder " + algorithm.String(), code, func() bool { return issuer() && byDevice() }})
	}
	return cases
}

func codeBytes(tb testing.TB, text string) []byte {
	tb.Helper()
	_, b, err := qr.Decode(text)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func bare(tb testing.TB, code []byte, object pki.Object, signer *pki.Key) func() bool {
	tb.Helper()
	m, err := cose.Parse(code)
	if err != nil {
		tb.Fatal(err)
	}
	message, sig, key := m.ToBeSigned(object), m.Signature.DER(), signer.Public().ECDSA()
	return func() bool { return sm2.VerifyASN1WithSM2(key, nil, message, sig) }
}

func bareDevice(tb testing.TB, device *qr.DeviceKey, message []byte, signature pki.Signature) func() bool {
	tb.Helper()
	point, sig := device.Point(), signature.DER()
	if device.Algorithm() == qr.DeviceSM2 {
		key, err := pki.ParsePoint(point[:])
		if err != nil {
			tb.Fatal(err)
		}
		return func() bool { return sm2.VerifyASN1WithSM2(key.ECDSA(), nil, message, sig) }
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), point[:])
	uncompressed := append(append([]byte{4}, x.FillBytes(make([]byte, 32))...), y.FillBytes(make([]byte, 32))...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), uncompressed)
	if err != nil {
		tb.Fatal(err)
	}
	return func() bool {
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(key, digest[:], sig)
	}
}

// BenchmarkVerify is text → verdict. The floor of the first is BenchmarkBareSM2Verify.
func BenchmarkVerify(b *testing.B) {
	d := trusttest.New(b, now)
	v := verifier(b, d, now)
	for _, c := range benchCases(b, d) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := v.Text(c.code); r.Verdict != verify.Valid {
					b.Fatal(r.Verdict, r.Cause)
				}
			}
		})
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

// BenchmarkVerifyBesideBare alternates between text → verdict and the bare
// verification, so that both breathe the same air, and reports the median of
// their ratio. An operation is one of each.
func BenchmarkVerifyBesideBare(b *testing.B) {
	d := trusttest.New(b, now)
	v := verifier(b, d, now)
	for _, c := range benchCases(b, d) {
		b.Run(c.name, func(b *testing.B) {
			var ratios []float64
			for b.Loop() {
				start := time.Now()
				if r := v.Text(c.code); r.Verdict != verify.Valid {
					b.Fatal(r.Verdict, r.Cause)
				}
				middle := time.Now()
				if !c.floor() {
					b.Fatal("refused")
				}
				ratios = append(ratios, float64(middle.Sub(start))/float64(time.Since(middle)))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "x-bare")
		})
	}
}

// BenchmarkBareSM2Verify is the floor alone.
func BenchmarkBareSM2Verify(b *testing.B) {
	floor := benchCases(b, trusttest.New(b, now))[0].floor
	b.ReportAllocs()
	for b.Loop() {
		if !floor() {
			b.Fatal("refused")
		}
	}
}

// TestAllocations bounds what a scan allocates, which, unlike time, does not depend on
// the machine. Eight of each verification are the library's; a device's key is read with
// each code and an issuer's only once.
func TestAllocations(t *testing.T) {
	d := trusttest.New(t, now)
	v := verifier(t, d, now)
	for _, c := range benchCases(t, d) {
		limit := map[bool]float64{false: 40, true: 90}[strings.HasPrefix(c.name, "holder")]
		n := testing.AllocsPerRun(100, func() { v.Text(c.code) })
		if n > limit {
			t.Errorf("%s: text to verdict takes %v allocations, want at most %v", c.name, n, limit)
		}
		t.Logf("%s: %v allocations", c.name, n)
	}
}
