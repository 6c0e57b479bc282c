package cms_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cms"
)

// inBER writes a value in DER as BER: every length that may be is indefinite, the others
// are longer than they need be, and every OCTET STRING is in pieces of three bytes.
func inBER(tb testing.TB, der []byte) []byte {
	tb.Helper()
	var out []byte
	for s := cryptobyte.String(der); !s.Empty(); {
		var content cryptobyte.String
		var tag cbasn1.Tag
		if !s.ReadAnyASN1(&content, &tag) {
			tb.Fatalf("not DER: %x", der)
		}
		switch {
		case tag&0x20 != 0:
			out = append(out, byte(tag), 0x80)
			out = append(append(out, inBER(tb, content)...), 0, 0)
		case tag == cbasn1.OCTET_STRING:
			out = append(out, byte(tag)|0x20, 0x80)
			for len(content) > 0 {
				n := min(3, len(content))
				out = append(append(out, byte(tag), byte(n)), content[:n]...)
				content = content[n:]
			}
			out = append(out, 0, 0)
		default:
			out = binary.BigEndian.AppendUint32(append(out, byte(tag), 0x84), uint32(len(content)))
			out = append(out, content...)
		}
	}
	return out
}

// TestBER: what is written in BER means what it means in DER, to those who read
// tolerantly, and is refused by those who read strictly.
func TestBER(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	content := []byte("content")
	for name, template := range forms(s, content) {
		digest := sm3.Sum(contentOf(template, content))
		der, err := template.Sign(digest, s.key)
		if err != nil {
			t.Fatal(err)
		}
		ber := inBER(t, der)
		signed, err := cms.ParseTolerant(ber)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := signed.Verify(digest, nil); err != nil || !bytes.Equal(signed.Content, template.Content) {
			t.Errorf("%s: %v, content %q", name, err, signed.Content)
		}
		if err := signed.Verify(sm3.Sum([]byte("other")), nil); !errors.Is(err, cms.ErrWrongSignature) {
			t.Errorf("%s over other content: %v", name, err)
		}
		if _, err := cms.Parse(ber); !errors.Is(err, cms.ErrMalformed) {
			t.Errorf("%s: read strictly: %v", name, err)
		}
		if _, err := cms.ParseTolerant(append(ber, 0)); !errors.Is(err, cms.ErrMalformed) {
			t.Errorf("%s and a byte: %v", name, err)
		}
		if _, err := cms.ParseTolerant(ber[:len(ber)-1]); !errors.Is(err, cms.ErrMalformed) {
			t.Errorf("%s without its end: %v", name, err)
		}
	}
}

