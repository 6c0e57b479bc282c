// Package pkitest makes keys and small certificate hierarchies for tests.
package pkitest

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
)

// NewKey returns a fresh SM2 key.
func NewKey(tb testing.TB) *pki.Key {
	tb.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := pki.NewKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// Ledger is a ca.Ledger in memory.
type Ledger struct {
	Intents map[string][]byte // serial → signed part
	Points  map[pki.Point]bool
	DER     map[string][]byte // serial → certificate
	Entries []audit.Record
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{Intents: make(map[string][]byte), Points: make(map[pki.Point]bool), DER: make(map[string][]byte)}
}

// IntendCertificate implements ca.Ledger.
func (l *Ledger) IntendCertificate(_ context.Context, serial string, point pki.Point, tbs []byte) error {
	if l.Points[point] {
		return ca.ErrKeyInUse
	}
	l.Points[point], l.Intents[serial] = true, tbs
	return nil
}

// RecordCertificate implements ca.Ledger.
func (l *Ledger) RecordCertificate(_ context.Context, serial string, der []byte, entry audit.Record) error {
	l.DER[serial], l.Entries = der, append(l.Entries, entry)
	return nil
}

// PKI is a root with one intermediate authority.
type PKI struct {
	Ledger *Ledger
	Root   *ca.Authority
	CA     *ca.Authority
	env    ca.Environment
}

// New returns a hierarchy whose certificates begin at a time.
func New(tb testing.TB, now time.Time) *PKI {
	tb.Helper()
	p := &PKI{Ledger: NewLedger()}
	p.env = ca.Environment{Ledger: p.Ledger, Second: second.Opinion{}, Now: func() time.Time { return now }}
	var err error
	p.Root, err = ca.NewRoot(context.Background(), cert.Name{Country: "CN", Organization: "测试省", CommonName: "测试根证书"}, NewKey(tb), "test", p.env)
	if err != nil {
		tb.Fatal(err)
	}
	p.CA = p.Authority(tb, "测试中级证书")
	return p
}

// Authority returns a further intermediate authority under the root.
func (p *PKI) Authority(tb testing.TB, name string) *ca.Authority {
	tb.Helper()
	key := NewKey(tb)
	c := Certify(tb, p.Root, ca.ProfileIntermediate, name, key)
	a, err := ca.New(c, key, p.env)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// KeyStore makes an empty key store in a temporary folder.
func KeyStore(tb testing.TB) *keystore.Store {
	tb.Helper()
	dir := tb.TempDir()
	u := keystore.Unlock{File: filepath.Join(dir, "kek")}
	if err := keystore.NewKeyFile(u.File); err != nil {
		tb.Fatal(err)
	}
	keys, err := keystore.Create(filepath.Join(dir, "keys"), u)
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// Certify issues a certificate for a key.
func Certify(tb testing.TB, a *ca.Authority, profile ca.Profile, name string, key *pki.Key) *cert.Certificate {
	tb.Helper()
	draft, err := a.Prepare(context.Background(), ca.Request{
		Profile: profile, Key: key.Public(), Subject: cert.Name{Country: "CN", Organization: "测试省", CommonName: name},
	})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := a.Issue(context.Background(), draft, "test")
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Verifier returns a verifier with the authorities' certificates as anchors.
func Verifier(tb testing.TB, anchors ...*ca.Authority) *path.Verifier {
	tb.Helper()
	var certificates []*cert.Certificate
	for _, a := range anchors {
		certificates = append(certificates, a.Certificate())
	}
	v, err := path.New(path.Options{Anchors: certificates})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}
