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
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/fixedkey"
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

// NewKeyTwice returns one key as the library signs with it, and as keys do that sign much.
func NewKeyTwice(tb testing.TB) (plain, fast *pki.Key) {
	tb.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	if plain, err = pki.NewKey(private); err != nil {
		tb.Fatal(err)
	}
	signer, err := fixedkey.NewSigner(private.D.FillBytes(make([]byte, 32)))
	if err != nil {
		tb.Fatal(err)
	}
	if fast, err = pki.NewKey(signer); err != nil {
		tb.Fatal(err)
	}
	return plain, fast
}

// PKI is a root with one intermediate authority.
type PKI struct {
	Ledger *Ledger
	Root   *ca.Authority
	CA     *ca.Authority
	CAKey  *pki.Key
	env    ca.Environment
}

// New returns a hierarchy whose certificates begin at a time.
func New(tb testing.TB, now time.Time) *PKI {
	tb.Helper()
	p := &PKI{Ledger: NewLedger()}
	profiles, err := ca.DefaultProfiles()
	if err != nil {
		tb.Fatal(err)
	}
	p.env = ca.Environment{
		Ledger: p.Ledger, Profiles: profiles, Site: ca.Site{Host: "localhost", Name: "root"}, Second: second.Opinion{}, Now: func() time.Time { return now },
	}
	p.Root, err = ca.NewRoot(context.Background(), cert.Name{Country: "CN", Organization: "测试省", CommonName: "测试根证书"}, NewKey(tb), "test", p.env)
	if err != nil {
		tb.Fatal(err)
	}
	p.CAKey = NewKey(tb)
	p.CA = p.authority(tb, "测试中级证书", p.CAKey)
	return p
}

// Authority returns a further intermediate authority under the root.
func (p *PKI) Authority(tb testing.TB, name string) *ca.Authority {
	tb.Helper()
	return p.authority(tb, name, NewKey(tb))
}

func (p *PKI) authority(tb testing.TB, name string, key *pki.Key) *ca.Authority {
	tb.Helper()
	c := Certify(tb, p.Root, ca.ProfileIntermediate, name, key)
	env := p.env
	env.Site.Name, env.Site.Shards = "ca", 1
	a, err := ca.New(c, key, env)
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

// Certify issues a certificate for a key, with an organisation's code and host names
// where the profile wants them.
func Certify(tb testing.TB, a *ca.Authority, profile ca.ProfileName, name string, key *pki.Key) *cert.Certificate {
	tb.Helper()
	r := ca.Request{Profile: profile, Key: key.Public(), Subject: cert.Name{Country: "CN", Organization: "测试省", CommonName: name}}
	switch profile {
	case ca.ProfileAuthority, ca.ProfileOrganizationSeal, ca.ProfileOrganizationEncryption:
		r.OrganizationCode = "11100000000013338W"
	case ca.ProfileTLSServer:
		r.DNSNames = []string{"localhost"}
	}
	draft, err := a.Prepare(context.Background(), r)
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
