package cert_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

const distID = "distid:1234567812345678"

func opensslRequest(t *testing.T, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	key, csr := filepath.Join(dir, "key.pem"), filepath.Join(dir, "csr.pem")
	tooltest.Run(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", key)
	tooltest.Run(t, "openssl", append([]string{"req", "-new", "-utf8", "-key", key, "-sm3", "-sigopt", distID, "-out", csr}, args...)...)
	b, err := os.ReadFile(csr)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOpenSSLRequest: a request by OpenSSL is read, and OpenSSL verifies the certificate
// that it leads to.
func TestOpenSSLRequest(t *testing.T) {
	t.Parallel()
	b := opensslRequest(t, "-subj", "/C=CN/ST=安徽省/O=测试局/CN=服务器", "-addext", "subjectAltName=DNS:a.example,IP:10.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE")
	r, err := cert.ParseRequestPEM(b)
	if err != nil {
		t.Fatal(err)
	}
	want := cert.Name{Country: "CN", Province: "安徽省", Organization: "测试局", CommonName: "服务器"}
	if r.Subject != want || !slices.Equal(r.DNSNames, []string{"a.example"}) || !slices.Equal(r.IPs, []netip.Addr{netip.MustParseAddr("10.0.0.1")}) || len(r.Untaken) > 0 {
		t.Errorf("read %+v", r)
	}
	p := pkitest.New(t, time.Now())
	ctx := t.Context()
	draft, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfileTLSServer, Subject: r.Subject, Key: r.Key, DNSNames: r.DNSNames, IPs: r.IPs})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.CA.Issue(ctx, draft, "test")
	if err != nil {
		t.Fatal(err)
	}
	if c.IsCA() {
		t.Error("the request's wish to be an authority is granted")
	}
	dir := t.TempDir()
	issuer, leaf := filepath.Join(dir, "i.pem"), filepath.Join(dir, "c.pem")
	if err := errors.Join(os.WriteFile(issuer, p.CA.Certificate().PEM(), 0o600), os.WriteFile(leaf, c.PEM(), 0o600)); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "openssl", "verify", "-vfyopt", distID, "-partial_chain", "-trusted", issuer, leaf)
	text := tooltest.Run(t, "openssl", "x509", "-in", leaf, "-noout", "-text")
	if !strings.Contains(text, "DNS:a.example, IP Address:10.0.0.1") {
		t.Errorf("OpenSSL's text lacks the names:\n%s", text)
	}
}

// TestRequestAttributes: what no certificate of ours carries is told, not taken.
func TestRequestAttributes(t *testing.T) {
	t.Parallel()
	r, err := cert.ParseRequestPEM(opensslRequest(t, "-subj", "/C=CN/CN=x/emailAddress=a@b.cn"))
	if err != nil || len(r.Untaken) != 1 || r.Untaken[0].String() != "1.2.840.113549.1.9.1" {
		t.Errorf("%+v, %v", r, err)
	}
	for name, subject := range map[string]string{"twice": "/C=CN/CN=x/CN=y", "two in one RDN": "/C=CN/CN=x+O=y"} {
		if _, err := cert.ParseRequestPEM(opensslRequest(t, "-subj", subject)); !errors.Is(err, cert.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cert.ParseRequestPEM(opensslRequest(t, "-subj", "/CN=x", "-addext", "subjectAltName=email:a@b.cn")); !errors.Is(err, cert.ErrBadRequest) {
		t.Errorf("a mail address among the names: %v", err)
	}
}

// TestForeignRequests: other keys and other signatures are refused.
func TestForeignRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		key, req []string
		want     error
	}{
		"RSA":              {[]string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, []string{"-sha256"}, cert.ErrBadRequest},
		"P-256":            {[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, []string{"-sha256"}, cert.ErrBadRequest},
		"another user ID":  {[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"}, []string{"-sm3", "-sigopt", "distid:other"}, cert.ErrPossession},
		"the empty one":    {[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"}, []string{"-sm3"}, cert.ErrPossession},
		"the curve's form": {[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-pkeyopt", "ec_param_enc:explicit"}, []string{"-sm3", "-sigopt", distID}, cert.ErrBadRequest},
	} {
		key, csr := filepath.Join(dir, "key.pem"), filepath.Join(dir, "csr.pem")
		tooltest.Run(t, "openssl", append([]string{"genpkey", "-out", key}, tt.key...)...)
		if out, err := tooltest.Try(t, "openssl", append([]string{"req", "-new", "-key", key, "-subj", "/CN=x", "-out", csr}, tt.req...)...); err != nil {
			t.Logf("%s: OpenSSL cannot make it: %s", name, out)
			continue
		}
		b, err := os.ReadFile(csr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cert.ParseRequestPEM(b); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// signedRequest signs whatever stands for a CertificationRequestInfo.
func signedRequest(tb testing.TB, key *pki.Key, info func(*cryptobyte.Builder)) []byte {
	tb.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, info)
	tbs := b.BytesOrPanic()
	sig, err := key.Sign(tbs)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := cert.Assemble(tbs, sig)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// TestRequestForms: one form, and the two leniencies that are written down.
func TestRequestForms(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	name, err := (cert.Name{Country: "CN", CommonName: "x"}).DER()
	if err != nil {
		t.Fatal(err)
	}
	attributes := cbasn1.Tag(0).Constructed().ContextSpecific()
	extension := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid.Add(b, oid.Of(1, 2, 840, 113549, 1, 9, 14))
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {}) })
		})
	}
	for label, tt := range map[string]struct {
		info func(*cryptobyte.Builder)
		ok   bool
	}{
		"attributes empty": {func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			b.AddBytes(name)
			b.AddBytes(key.Public().SPKI())
			b.AddASN1(attributes, func(*cryptobyte.Builder) {})
		}, true},
		"attributes left out": {func(b *cryptobyte.Builder) { b.AddASN1Int64(0); b.AddBytes(name); b.AddBytes(key.Public().SPKI()) }, true},
		"version 1":           {func(b *cryptobyte.Builder) { b.AddASN1Int64(1); b.AddBytes(name); b.AddBytes(key.Public().SPKI()) }, false},
		"something behind": {func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			b.AddBytes(name)
			b.AddBytes(key.Public().SPKI())
			b.AddASN1(attributes, func(*cryptobyte.Builder) {})
			b.AddASN1NULL()
		}, false},
		"a compressed point": {func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			b.AddBytes(name)
			b.AddBytes(compressedSPKI(key.Public()))
		}, false},
		"two lists of wishes": {func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			b.AddBytes(name)
			b.AddBytes(key.Public().SPKI())
			b.AddASN1(attributes, func(b *cryptobyte.Builder) { extension(b); extension(b) })
		}, false},
		"an attribute of none": {func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			b.AddBytes(name)
			b.AddBytes(key.Public().SPKI())
			b.AddASN1(attributes, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
		}, false},
		"no key": {func(b *cryptobyte.Builder) { b.AddASN1Int64(0); b.AddBytes(name) }, false},
	} {
		der := signedRequest(t, key, tt.info)
		if _, err := cert.ParseRequest(der); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want ok %v", label, err, tt.ok)
		}
	}
	good := signedRequest(t, key, func(b *cryptobyte.Builder) { b.AddASN1Int64(0); b.AddBytes(name); b.AddBytes(key.Public().SPKI()) })
	if r, err := cert.ParseRequest(good); err != nil || !r.Key.Equal(key.Public()) {
		t.Fatalf("%+v, %v", r, err)
	}
	// Every single bit counts.
	for i := range good {
		wrong := bytes.Clone(good)
		wrong[i] ^= 1
		if _, err := cert.ParseRequest(wrong); err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
	for label, b := range map[string][]byte{"one more": append(bytes.Clone(good), 0), "one less": good[:len(good)-1], "nothing": nil, "beyond any size": make([]byte, cert.MaxSize+1)} {
		if _, err := cert.ParseRequest(b); !errors.Is(err, cert.ErrBadRequest) {
			t.Errorf("%s: %v", label, err)
		}
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: good})
	for label, b := range map[string][]byte{
		"two": append(bytes.Clone(text), text...), "a certificate": bytes.ReplaceAll(text, []byte(" REQUEST"), nil), "no PEM": good,
	} {
		if _, err := cert.ParseRequestPEM(b); !errors.Is(err, cert.ErrBadRequest) {
			t.Errorf("PEM, %s: %v", label, err)
		}
	}
}

