package pkitest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Bare is a self-signed CA whose key a test has, without a ledger behind it.
type Bare struct {
	Certificate *cert.Certificate
	Key         *pki.Key
	now         time.Time
}

// NewBare returns a CA whose certificates are valid for a year before and nine after
// a time.
func NewBare(tb testing.TB, name string, now time.Time) Bare {
	tb.Helper()
	key := NewKey(tb)
	subject := cert.Name{Country: "CN", Organization: "测试省", CommonName: name}
	b := Bare{Key: key, now: now}
	b.Certificate = b.Certify(tb, cert.Template{Issuer: subject, Subject: subject, Key: key.Public(), IsCA: true, Usage: cert.KeyCertSign | cert.CRLSign})
	return b
}

// Serial returns a serial number of 16 bytes that rises with n.
func Serial(n uint64) cert.Serial {
	s := cert.Serial{0x40}
	binary.BigEndian.PutUint64(s[8:], n)
	return s
}

// Certify signs a template as it is. Serial number, issuer, key of the issuer and
// dates are filled in where they are missing.
func (b Bare) Certify(tb testing.TB, t cert.Template) *cert.Certificate {
	tb.Helper()
	if t.Serial == (cert.Serial{}) {
		t.Serial = Serial(1)
	}
	if t.Issuer == (cert.Name{}) {
		t.Issuer = b.Certificate.Subject
	}
	if t.IssuerKey == nil {
		t.IssuerKey = b.Key.Public()
	}
	if t.NotBefore.IsZero() {
		t.NotBefore, t.NotAfter = b.now.AddDate(-1, 0, 0), b.now.AddDate(9, 0, 0)
	}
	tbs, err := t.TBS()
	if err != nil {
		tb.Fatal(err)
	}
	sig, err := b.Key.Sign(tbs)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := cert.Assemble(tbs, sig)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := cert.Parse(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Person returns a person's certificate that names the places of its CRL.
func (b Bare) Person(tb testing.TB, number uint64, crlPoints ...string) *cert.Certificate {
	tb.Helper()
	return b.Certify(tb, cert.Template{
		Serial: Serial(number), Subject: cert.Name{Country: "CN", CommonName: "张样例"}, Key: NewKey(tb).Public(),
		Usage: cert.DigitalSignature | cert.NonRepudiation, CRLPoints: crlPoints,
	})
}

// Responder returns an OCSP responder of the CA and its key.
func (b Bare) Responder(tb testing.TB) (*cert.Certificate, *pki.Key) {
	tb.Helper()
	key := NewKey(tb)
	return b.Certify(tb, cert.Template{
		Serial: Serial(2), Subject: cert.Name{Country: "CN", CommonName: "OCSP"}, Key: key.Public(), Usage: cert.DigitalSignature,
		ExtUsages: []oid.ID{oid.UsageOCSPSigning}, OCSPNoCheck: true,
	}), key
}
