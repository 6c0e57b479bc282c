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
	"github.com/elicence/elicence/pki/ca/lint"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// generations are roots that follow one another under one name, in one ledger.
type generations struct {
	name  cert.Name
	env   ca.Environment
	at    time.Time
	roots []*ca.Authority
}

func (g *generations) add(t *testing.T) *ca.Authority {
	t.Helper()
	root, err := ca.NewRoot(ctx, g.name, pkitest.NewKey(t), "test", g.env)
	if err != nil {
		t.Fatal(err)
	}
	g.roots = append(g.roots, root)
	return root
}

func linkRequest(c *cert.Certificate) ca.Request {
	return ca.Request{Profile: ca.ProfileRootLink, Subject: c.Subject, Key: c.Key, Renews: c, Link: c}
}

func issued(t *testing.T, a *ca.Authority, r ca.Request) *cert.Certificate {
	t.Helper()
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

// TestRootLink: whichever generation of a root is pinned, what the others' authorities
// have issued is valid under it, also across a generation and at a time before the
// newest.
func TestRootLink(t *testing.T) {
	t.Parallel()
	g := &generations{name: cert.Name{Country: "CN", Organization: "某省", CommonName: "根"}, at: time.Now()}
	g.env = ca.Environment{Ledger: pkitest.NewLedger(), Site: ca.Site{Host: "ah.example", Name: "root"}, Now: func() time.Time { return g.at }}
	g.add(t)
	var links, leaves, authorities []*cert.Certificate
	leafOf := func(root *ca.Authority, name string) {
		t.Helper()
		key := pkitest.NewKey(t)
		c := issued(t, root, ca.Request{Profile: ca.ProfileIntermediate, Subject: cert.Name{Country: "CN", CommonName: name}, Key: key.Public()})
		a, err := ca.New(c, key, g.env)
		if err != nil {
			t.Fatal(err)
		}
		authorities = append(authorities, c)
		leaves = append(leaves, issued(t, a, ca.Request{Profile: ca.ProfileService, Subject: cert.Name{Country: "CN", CommonName: "某服务"}, Key: pkitest.NewKey(t).Public()}))
	}
	leafOf(g.roots[0], "中级一")
	begin := g.at
	for _, name := range []string{"中级二", "中级三"} {
		g.at = g.at.AddDate(1, 0, 0)
		before := g.roots[len(g.roots)-1]
		after := g.add(t)
		newest := before.Certificate()
		forward := issued(t, before, linkRequest(after.Certificate()))
		backward := linkRequest(newest)
		if len(links) > 0 {
			backward.Renews = links[len(links)-2] // the forward link is the newest of its key
		}
		back := issued(t, after, backward)
		if !forward.NotBefore().Equal(after.Certificate().NotBefore()) || !forward.NotAfter().Equal(newest.NotAfter()) {
			t.Errorf("the old root certifies the new key from %s until %s", forward.NotBefore(), forward.NotAfter())
		}
		if !back.NotBefore().Equal(newest.NotBefore()) || !back.NotAfter().Equal(newest.NotAfter()) {
			t.Errorf("the new root certifies the old key from %s until %s", back.NotBefore(), back.NotAfter())
		}
		for _, link := range []*cert.Certificate{forward, back} {
			if !link.SelfIssued() || !bytes.Equal(link.RawSubject(), newest.RawSubject()) || link.PathLen() != newest.PathLen() {
				t.Errorf("link %s has issuer %s and path length %d", link.Subject, link.Issuer, link.PathLen())
			}
		}
		links = append(links, forward, back)
		leafOf(after, name)
	}
	further := append(append([]*cert.Certificate{}, links...), authorities...)
	for pinned, root := range g.roots {
		verifier := pkitest.Verifier(t, root)
		for i, leaf := range leaves {
			found := verifier.Verify(ctx, path.Request{Certificate: leaf, Purpose: path.PurposeLicence, When: path.Claimed(g.at), Further: further})
			if err := found.Err(); err != nil {
				t.Errorf("root %d pinned, certificate under root %d: %v", pinned+1, i+1, err)
			}
			// Without the links there is no way from one generation to another.
			found = verifier.Verify(ctx, path.Request{Certificate: leaf, Purpose: path.PurposeLicence, When: path.Claimed(g.at), Further: authorities})
			if err := found.Err(); (err == nil) != (i == pinned) {
				t.Errorf("root %d pinned, certificate under root %d, no links: %v", pinned+1, i+1, err)
			}
		}
	}
	// The first root as it was pinned then, at a time before the others.
	found := pkitest.Verifier(t, g.roots[0]).Verify(ctx, path.Request{Certificate: leaves[0], Purpose: path.PurposeLicence, When: path.Claimed(begin), Further: further})
	if err := found.Err(); err != nil {
		t.Errorf("at the beginning: %v", err)
	}

	// OpenSSL builds the chain from the newest certificate to the first root. OpenSSL 3.0
	// knows the SM2 ID for one link only: it is asked for the links alone.
	dir := t.TempDir()
	for name, tt := range map[string]struct{ anchor, c *cert.Certificate }{
		"new-with-old": {g.roots[0].Certificate(), links[0]}, "old-with-new": {g.roots[1].Certificate(), links[1]},
	} {
		out, _ := tooltest.Try(t, "openssl", "verify", "-vfyopt", "distid:1234567812345678", "-partial_chain", "-no_check_time",
			"-trusted", write(t, dir, name+"-root.pem", tt.anchor.PEM()), write(t, dir, name+".pem", tt.c.PEM()))
		if !strings.Contains(out, ": OK") {
			t.Errorf("%s: OpenSSL says %q", name, out)
		}
	}
}

// TestRootLinkRefused: a link is made between roots of one name, and between nothing else.
func TestRootLinkRefused(t *testing.T) {
	t.Parallel()
	g := &generations{name: cert.Name{Country: "CN", CommonName: "根"}, at: time.Now()}
	g.env = ca.Environment{Ledger: pkitest.NewLedger(), Site: ca.Site{Host: "ah.example", Name: "root"}, Now: func() time.Time { return g.at }}
	before, after := g.add(t), g.add(t).Certificate()
	other := &generations{name: cert.Name{Country: "CN", CommonName: "另一根"}, env: g.env}
	stranger := other.add(t).Certificate()
	key := pkitest.NewKey(t)
	intermediate := issued(t, before, ca.Request{Profile: ca.ProfileIntermediate, Subject: cert.Name{Country: "CN", CommonName: "中级"}, Key: key.Public()})
	for name, change := range map[string]func(*ca.Request){
		"nothing":               func(r *ca.Request) { r.Link = nil },
		"another name":          func(r *ca.Request) { *r = linkRequest(stranger) },
		"an intermediate":       func(r *ca.Request) { *r = linkRequest(intermediate) },
		"another key":           func(r *ca.Request) { r.Key = pkitest.NewKey(t).Public() },
		"itself":                func(r *ca.Request) { *r = linkRequest(before.Certificate()) },
		"another profile":       func(r *ca.Request) { r.Profile = ca.ProfileIntermediate },
		"a root of no renewal":  func(r *ca.Request) { r.Renews = nil },
		"a renewal of another":  func(r *ca.Request) { r.Renews = stranger },
		"a cross-certificate's": func(r *ca.Request) { r.Profile, r.Cross = ca.ProfileCross, &ca.Cross{Root: after} },
	} {
		r := linkRequest(after)
		change(&r)
		if _, err := before.Prepare(ctx, r); !errors.Is(err, ca.ErrRequest) && !errors.Is(err, ca.ErrKeyInUse) {
			t.Errorf("%s: %v, want ErrRequest or ErrKeyInUse", name, err)
		}
	}
	below, err := ca.New(intermediate, key, g.env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := below.Prepare(ctx, linkRequest(after)); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("by an intermediate: %v", err)
	}
	// What ends before a link could begin.
	g.at = after.NotAfter().Add(time.Hour)
	if _, err := before.Prepare(ctx, linkRequest(after)); !errors.Is(err, ca.ErrRequest) {
		t.Errorf("an ended root: %v", err)
	}
	if errors.As(err, new(*lint.Error)) {
		t.Errorf("the linter finds what the request's check must: %v", err)
	}
}
