package crl_test

import (
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

var now = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// authority is a CA that makes CRLs.
type authority struct{ pkitest.Bare }

func newAuthority(tb testing.TB, name string) authority {
	tb.Helper()
	return authority{pkitest.NewBare(tb, name, now)}
}

func serial(n uint64) []byte {
	s := pkitest.Serial(n)
	return s[:]
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
	return &crl.Template{Issuer: a.Certificate, Number: number, ThisUpdate: now, NextUpdate: now.Add(24 * time.Hour)}
}

func (a authority) build(tb testing.TB, t *crl.Template, entries ...crl.Entry) *crl.List {
	tb.Helper()
	list, err := crl.Build(t, sequence(entries...), a.Key, second.Opinion{})
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
