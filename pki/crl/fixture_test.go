package crl_test

import (
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

var now = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// authority is a CA whose certificate and key a test has.
type authority struct {
	certificate *cert.Certificate
	key         *pki.Key
}

// newAuthority returns a self-signed CA.
func newAuthority(tb testing.TB, name string) authority {
	tb.Helper()
	key := pkitest.NewKey(tb)
	subject := cert.Name{Country: "CN", Organization: "测试省", CommonName: name}
	return authority{certificate: certify(tb, &cert.Template{
		Issuer: subject, Subject: subject, Key: key.Public(), IssuerKey: key.Public(), IsCA: true, Usage: cert.KeyCertSign | cert.CRLSign,
	}, key), key: key}
}

// certify signs a template, whose serial number and dates it fills in.
func certify(tb testing.TB, t *cert.Template, key *pki.Key) *cert.Certificate {
	tb.Helper()
	if t.Serial == (cert.Serial{}) {
		t.Serial = cert.Serial(serial(1))
	}
	t.NotBefore, t.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0)
	tbs, err := t.TBS()
	if err != nil {
		tb.Fatal(err)
	}
	sig, err := key.Sign(tbs)
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

// user returns a certificate of an end entity with CRL points.
func (a authority) user(tb testing.TB, number uint64, points ...string) *cert.Certificate {
	tb.Helper()
	return certify(tb, &cert.Template{
		Serial: cert.Serial(serial(number)), Issuer: a.certificate.Subject, IssuerKey: a.key.Public(), Usage: cert.DigitalSignature,
		Subject: cert.Name{Country: "CN", CommonName: "张样例"}, Key: pkitest.NewKey(tb).Public(), CRLPoints: points,
	}, a.key)
}

// serial returns a serial number of 16 bytes that rises with n.
func serial(n uint64) []byte {
	s := make([]byte, 16)
	s[0] = 0x40
	for i := range 8 {
		s[8+i] = byte(n >> (56 - 8*i))
	}
	return s
}

func entry(n uint64, reason cert.Reason) crl.Entry {
	return crl.Entry{Serial: serial(n), Revocation: cert.Revocation{At: now.Add(-time.Hour), Reason: reason}}
}

// sequence yields entries without an error.
func sequence(entries ...crl.Entry) iter.Seq2[crl.Entry, error] {
	return func(yield func(crl.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// template is a full CRL for everything.
func (a authority) template(number uint64) *crl.Template {
	return &crl.Template{Issuer: a.certificate, Number: number, ThisUpdate: now, NextUpdate: now.Add(24 * time.Hour)}
}

func (a authority) build(tb testing.TB, t *crl.Template, entries ...crl.Entry) *crl.List {
	tb.Helper()
	list, err := crl.Build(t, sequence(entries...), a.key, second.Opinion{})
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// many yields n entries with random gaps and all kinds of reasons.
func many(n int) iter.Seq2[crl.Entry, error] {
	return func(yield func(crl.Entry, error) bool) {
		draw := rand.New(rand.NewPCG(1, 2))
		reasons := []cert.Reason{cert.Unspecified, cert.KeyCompromise, cert.Superseded, cert.CessationOfOperation, cert.CertificateHold}
		e := crl.Entry{Serial: slices.Clone(serial(0)), Revocation: cert.Revocation{At: now.Add(-time.Hour)}}
		at := uint64(0)
		for i := range n {
			at += 1 + draw.Uint64N(1<<40)
			copy(e.Serial, serial(at))
			e.Reason = reasons[i%len(reasons)]
			if !yield(e, nil) {
				return
			}
		}
	}
}
