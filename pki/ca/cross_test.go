package ca_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
)

// neighbour is another province's root with an authority below it.
func neighbour(t *testing.T, province string) (root, authority *ca.Authority) {
	t.Helper()
	env := ca.Environment{Ledger: pkitest.NewLedger(), Site: ca.Site{Host: "zj.example", Name: "root"}, Now: time.Now}
	root, err := ca.NewRoot(ctx, cert.Name{Country: "CN", Province: province, CommonName: "根"}, pkitest.NewKey(t), "test", env)
	if err != nil {
		t.Fatal(err)
	}
	key := pkitest.NewKey(t)
	draft, err := root.Prepare(ctx, ca.Request{Profile: ca.ProfileIntermediate, Key: key.Public(), Subject: cert.Name{Country: "CN", Province: province, CommonName: "中级"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := root.Issue(ctx, draft, "test")
	if err != nil {
		t.Fatal(err)
	}
	env.Site.Name = "ca"
	if authority, err = ca.New(c, key, env); err != nil {
		t.Fatal(err)
	}
	return root, authority
}

// TestCross: another province's certificates are accepted under our root within the
// names that it is recognised for, and no others.
func TestCross(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	root, authority := neighbour(t, "浙江省")
	permitted, err := (cert.Name{Country: "CN", Province: "浙江省"}).DER()
	if err != nil {
		t.Fatal(err)
	}
	request := ca.Request{Profile: ca.ProfileCross, Key: root.Certificate().Key, Subject: root.Certificate().Subject, Cross: &ca.Cross{
		Root: root.Certificate(), Constraints: cert.NameConstraints{PermittedDirectories: [][]byte{permitted}}, PathLen: 1,
	}}
	draft, err := p.Root.Prepare(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	cross, err := p.Root.Issue(ctx, draft, "test")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(cross.RawSubject(), root.Certificate().RawSubject()) || !bytes.Equal(cross.SubjectKeyID(), root.Certificate().SubjectKeyID()) {
		t.Error("the cross-certificate has another name or key identifier than the root")
	}
	if _, critical, found := cross.Extension(oid.NameConstraints); !found || !critical {
		t.Error("the name constraints are missing or not critical")
	}
	issue := func(a *ca.Authority, profile ca.ProfileName, host, province string) *cert.Certificate {
		t.Helper()
		r := ca.Request{Profile: profile, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", Province: province, CommonName: "某单位"}}
		if host != "" {
			r.DNSNames = []string{host}
		}
		draft, err := a.Prepare(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.Issue(ctx, draft, "test")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	// OpenSSL 3.0 knows the SM2 ID for one link only, so the certificates are the other
	// root's own.
	dir := t.TempDir()
	anchor := write(t, dir, "cross.pem", cross.PEM())
	inside := issue(root, ca.ProfileService, "", "浙江省")
	for name, tt := range map[string]struct {
		c    *cert.Certificate
		want string
	}{"inside": {inside, ": OK"}, "outside": {issue(root, ca.ProfileService, "", "安徽省"), "permitted subtree violation"}} {
		// The exit code is another in each case; the text says why.
		out, _ := tooltest.Try(t, "openssl", "verify", "-vfyopt", "distid:1234567812345678", "-partial_chain", "-trusted", anchor, write(t, dir, name+".pem", tt.c.PEM()))
		if !strings.Contains(out, tt.want) {
			t.Errorf("%s: OpenSSL says %q, want %q", name, out, tt.want)
		}
	}

	// A whole chain, with constraints of host names.
	byHost := request
	other, below := neighbour(t, "江苏省")
	byHost.Key, byHost.Subject = other.Certificate().Key, other.Certificate().Subject
	byHost.Cross = &ca.Cross{Root: other.Certificate(), Constraints: cert.NameConstraints{PermittedDNS: []string{"js.example"}}, PathLen: 1}
	if draft, err = p.Root.Prepare(ctx, byHost); err != nil {
		t.Fatal(err)
	}
	if cross, err = p.Root.Issue(ctx, draft, "test"); err != nil {
		t.Fatal(err)
	}
	verifier := pkitest.Verifier(t, p.Root)
	for host, want := range map[string]error{"a.js.example": nil, "a.ah.example": path.ErrUntrusted} {
		found := verifier.Verify(ctx, path.Request{
			Certificate: issue(below, ca.ProfileTLSServer, host, ""), Purpose: path.PurposeTLSServer, When: path.Claimed(time.Now()),
			Further: []*cert.Certificate{cross, below.Certificate()},
		})
		if err := found.Err(); !errors.Is(err, want) {
			t.Errorf("%s, by the other province: %v, want %v", host, err, want)
		}
	}
	for name, tt := range map[string]func(*ca.Request){
		"without constraints": func(r *ca.Request) { r.Cross.Constraints = cert.NameConstraints{} },
		"excluding only":      func(r *ca.Request) { r.Cross.Constraints = cert.NameConstraints{ExcludedDNS: []string{"x"}} },
		"of another key":      func(r *ca.Request) { r.Key = pkitest.NewKey(t).Public() },
		"with a long path":    func(r *ca.Request) { r.Cross.PathLen = 2 },
		"of an intermediate":  func(r *ca.Request) { r.Cross.Root, r.Key = authority.Certificate(), authority.Certificate().Key },
		"of an end":           func(r *ca.Request) { r.Cross.Root, r.Key = inside, inside.Key },
		"in another profile":  func(r *ca.Request) { r.Profile = ca.ProfileIntermediate },
		"of our own":          func(r *ca.Request) { r.Cross.Root, r.Key = p.Root.Certificate(), p.Root.Certificate().Key },
	} {
		again, _ := neighbour(t, "浙江省")
		r := request
		r.Cross = &ca.Cross{Root: again.Certificate(), Constraints: request.Cross.Constraints, PathLen: 1}
		r.Key, r.Subject = again.Certificate().Key, again.Certificate().Subject
		tt(&r)
		if _, err := p.Root.Prepare(ctx, r); !errors.Is(err, ca.ErrRequest) && !errors.Is(err, ca.ErrKeyInUse) {
			t.Errorf("%s: %v, want ErrRequest", name, err)
		}
	}
	// The authorities below the root recognise nobody.
	if _, err := p.CA.Prepare(ctx, request); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("by an intermediate: %v", err)
	}
}
