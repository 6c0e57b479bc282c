package ca_test

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

var ctx = context.Background()

func write(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestOpenSSLAccepts verifies a chain of three link by link, as OpenSSL 3.0
// applies the SM2 ID to one link only, and reads the profile in its text form.
func TestOpenSSLAccepts(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	leaf := pkitest.Certify(t, p.CA, ca.ProfileAuthority, "测试发证机关", pkitest.NewKey(t))
	dir := t.TempDir()
	chain := []string{
		write(t, dir, "root.pem", p.Root.Certificate().PEM()),
		write(t, dir, "ca.pem", p.CA.Certificate().PEM()),
		write(t, dir, "leaf.pem", leaf.PEM()),
	}
	const id = "distid:1234567812345678"
	tooltest.Run(t, "openssl", "verify", "-vfyopt", id, "-CAfile", chain[0], chain[0])
	for i := 1; i < len(chain); i++ {
		tooltest.Run(t, "openssl", "verify", "-vfyopt", id, "-partial_chain", "-trusted", chain[i-1], chain[i])
	}
	// The control: OpenSSL does look at the signature.
	wrong := pkitest.New(t, time.Now())
	if out, err := tooltest.Try(t, "openssl", "verify", "-vfyopt", id, "-partial_chain", "-trusted",
		write(t, dir, "wrong.pem", wrong.CA.Certificate().PEM()), chain[2]); err == nil {
		t.Errorf("OpenSSL accepts a chain from another authority: %s", out)
	}
	text := tooltest.Run(t, "openssl", "x509", "-in", chain[2], "-noout", "-text", "-nameopt", "utf8,sep_comma_plus")
	for _, want := range []string{"Version: 3", "SM2-with-SM3", "Digital Signature, Non Repudiation", "CN=测试发证机关", "SM2"} {
		if !strings.Contains(text, want) {
			t.Errorf("OpenSSL's text lacks %q:\n%s", want, text)
		}
	}
	text = tooltest.Run(t, "openssl", "x509", "-in", chain[1], "-noout", "-text")
	for _, want := range []string{"CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "X509v3 Key Usage: critical", "X509v3 Basic Constraints: critical"} {
		if !strings.Contains(text, want) {
			t.Errorf("OpenSSL's text lacks %q:\n%s", want, text)
		}
	}
}

func TestOrganizationCode(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	draft, err := p.CA.Prepare(ctx, ca.Request{
		Profile: ca.ProfileAuthority, Key: pkitest.NewKey(t).Public(), OrganizationCode: "11100000000013338W",
		Subject: cert.Name{Country: "CN", Organization: "测试局", CommonName: "测试局"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.CA.Issue(ctx, draft, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.OrganizationCode(); got != "11100000000013338W" {
		t.Errorf("OrganizationCode = %q", got)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	key := pkitest.NewKey(t)
	request := ca.Request{Profile: ca.ProfilePerson, Key: key.Public(), Subject: cert.Name{Country: "CN", CommonName: "张样例"}}
	draft, err := p.CA.Prepare(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if intended, issued := len(p.Ledger.Records), p.Ledger.Issued(); intended != 3 || issued != 2 {
		t.Errorf("after Prepare: %d intents, %d certificates, want 3 and 2", intended, issued)
	}
	if _, err := p.Root.Issue(ctx, draft, "test"); !errors.Is(err, ca.ErrSpent) {
		t.Errorf("another authority issues the draft: %v", err)
	}
	if _, err := p.CA.Issue(ctx, draft, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.CA.Issue(ctx, draft, "test"); !errors.Is(err, ca.ErrSpent) {
		t.Errorf("a draft is issued twice: %v", err)
	}
	if _, err := p.CA.Prepare(ctx, request); !errors.Is(err, ca.ErrKeyInUse) {
		t.Errorf("one key in two certificates: %v", err)
	}
	own := request
	own.Key = p.CA.Certificate().Key
	if _, err := p.CA.Prepare(ctx, own); !errors.Is(err, ca.ErrKeyInUse) {
		t.Errorf("the authority's own key for a person: %v", err)
	}
}

// TestLifeEndsWithTheIssuer: nothing outlives what it was signed by.
func TestLifeEndsWithTheIssuer(t *testing.T) {
	t.Parallel()
	made := time.Now()
	now := made
	ledger := pkitest.NewLedger()
	env := ca.Environment{Ledger: ledger, Site: ca.Site{Host: "localhost", Name: "root"}, Now: func() time.Time { return now }}
	root, err := ca.NewRoot(ctx, cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(t), "test", env)
	if err != nil {
		t.Fatal(err)
	}
	now = made.AddDate(25, 0, 0)
	c := pkitest.Certify(t, root, ca.ProfileIntermediate, "中级", pkitest.NewKey(t))
	if !c.NotAfter().Equal(root.Certificate().NotAfter()) {
		t.Errorf("certificate ends %s, its issuer %s", c.NotAfter(), root.Certificate().NotAfter())
	}
	now = made.AddDate(31, 0, 0)
	if _, err := root.Prepare(ctx, ca.Request{Profile: ca.ProfileIntermediate, Subject: cert.Name{Country: "CN", CommonName: "晚"}, Key: pkitest.NewKey(t).Public()}); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("an authority that has ended issues: %v", err)
	}
	now = made.AddDate(-1, 0, 0)
	if _, err := root.Prepare(ctx, ca.Request{Profile: ca.ProfileIntermediate, Subject: cert.Name{Country: "CN", CommonName: "早"}, Key: pkitest.NewKey(t).Public()}); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("an authority that has not begun issues: %v", err)
	}
}

func TestRefusedNames(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	for name, subject := range map[string]cert.Name{
		"no common name":        {Country: "CN"},
		"no country":            {CommonName: "a"},
		"hidden character":      {Country: "CN", CommonName: "a\u202eb"},
		"too long":              {Country: "CN", CommonName: strings.Repeat("长", 100)},
		"line feed":             {Country: "CN", CommonName: "a\nb"},
		"country of one letter": {Country: "C", CommonName: "a"},
	} {
		if _, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfilePerson, Key: pkitest.NewKey(t).Public(), Subject: subject}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// refusing is a second opinion that accepts nothing.
type refusing struct{}

func (refusing) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return false, nil }

// TestSecondOpinion: what is rare and precious leaves only if both implementations
// accept it; a citizen's certificate is one of many.
func TestSecondOpinion(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	a, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{Ledger: p.Ledger, Site: p.CA.Site(), Second: refusing{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	issue := func(profile ca.ProfileName) error {
		draft, err := a.Prepare(ctx, ca.Request{Profile: profile, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "x"}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Issue(ctx, draft, "test")
		return err
	}
	for _, precious := range []ca.ProfileName{ca.ProfileService, ca.ProfileSealMaker, ca.ProfileOCSP, ca.ProfileTSA} {
		if err := issue(precious); !errors.Is(err, pki.ErrDisagree) || !errors.Is(err, pki.ErrSelfCheck) {
			t.Errorf("%s: %v, want ErrDisagree", precious, err)
		}
	}
	if err := issue(ca.ProfilePerson); err != nil {
		t.Errorf("person: %v", err)
	}
	if unfinished, err := p.Ledger.Unfinished(ctx); err != nil || len(unfinished) > 0 {
		t.Errorf("%d intents are left, %v", len(unfinished), err)
	}
}

// TestWeakKeys: keys that anybody can guess are refused.
func TestWeakKeys(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	for name, d := range map[string][]byte{"1: the generator": {1}, "the example of GB/T 32918.5": {
		0x39, 0x45, 0x20, 0x8f, 0x7b, 0x21, 0x44, 0xb1, 0x3f, 0x36, 0xe3, 0x8a, 0xc6, 0xd3, 0x9f, 0x95,
		0x88, 0x93, 0x93, 0x69, 0x28, 0x60, 0xb5, 0x1a, 0x42, 0xfb, 0x81, 0xef, 0x4d, 0xf7, 0xc5, 0xb8,
	}} {
		private, err := sm2.NewPrivateKeyFromInt(new(big.Int).SetBytes(d))
		if err != nil {
			t.Fatal(err)
		}
		key, err := pki.NewPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfileService, Key: key, Subject: cert.Name{Country: "CN", CommonName: "x"}}); !errors.Is(err, ca.ErrWeakKey) {
			t.Errorf("%s: %v, want ErrWeakKey", name, err)
		}
	}
}
