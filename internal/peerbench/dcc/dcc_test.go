package dcc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/minvws/nl-covid19-coronacheck-hcert/common"
	"github.com/minvws/nl-covid19-coronacheck-hcert/issuer"
	peer "github.com/minvws/nl-covid19-coronacheck-hcert/verifier"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// The fields of both certificates: a holder, two numbers, four dates, a class, the
// issuer.
const (
	name   = "张样例"
	number = "皖A2024-000123456"
	masked = "34************0012"
	class  = "C1"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// signer signs with one key on P-256.
type signer struct {
	key *ecdsa.PrivateKey
	kid []byte
}

func (s signer) GetKID(string) ([]byte, error) { return s.kid, nil }

func (s signer) Sign(_ string, hash []byte) ([]byte, error) {
	r, v, err := ecdsa.Sign(rand.Reader, s.key, hash)
	if err != nil {
		return nil, err
	}
	return common.CanonicalSignatureBytes(r, v, s.key.Params()), nil
}

// theirs returns the text of a certificate and its verification.
func theirs(tb testing.TB) (string, func() bool) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	s := signer{key, []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	text, _, err := issuer.New(s).IssueQREncoded(&issuer.IssueSpecification{
		KeyUsage: "licence", Issuer: "CN", IssuedAt: now.Add(-time.Hour).Unix(), ExpirationTime: now.AddDate(1, 0, 0).Unix(),
		DCC: &common.DCC{
			Version: "1.3.0", DateOfBirth: "2010-01-01", Name: &common.DCCName{FamilyName: name, StandardizedFamilyName: "ZHANG"},
			Vaccinations: []*common.DCCVaccination{{
				DiseaseTargeted: class, Vaccine: number, MedicinalProduct: masked, Manufacturer: "1",
				DateOfVaccination: "2024-05-01", CountryOfVaccination: "CN", CertificateIssuer: "测试局", CertificateIdentifier: "4294967373",
			}},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	v := peer.New(peer.PksLookup{base64.StdEncoding.EncodeToString(s.kid): {{SubjectPk: spki}}})
	return string(text), func() bool {
		certificate, err := v.VerifyQREncoded(text)
		return err == nil && certificate.HealthCertificate.DCC.Name.FamilyName == name
	}
}

// ours returns the digits of a printed code and its verdict, which needs the status
// lists, the issuer's scope and the days as well. The issuer's key has tables, as in a
// terminal that sees it often; one judgement in 32 is put to the library too.
func ours(tb testing.TB) (string, func() bool) {
	tb.Helper()
	d := trusttest.New(tb, now)
	c := d.Credential(now.Add(-time.Hour))
	c.Summary.Number, c.Summary.Holder, c.Summary.MaskedID, c.Summary.Fields = number, name, masked, []any{class, int64(civil.Of(now) - 5000)}
	text := trusttest.Code(tb, c, d.IssuerKey)
	clock := func() time.Time { return now }
	cache, err := trust.Load(d.Files(tb), trust.Options{Second: second.Opinion{}, Now: clock})
	if err != nil {
		tb.Fatal(err)
	}
	v := verify.New(cache, verify.Options{Second: second.Opinion{}, Judge: fixedkey.NewKeys(64, nil).Judge, Now: clock})
	return text, func() bool {
		r := v.Text(text)
		return r.Verdict == verify.Valid && *r.Holder == name
	}
}

// bareP256 is the verification of a signature on P-256 by the standard library.
func bareP256(tb testing.TB) func() bool {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	digest := sha256.Sum256([]byte(name))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	return func() bool { return ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) }
}

// bareSM2 is the verification of a signature of SM2 by the library.
func bareSM2(tb testing.TB) func() bool {
	tb.Helper()
	key := pkitest.NewKey(tb)
	signature, err := key.Sign([]byte(name))
	if err != nil {
		tb.Fatal(err)
	}
	der, public := signature.DER(), key.Public().ECDSA()
	return func() bool { return sm2.VerifyASN1WithSM2(public, nil, []byte(name), der) }
}

// bareTables is the verification of a signature of SM2 by the tables of its key.
func bareTables(tb testing.TB) func() bool {
	tb.Helper()
	key := pkitest.NewKey(tb)
	signature, err := key.Sign([]byte(name))
	if err != nil {
		tb.Fatal(err)
	}
	tables := fixedkey.New(key.Public())
	return func() bool { return tables.VerifyDigest(key.Public().Digest([]byte(name)), signature) }
}

// BenchmarkVerify alternates between both and their bare signatures, so that all breathe
// the same air: text to verdict on one core. An operation is one of each; x-rate is the
// median of how many of ours are done in the time of one of theirs, x-mean the same of all
// time taken, with what is put to the library as well; x-beyond is what each does beyond its
// signature.
func BenchmarkVerify(b *testing.B) {
	theirText, their := theirs(b)
	ourText, our := ours(b)
	steps := []func() bool{their, our, bareP256(b), bareTables(b), bareSM2(b)}
	times := make([][]float64, len(steps))
	sums := make([]float64, len(steps))
	var rates []float64
	for b.Loop() {
		for i, step := range steps {
			start := time.Now()
			if !step() {
				b.Fatalf("step %d is refused", i)
			}
			took := float64(time.Since(start)) / 1000
			times[i], sums[i] = append(times[i], took), sums[i]+took
		}
		last := len(times[0]) - 1
		rates = append(rates, times[0][last]/times[1][last])
	}
	median := func(of []float64) float64 { slices.Sort(of); return of[len(of)/2] }
	medians := make([]float64, len(steps))
	for i, metric := range []string{"µs-theirs", "µs-ours", "µs-P256", "µs-tables", "µs-SM2"} {
		medians[i] = median(times[i])
		b.ReportMetric(medians[i], metric)
	}
	b.ReportMetric(median(rates), "x-rate")
	b.ReportMetric(sums[0]/sums[1], "x-mean")
	b.ReportMetric((medians[0]-medians[2])/(medians[1]-medians[3]), "x-beyond")
	b.ReportMetric(float64(len(ourText)), "digits-ours")
	b.ReportMetric(float64(len(theirText)), "chars-theirs")
}
