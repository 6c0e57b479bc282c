package office_test

import (
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
)

// TestRotateStatusKeys: after a rotation time stamps and OCSP answers are the new keys',
// in the same process and in the next, and what was stamped before still verifies.
func TestRotateStatusKeys(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	reopen := func() {
		t.Helper()
		if err := f.Office.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		f.Office, err = office.Open(f.Dir, office.Options{Clock: tsa.ClockSettings{Probe: tsa.DeclaredClock(100 * time.Millisecond)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	before := stampedBy(t, f)
	answered := answeredBy(t, f)
	for _, name := range []string{"tsa", "ocsp-seals"} {
		if err := f.Office.RotateKey(ctx, "test", name, 0, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	token, responder := stampedBy(t, f), answeredBy(t, f)
	if token == before || token != inUse(t, f, keystore.PurposeTSA, "tsa.2") {
		t.Error("after the rotation the old key stamps")
	}
	if responder == answered || responder != inUse(t, f, keystore.PurposeOCSP, "ocsp-seals-2") {
		t.Error("after the rotation the old key answers")
	}
	reopen()
	if stampedBy(t, f) != token || answeredBy(t, f) != responder {
		t.Error("after a new start others sign")
	}
}

// stampedBy asks for a time stamp, verifies it and returns its signer.
func stampedBy(t *testing.T, f *officetest.Fixture) pki.Point {
	t.Helper()
	imprint := tsa.SM3(sm3.Sum([]byte("content")))
	request := tsa.Request{Imprint: imprint, Certificates: true}
	der, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Office.TimeStamp(ctx, der)
	if err != nil {
		t.Fatal(err)
	}
	response, err := tsa.ParseResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tsa.ParseToken(response.Token)
	if err != nil {
		t.Fatal(err)
	}
	var signer *cert.Certificate
	accept := func(c *cert.Certificate, _ time.Time, _ []*cert.Certificate) error {
		signer = c
		return nil
	}
	if err := token.Verify(imprint, accept, second.Opinion{}); err != nil {
		t.Fatal(err)
	}
	return signer.Key.Point()
}

// answeredBy asks about the seal's certificate by OCSP, verifies the answer and returns
// the responder.
func answeredBy(t *testing.T, f *officetest.Fixture) pki.Point {
	t.Helper()
	var chain []*cert.Certificate
	for _, der := range f.Seal.Chain {
		c, err := cert.Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	id, err := ocsp.NewCertID(oid.SM3, chain[1], chain[0].SerialNumber())
	if err != nil {
		t.Fatal(err)
	}
	question := ocsp.Request{IDs: []ocsp.CertID{id}}
	der, err := question.DER()
	if err != nil {
		t.Fatal(err)
	}
	responder, err := f.Office.OCSP(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ocsp.ParseResponse(responder.Respond(ctx, der).DER)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Verify(chain[1], time.Now(), second.Opinion{}); err != nil {
		t.Fatal(err)
	}
	if single, found := answer.Find(chain[0], chain[1]); !found || single.Status != ocsp.Good || len(answer.Certificates) != 1 {
		t.Fatalf("found %v, %+v, %d certificates", found, single, len(answer.Certificates))
	}
	return answer.Certificates[0].Key.Point()
}

// inUse returns the key of a generation, which must be the one in use.
func inUse(t *testing.T, f *officetest.Fixture, purpose keystore.Purpose, name string) pki.Point {
	t.Helper()
	all, err := f.Office.KeyGenerations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.Purpose == purpose && k.Name == name && k.InUse {
			return k.Certificate.Key.Point()
		}
	}
	t.Fatalf("%s/%s is not in use", purpose, name)
	return pki.Point{}
}