// TestBERRefused: what cannot be taken to DER, or is not worth it.
func TestBERRefused(t *testing.T) {
	t.Parallel()
	deep := func(n int) []byte {
		return append(bytes.Repeat([]byte{0x30, 0x80}, n), bytes.Repeat([]byte{0, 0}, n)...)
	}
	for name, message := range map[string][]byte{
		"nothing inside":                      {0x30, 0x80, 0, 0},
		"no end":                              {0x30, 0x80},
		"half an end":                         {0x30, 0x80, 0},
		"an end of one byte":                  {0x30, 0x80, 0, 1, 0},
		"a value of no known length":          {0x30, 0x80, 0x04, 0x80, 0, 0, 0, 0},
		"an end in a value of known length":   {0x30, 0x80, 0x30, 2, 0, 0, 0, 0},
		"a tag of two bytes":                  {0x30, 0x80, 0x1f, 0x81, 1, 0, 0, 0},
		"pieces of something else":            {0x30, 0x80, 0x24, 0x80, 0x02, 1, 1, 0, 0, 0, 0},
		"a BIT STRING in pieces":              {0x30, 0x80, 0x23, 0x80, 0x03, 1, 0, 0, 0, 0, 0},
		"text in pieces":                      {0x30, 0x80, 0x2c, 0x80, 0x0c, 1, 'a', 0, 0, 0, 0},
		"longer than there is":                {0x30, 0x80, 0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 0, 0},
		"a length of nine bytes":              {0x30, 0x80, 0x04, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"deep":                                deep(31),
		"too deep":                            deep(1000),
		"as deep as fits, and nothing closed": bytes.Repeat([]byte{0x30, 0x80}, cms.MaxSize/2),
		"too large":                           append([]byte{0x30, 0x80}, make([]byte, cms.MaxSize)...),
	} {
		if _, err := cms.ParseTolerant(message); !errors.Is(err, cms.ErrMalformed) {
			t.Errorf("%s: ParseTolerant: %v", name, err)
		}
		if _, err := cms.ParseWestern(message); !errors.Is(err, cms.ErrMalformed) {
			t.Errorf("%s: ParseWestern: %v", name, err)
		}
	}
}

// TestWestern: OpenSSL signs with foreign algorithms; the same is read in BER. A signature
// is good over its content alone, and what is no algorithm of ours is refused.
func TestWestern(t *testing.T) {
	t.Parallel()
	rsa := []string{"-newkey", "rsa:2048"}
	curve := func(name string) []string { return []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + name} }
	pss := func(more ...string) []string {
		args := []string{"-keyopt", "rsa_padding_mode:pss"}
		for _, m := range more {
			args = append(args, "-keyopt", m)
		}
		return args
	}
	for name, tt := range map[string]struct {
		key, sign []string
		digest    string
		want      string // why it is refused; empty: it is read
	}{
		"RSA, SHA-256":                     {rsa, nil, "sha256", ""},
		"RSA, SHA-384":                     {rsa, nil, "sha384", ""},
		"RSA, SHA-512":                     {rsa, nil, "sha512", ""},
		"RSA, SHA-1":                       {rsa, nil, "sha1", "digest algorithm"},
		"RSA, SHA-224":                     {rsa, nil, "sha224", "digest algorithm"},
		"PSS, SHA-256":                     {rsa, pss("rsa_pss_saltlen:digest"), "sha256", ""},
		"PSS, SHA-512":                     {rsa, pss("rsa_pss_saltlen:digest"), "sha512", ""},
		"PSS, the longest salt":            {rsa, pss("rsa_pss_saltlen:max"), "sha256", ""},
		"PSS, a salt of 20 bytes":          {rsa, pss("rsa_pss_saltlen:20"), "sha256", ""},
		"PSS, no salt":                     {rsa, pss("rsa_pss_saltlen:0"), "sha256", "signature algorithm"},
		"PSS, another digest for the mask": {rsa, pss("rsa_mgf1_md:sha1"), "sha256", "signature algorithm"},
		"P-256":                            {curve("P-256"), nil, "sha256", ""},
		"P-384":                            {curve("P-384"), nil, "sha384", ""},
		"P-521":                            {curve("P-521"), nil, "sha512", ""},
	} {
		dir := t.TempDir()
		in := func(file string) string { return filepath.Join(dir, file) }
		write := func(file string, content []byte) {
			if err := os.WriteFile(in(file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		content := []byte("what was signed")
		write("content", content)
		tooltest.Run(t, "openssl", append([]string{"req", "-x509", "-nodes", "-subj", "/CN=Jane Doe", "-keyout", in("key"), "-out", in("cert")}, tt.key...)...)
		tooltest.Run(t, "openssl", append([]string{"cms", "-sign", "-binary", "-cades", "-md", tt.digest, "-outform", "DER",
			"-signer", in("cert"), "-inkey", in("key"), "-in", in("content"), "-out", in("cms")}, tt.sign...)...)
		message, err := os.ReadFile(in("cms"))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := cms.ParseWestern(message)
		if tt.want != "" {
			if !errors.Is(err, cms.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkWestern(t, name, message, signed, content)
		message = inBER(t, message)
		if signed, err = cms.ParseWestern(message); err != nil {
			t.Errorf("%s in BER: %v", name, err)
			continue
		}
		checkWestern(t, name+" in BER", message, signed, content)
	}
}

// TestBouncyCastleStreams: BouncyCastle writes a detached signature in BER, as PDFBox puts
// it into files. It is read, and the same with a bit changed is not accepted.
func TestBouncyCastleStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(file string) string { return filepath.Join(dir, file) }
	content := []byte("what was signed")
	if err := os.WriteFile(in("content"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "openssl", "req", "-x509", "-nodes", "-subj", "/CN=Jane Doe", "-newkey", "rsa:2048", "-keyout", in("key.pem"), "-out", in("cert"))
	tooltest.Run(t, "openssl", "pkcs8", "-topk8", "-nocrypt", "-in", in("key.pem"), "-outform", "DER", "-out", in("key"))
	tooltest.BouncyCastle(t, "SignCMS", in("key"), in("cert"), in("content"), in("cms"))
	message, err := os.ReadFile(in("cms"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(message, []byte{0x30, 0x80}) {
		t.Fatalf("BouncyCastle does not write BER: %x…", message[:8])
	}
	signed, err := cms.ParseWestern(message)
	if err != nil {
		t.Fatal(err)
	}
	checkWestern(t, "BouncyCastle", message, signed, content)
}

// checkWestern wants a signature over its content alone, and with no bit changed.
func checkWestern(t *testing.T, name string, message []byte, signed *cms.Western, content []byte) {
	t.Helper()
	digest := func(content []byte) []byte {
		h := signed.Hash.New()
		h.Write(content)
		return h.Sum(nil)
	}
	if err := signed.Verify(digest(content)); err != nil || signed.Signer.Subject.CommonName != "Jane Doe" {
		t.Errorf("%s: %v", name, err)
	}
	if err := signed.Verify(digest([]byte("other"))); !errors.Is(err, cms.ErrWrongSignature) {
		t.Errorf("%s over other content: %v", name, err)
	}
	// The last bytes are of the signature, before what ends a message in BER.
	spoilt := bytes.Clone(message)
	last := len(bytes.TrimRight(spoilt, "\x00")) - 1
	spoilt[last] ^= 1
	again, err := cms.ParseWestern(spoilt)
	if err == nil {
		err = again.Verify(digest(content))
	}
	if err == nil {
		t.Errorf("%s: accepted with a changed signature", name)
	}
}

// FuzzWestern: no bytes are more than they were signed for, whatever form they have.
func FuzzWestern(f *testing.F) {
	s := newSigner(f)
	template := cms.Template{Chain: s.chain}
	der, err := template.Sign(sm3.Sum([]byte("content")), s.key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(inBER(f, der))
	f.Add([]byte{0x30, 0x80, 0x24, 0x80, 0x04, 1, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, parse := range []func([]byte) error{
			func(b []byte) error { _, err := cms.ParseTolerant(b); return err },
			func(b []byte) error {
				signed, err := cms.ParseWestern(b)
				if err == nil && signed.Verify(make([]byte, signed.Hash.Size())) == nil {
					t.Error("a signature verifies over content that was never signed")
				}
				return err
			},
		} {
			if err := parse(message); err != nil && !errors.Is(err, cms.ErrMalformed) {
				t.Errorf("error %v does not wrap ErrMalformed", err)
			}
		}
	})
}
