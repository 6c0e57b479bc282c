package cms_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
)

type signer struct {
	key   *pki.Key
	chain []*cert.Certificate
}

func newSigner(tb testing.TB) signer {
	tb.Helper()
	p := pkitest.New(tb, time.Unix(1700000000, 0))
	key := pkitest.NewKey(tb)
	return signer{key, []*cert.Certificate{pkitest.Certify(tb, p.CA, ca.ProfilePerson, "张样例", key), p.CA.Certificate()}}
}

// sign returns the signature of content, its attributes and the raw signature.
func (s signer) sign(tb testing.TB, content []byte) ([]byte, []byte, pki.Signature) {
	tb.Helper()
	attributes, err := cms.Attributes(sm3.Sum(content), s.chain[0])
	if err != nil {
		tb.Fatal(err)
	}
	sig, err := s.key.Sign(attributes)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := cms.Assemble(attributes, sig, s.chain)
	if err != nil {
		tb.Fatal(err)
	}
	return der, attributes, sig
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	der, _, _ := s.sign(t, []byte("content"))
	parsed, err := cms.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parsed.Signer.DER, s.chain[0].DER) || len(parsed.Certificates) != 2 {
		t.Error("the signer or the chain is not read back")
	}
	if err := parsed.Verify(sm3.Sum([]byte("content")), second.Opinion{}); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if err := parsed.Verify(sm3.Sum([]byte("Content")), second.Opinion{}); !errors.Is(err, cms.ErrWrongSignature) {
		t.Errorf("Verify over other content = %v, want ErrWrongSignature", err)
	}
}

// TestAttributesAreSorted: DER wants the members of a SET OF in ascending order.
func TestAttributesAreSorted(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	attributes, err := cms.Attributes(sm3.Sum(nil), s.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	rest := attributes[2:] // 31, one length byte
	if attributes[1]&0x80 != 0 {
		rest = attributes[3:]
	}
	var before []byte
	for len(rest) > 0 {
		n := 2 + int(rest[1])
		if bytes.Compare(before, rest[:n]) >= 0 {
			t.Errorf("attribute %x stands behind %x", rest[:n], before)
		}
		before, rest = rest[:n], rest[n:]
	}
}

// TestOpenSSLVerifies takes the signature apart with OpenSSL alone and has OpenSSL
// verify it over the DER of the attributes; `openssl cms -verify` itself knows no
// SM2 user ID.
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	content := []byte("content")
	der, attributes, sig := s.sign(t, content)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	message := write("s.der", der)
	printed := tooltest.Run(t, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", message)
	sum := strings.ToLower(tooltest.Run(t, "openssl", "dgst", "-sm3", "-r", write("content", content)))
	hexDigest, _, _ := strings.Cut(sum, " ")
	var digest strings.Builder // as OpenSSL prints an OCTET STRING
	for _, line := range strings.Split(printed, "\n") {
		if _, bytes, ok := strings.Cut(line, " - "); ok {
			bytes, _, _ = strings.Cut(bytes, "   ")
			digest.WriteString(strings.NewReplacer(" ", "", "-", "").Replace(bytes))
		}
	}
	if !strings.Contains(digest.String(), hexDigest) {
		t.Errorf("OpenSSL does not see the content's digest %s in\n%s", hexDigest, printed)
	}
	for _, want := range []string{"signingCertificateV2", "SM2-with-SM3", "pkcs7-signedData"} {
		if !strings.Contains(printed, want) && !strings.Contains(printed, "id-smime-aa-"+want) {
			t.Errorf("OpenSSL does not print %s:\n%s", want, printed)
		}
	}
	key := write("key.pem", []byte(tooltest.Run(t, "openssl", "x509", "-in", write("signer.pem", s.chain[0].PEM()), "-noout", "-pubkey")))
	verify := func(attributes []byte) (string, error) {
		return tooltest.Try(t, "openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", key,
			"-signature", write("sig.der", sig.DER()), write("attributes.der", attributes))
	}
	if out, err := verify(attributes); err != nil || !strings.Contains(out, "Verified OK") {
		t.Errorf("OpenSSL refuses the signature: %s %v", out, err)
	}
	attributes[len(attributes)-1] ^= 1
	if out, err := verify(attributes); err == nil {
		t.Errorf("OpenSSL accepts changed attributes: %s", out)
	}
}

func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	der, _, _ := s.sign(t, []byte("content"))
	accepted := 0
	for i := range der {
		wrong := bytes.Clone(der)
		wrong[i] ^= 0x10
		parsed, err := cms.Parse(wrong)
		if err != nil {
			continue
		}
		// The certificates are judged by a pool, not here: only changes to them
		// may get through, and then the signer's own must be unchanged.
		if parsed.Verify(sm3.Sum([]byte("content")), nil) == nil {
			accepted++
			if !bytes.Equal(parsed.Signer.DER, s.chain[0].DER) {
				t.Errorf("byte %d: accepted with another signer", i)
			}
			if bytes.Contains(wrong, s.chain[1].DER) {
				t.Errorf("byte %d: a change outside the second certificate is accepted", i)
			}
		}
	}
	t.Logf("%d of %d changed bytes are accepted here, all in the authority's certificate", accepted, len(der))
}

