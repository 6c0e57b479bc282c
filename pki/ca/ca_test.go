package ca_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

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
	draft, err := p.CA.Prepare(context.Background(), ca.Request{
		Profile: ca.ProfileAuthority, Key: pkitest.NewKey(t).Public(), OrganizationCode: "11100000000013338W",
		Subject: cert.Name{Country: "CN", Organization: "测试局", CommonName: "测试局"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.CA.Issue(context.Background(), draft, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.OrganizationCode(); got != "11100000000013338W" {
		t.Errorf("OrganizationCode = %q", got)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := pkitest.New(t, time.Now())
	key := pkitest.NewKey(t)
	request := ca.Request{Profile: ca.ProfilePerson, Key: key.Public(), Subject: cert.Name{Country: "CN", CommonName: "张样例", Serial: "A1"}}
	draft, err := p.CA.Prepare(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Ledger.Intents) != 3 || len(p.Ledger.DER) != 2 {
		t.Errorf("after Prepare: %d intents, %d certificates, want 3 and 2", len(p.Ledger.Intents), len(p.Ledger.DER))
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

// broken is a ledger that fails.
type broken struct{ *pkitest.Ledger }

func (broken) IntendCertificate(context.Context, string, pki.Point, []byte) error {
	return errors.New("disk full")
}

// TestNothingIsSignedWithoutIntent: where the intent cannot be stored there is no
// draft, and so no way to the key.
func TestNothingIsSignedWithoutIntent(t *testing.T) {
	t.Parallel()
	_, err := ca.NewRoot(context.Background(), cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(t), "test",
		ca.Environment{Ledger: broken{pkitest.NewLedger()}, Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("NewRoot = %v, want the ledger's error", err)
	}
}

// refuses is a second opinion that accepts nothing.
type refuses struct{}

func (refuses) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return false, nil }

// TestPreciousCertificates: those of authorities, services and seal makers leave only
// if both implementations accept them, and only those.
func TestPreciousCertificates(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := pkitest.New(t, time.Now())
	ledger := pkitest.NewLedger()
	env := ca.Environment{Ledger: ledger, Second: refuses{}, Now: time.Now}
	if _, err := ca.NewRoot(ctx, cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(t), "test", env); !errors.Is(err, pki.ErrDisagree) {
		t.Errorf("a root = %v, want ErrDisagree", err)
	}
	key := pkitest.NewKey(t)
	authority, err := ca.New(pkitest.Certify(t, p.Root, ca.ProfileIntermediate, "中级", key), key, env)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		profile ca.Profile
		want    error
	}{
		{ca.ProfileIntermediate, pki.ErrDisagree},
		{ca.ProfileAuthority, pki.ErrDisagree},
		{ca.ProfileService, pki.ErrDisagree},
		{ca.ProfileSealMaker, pki.ErrDisagree},
		{ca.ProfileOrganizationSeal, nil},
		{ca.ProfilePerson, nil},
	} {
		draft, err := authority.Prepare(ctx, ca.Request{Profile: tt.profile, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", CommonName: "甲"}})
		if err != nil {
			t.Fatal(err)
		}
		recorded := len(ledger.DER)
		if _, err := authority.Issue(ctx, draft, "test"); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", tt.profile.Name, err, tt.want)
		}
		if got := len(ledger.DER) - recorded; got != 0 && tt.want != nil {
			t.Errorf("%s: %d certificates recorded", tt.profile.Name, got)
		}
	}
}

func TestLifeEndsWithTheIssuer(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pkitest.New(t, now)
	long := ca.ProfileAuthority
	long.Life = 100 * 365 * 24 * time.Hour
	c := pkitest.Certify(t, p.CA, long, "长", pkitest.NewKey(t))
	if c.NotAfter().After(p.CA.Certificate().NotAfter()) {
		t.Errorf("certificate ends %s, its issuer %s", c.NotAfter(), p.CA.Certificate().NotAfter())
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
		if _, err := p.CA.Prepare(context.Background(), ca.Request{Profile: ca.ProfilePerson, Key: pkitest.NewKey(t).Public(), Subject: subject}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