func compressedSPKI(k *pki.PublicKey) []byte {
	point := k.Point()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { oid.Add(b, oid.ECPublic); oid.Add(b, oid.SM2Curve) })
		b.AddASN1BitString(point[:])
	})
	return b.BytesOrPanic()
}

// TestNewRequest: OpenSSL verifies what we ask others for.
func TestNewRequest(t *testing.T) {
	t.Parallel()
	der, err := cert.NewRequest(cert.Name{Country: "CN", CommonName: "服务"}, pkitest.NewKey(t), []string{"a.example"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "csr.der")
	if err := os.WriteFile(path, der, 0o600); err != nil {
		t.Fatal(err)
	}
	text := tooltest.Run(t, "openssl", "req", "-inform", "DER", "-in", path, "-noout", "-verify", "-vfyopt", distID, "-text", "-nameopt", "utf8")
	if !strings.Contains(text, "DNS:a.example") || !strings.Contains(text, "CN=服务") {
		t.Errorf("OpenSSL reads\n%s", text)
	}
}

func FuzzParseRequest(f *testing.F) {
	key := pkitest.NewKey(f)
	der, err := cert.NewRequest(cert.Name{Country: "CN", CommonName: "x"}, key, []string{"a.example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(signedRequest(f, key, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) }))
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := cert.ParseRequest(der)
		if err != nil && !errors.Is(err, cert.ErrBadRequest) && !errors.Is(err, cert.ErrPossession) {
			t.Errorf("an error of no kind: %v", err)
		}
		if err == nil && r.Key == nil {
			t.Error("a request without a key")
		}
	})
}

// FuzzSignedRequest signs whatever it is given, so that what lies behind the signature
// is reached.
func FuzzSignedRequest(f *testing.F) {
	key := pkitest.NewKey(f)
	der, err := cert.NewRequest(cert.Name{Country: "CN", CommonName: "x"}, key, []string{"a.example"})
	if err != nil {
		f.Fatal(err)
	}
	input := cryptobyte.String(der)
	var outer, info cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&info, cbasn1.SEQUENCE) {
		f.Fatal("no request")
	}
	f.Add([]byte(info), []byte{})
	spki := key.Public().SPKI()
	at := bytes.Index(info, spki)
	f.Add([]byte(info[:at]), []byte(info[at+len(spki):]))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		der := signedRequest(t, key, func(b *cryptobyte.Builder) { b.AddBytes(before); b.AddBytes(spki); b.AddBytes(after) })
		r, err := cert.ParseRequest(der)
		if err == nil && !r.Key.Equal(key.Public()) {
			t.Error("another key than the one that signed")
		}
	})
}