func TestAssembleRefusesAWrongSignature(t *testing.T) {
	t.Parallel()
	s, stranger := newSigner(t), newSigner(t)
	attributes, err := cms.Attributes(sm3.Sum(nil), s.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	sig, err := stranger.key.Sign(attributes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cms.Assemble(attributes, sig, s.chain); !errors.Is(err, pki.ErrSelfCheck) {
		t.Errorf("Assemble = %v, want ErrSelfCheck", err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	der, _, _ := s.sign(t, []byte("content"))
	for name, bad := range map[string][]byte{
		"empty":           nil,
		"trailing byte":   append(bytes.Clone(der), 0),
		"cut off":         der[:len(der)-1],
		"indefinite":      append([]byte{0x30, 0x80}, der[4:]...),
		"another content": bytes.Replace(der, []byte{0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}, []byte{0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03}, 1),
		"SHA-256":         bytes.Replace(der, []byte{0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11}, []byte{0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x12}, 1),
		"too large":       make([]byte, cms.MaxSize+1),
	} {
		if _, err := cms.Parse(bad); !errors.Is(err, cms.ErrMalformed) {
			t.Errorf("%s: Parse = %v, want ErrMalformed", name, err)
		}
	}
}

// FuzzParse: whatever is read, no content that was never signed verifies, and reading
// tolerantly takes all that is read strictly.
func FuzzParse(f *testing.F) {
	s := newSigner(f)
	content := []byte("content")
	for _, template := range forms(s, content) {
		der, err := template.Sign(sm3.Sum(contentOf(template, content)), s.key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	raw := likeOurs(content)
	raw.noAttributes, raw.raw, raw.content, raw.crls = true, true, content, [][]byte{{0x30, 0}}
	f.Add(raw.message(f, s))
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		_, strictErr := cms.Parse(der)
		_, attachedErr := cms.ParseAttached(der, oid.Data)
		signed, err := cms.ParseTolerant(der)
		if err != nil {
			if !errors.Is(err, cms.ErrMalformed) {
				t.Errorf("error %v does not wrap ErrMalformed", err)
			}
			if strictErr == nil || attachedErr == nil {
				t.Errorf("read strictly, and not tolerantly: %v", err)
			}
			return
		}
		if err := signed.Verify(sm3.Sum([]byte("other content")), nil); err == nil {
			t.Error("a signature verifies over content that was never signed")
		}
		if signed.VerifyContent(nil) == nil && !bytes.Equal(signed.Content, content) && len(signed.Content) > 0 {
			t.Errorf("a signature verifies over its own content %q", signed.Content)
		}
		if stamped, err := cms.WithUnsigned(der, cms.Attribute{Type: oid.Of(2, 999, 1), Values: [][]byte{{5, 0}}}); err == nil {
			if _, err := cms.ParseTolerant(stamped); err != nil && len(stamped) <= cms.MaxSize {
				t.Errorf("with an unsigned attribute it is not read: %v", err)
			}
		}
	})
}
