package cms_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
)

// forms are all that a Template writes.
func forms(s signer, content []byte) map[string]cms.Template {
	own := cms.Attribute{Type: oid.Of(1, 2, 3), Values: [][]byte{{5, 0}, {2, 1, 3}}}
	return map[string]cms.Template{
		"detached":            {Chain: s.chain},
		"attached":            {Chain: s.chain, Content: content},
		"attached-other-type": {Chain: s.chain, Content: content, ContentType: oid.TSTInfo},
		"attached-empty":      {Chain: s.chain, Content: []byte{}},
		"gm":                  {Chain: s.chain, GM: true},
		"gm-attached":         {Chain: s.chain, GM: true, Content: content},
		"attributes":          {Chain: s.chain, SigningTime: time.Unix(1700000100, 0), Attributes: []cms.Attribute{own}, Unsigned: []cms.Attribute{cms.TimeStamp([]byte{0x30, 0})}},
		"2050":                {Chain: s.chain, SigningTime: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
}

func contentOf(t cms.Template, content []byte) []byte {
	if t.Content != nil {
		return t.Content
	}
	return content
}

// TestFormsAreReadBack: what is written is read, strictly, and verifies.
func TestFormsAreReadBack(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	content := []byte("content")
	for name, template := range forms(s, content) {
		digest := sm3.Sum(contentOf(template, content))
		message, err := template.Sign(digest, s.key)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parse := parser(cms.Parse)
		if template.Content != nil {
			contentType := oid.Data
			if template.GM {
				contentType = oid.GMData
			}
			if template.ContentType != "" {
				contentType = template.ContentType
			}
			parse = func(der []byte) (*cms.Signed, error) { return cms.ParseAttached(der, contentType) }
		}
		signed, err := parse(message)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := signed.Verify(digest, nil); err != nil {
			t.Errorf("%s: Verify = %v", name, err)
		}
		if signed.GM != template.GM || !bytes.Equal(signed.Content, template.Content) || !signed.SigningTime.Equal(template.SigningTime) {
			t.Errorf("%s: read %+v", name, signed)
		}
		stamped, err := cms.WithUnsigned(message, cms.Attribute{Type: oid.Of(1, 2, 4), Values: [][]byte{{5, 0}}})
		if err != nil {
			t.Errorf("%s: WithUnsigned: %v", name, err)
			continue
		}
		again, err := parse(stamped)
		if err != nil {
			t.Errorf("%s: with an unsigned attribute: %v", name, err)
			continue
		}
		if err := again.Verify(digest, nil); err != nil || len(again.Unsigned) != len(template.Unsigned)+1 {
			t.Errorf("%s: with an unsigned attribute: %v, %d of them", name, err, len(again.Unsigned))
		}
		if _, err := cms.WithUnsigned(stamped, cms.Attribute{Type: oid.Of(1, 2, 4), Values: [][]byte{{5, 0}}}); err == nil {
			t.Errorf("%s: an unsigned attribute is put twice", name)
		}
	}
}

// TestBouncyCastleVerifies: BouncyCastle accepts every form that is written, and
// refuses it over other content and with a changed signature. The control is a
// message of the field's kind that it must accept too.
func TestBouncyCastleVerifies(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	content := []byte("content")
	right, wrong := write("content", content), write("wrong", []byte("Content"))
	var args, names []string
	var want []bool
	ask := func(name string, message []byte, file string, accept bool) {
		args = append(args, write(strings.ReplaceAll(name, " ", "-")+".der", message), file)
		names, want = append(names, name), append(want, accept)
	}
	for name, template := range forms(s, content) {
		if template.SigningTime.Year() == 2050 {
			continue // it looks whether the certificate was valid then, which is not our question
		}
		message, err := template.Sign(sm3.Sum(contentOf(template, content)), s.key)
		if err != nil {
			t.Fatal(err)
		}
		file := right
		if template.Content != nil {
			file = "-"
		} else {
			ask(name+" over other content", message, wrong, false)
		}
		ask(name, message, file, true)
		signed, err := cms.ParseTolerant(message)
		if err != nil {
			t.Fatal(err)
		}
		value := signed.SignatureValue()
		spoilt := bytes.Clone(value)
		spoilt[len(spoilt)-1] ^= 1
		ask(name+" with another signature", bytes.Replace(message, value, spoilt, 1), file, false)
		if len(template.Content) > 0 {
			ask(name+" with other content", bytes.Replace(message, template.Content, []byte("CONTENT"), 1), file, false)
		}
	}
	field := likeOurs(content)
	field.outer, field.eContentType, field.typeAttribute, field.algorithm, field.noSigningCertificate = oid.GMSignedData, oid.GMData, oid.GMData, oid.SM2Sign, true
	ask("as others write", field.message(t, s), right, true)
	for i, answer := range tooltest.BouncyCastle(t, "VerifyCMS", args...) {
		if accepted := answer == "accepted"; accepted != want[i] {
			t.Errorf("BouncyCastle, %s: %s, want accepted %v", names[i], answer, want[i])
		}
	}
}

// TestOpenSSLReadsForms: OpenSSL prints those of RFC 5652. It has no names for the
// content types of GB/T 35275, so of these it shows the structure only.
func TestOpenSSLReadsForms(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	content := []byte("content")
	for name, template := range forms(s, content) {
		message, err := template.Sign(sm3.Sum(contentOf(template, content)), s.key)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, message, 0o600); err != nil {
			t.Fatal(err)
		}
		structure := tooltest.Run(t, "openssl", "asn1parse", "-inform", "DER", "-in", file)
		if template.GM {
			if out, err := tooltest.Try(t, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", file); err != nil || !strings.Contains(out, "1.2.156.10197.6.1.4.2.2") {
				t.Errorf("%s: OpenSSL reads %v\n%s", name, err, out)
			}
			if !strings.Contains(structure, "1.2.156.10197.6.1.4.2.1") {
				t.Errorf("%s: no GM data in\n%s", name, structure)
			}
			continue
		}
		printed := tooltest.Run(t, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", file)
		version := "version: 1"
		if template.ContentType != "" {
			version = "version: 3"
		}
		if !strings.Contains(printed, version) || !strings.Contains(printed, "SM2-with-SM3") {
			t.Errorf("%s: OpenSSL prints\n%s", name, printed)
		}
	}
}

// TestSetsAreSorted: DER wants every SET OF in ascending order.
func TestSetsAreSorted(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	values := [][]byte{{5, 0}, {2, 1, 9}, {2, 1, 3}}
	template := cms.Template{Chain: s.chain, Attributes: []cms.Attribute{{Type: oid.Of(1, 2, 3), Values: values}}}
	attributes, err := template.SignedAttributes(sm3.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := der(func(b *cryptobyte.Builder) { b.AddBytes([]byte{0x31, 8, 2, 1, 3, 2, 1, 9, 5, 0}) })
	if !bytes.Contains(attributes, want) {
		t.Errorf("values are not sorted in %x", attributes)
	}
	first, second := s.chain[0].DER, s.chain[1].DER
	if bytes.Compare(first, second) > 0 {
		first, second = second, first
	}
	message, err := template.Sign(sm3.Sum(nil), s.key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(message, append(bytes.Clone(first), second...)) {
		t.Error("certificates are not sorted")
	}
}

func TestTemplateRefuses(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	digest := sm3.Sum([]byte("content"))
	for name, template := range map[string]cms.Template{
		"no chain":                {},
		"other content":           {Chain: s.chain, Content: []byte("Content")},
		"attribute twice":         {Chain: s.chain, Attributes: []cms.Attribute{{Type: oid.MessageDigest, Values: [][]byte{{5, 0}}}}},
		"attribute without value": {Chain: s.chain, Attributes: []cms.Attribute{{Type: oid.Of(1, 2, 3)}}},
		"unsigned twice":          {Chain: s.chain, Unsigned: []cms.Attribute{cms.TimeStamp([]byte{5, 0}), cms.TimeStamp([]byte{5, 0})}},
	} {
		if _, err := template.Sign(digest, s.key); err == nil {
			t.Errorf("%s: a signature is made", name)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	s := newSigner(b)
	template := cms.Template{Chain: s.chain}
	digest := sm3.Sum(nil)
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.key.SignUnchecked(digest[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("CMS", func(b *testing.B) {
		for b.Loop() {
			if _, err := template.Sign(digest, s.key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s := newSigner(b)
	template := cms.Template{Chain: s.chain}
	digest := sm3.Sum(nil)
	message, err := template.Sign(digest, s.key)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		signed, err := cms.Parse(message)
		if err != nil {
			b.Fatal(err)
		}
		if err := signed.Verify(digest, nil); err != nil {
			b.Fatal(err)
		}
	}
}
