package cms_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
)

// parser is one of the ways to read.
type parser func([]byte) (*cms.Signed, error)

func attachedData(der []byte) (*cms.Signed, error) { return cms.ParseAttached(der, oid.Data) }
func tolerant(der []byte) (*cms.Signed, error)     { return cms.ParseTolerant(der) }

// form is a right signature of some kind.
type form struct {
	name     string
	change   func(*crafted)
	strict   bool // Parse, or ParseAttached where content is attached
	tolerant bool
	want     string // of the strict refusal
}

// fieldForms are signatures of the content as we and others write them.
func fieldForms(content []byte) []form {
	return []form{
		{"as we write", func(*crafted) {}, true, true, ""},
		{"parameters NULL", func(c *crafted) { c.null = true }, true, true, ""},
		{"1.301.1", func(c *crafted) { c.algorithm = oid.SM2Sign }, true, true, ""},
		{"attached", func(c *crafted) { c.content = content }, true, true, ""},
		{"GB/T 35275", func(c *crafted) {
			c.outer, c.eContentType, c.typeAttribute, c.algorithm = oid.GMSignedData, oid.GMData, oid.GMData, oid.SM2Sign
		}, true, true, ""},
		{"signer by key", func(c *crafted) { c.byKey, c.dataVersion, c.signerVersion = true, 3, 3 }, true, true, ""},
		{"CRL", func(c *crafted) { c.crls = [][]byte{{0x30, 0}} }, true, true, ""},
		{"unsigned attribute", func(c *crafted) {
			c.unsigned = attribute(oid.TimeStampToken, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
		}, true, true, ""},
		{"unknown signed attribute", func(c *crafted) {
			c.attributes = [][]byte{attribute(oid.Of(1, 2, 3), func(b *cryptobyte.Builder) { b.AddASN1NULL() })}
		}, true, true, ""},
		{"data under both names", func(c *crafted) { c.outer, c.typeAttribute = oid.GMSignedData, oid.GMData }, false, true, "not detached data"},
		{"attribute with the other name", func(c *crafted) { c.typeAttribute = oid.GMData }, false, true, "contentType"},
		{"attributes in their own order", func(c *crafted) { c.reversed = true }, false, true, "order of DER"},
		{"content alone is signed", func(c *crafted) { c.noAttributes, c.content = true, content }, false, true, "no signed attributes"},
		{"raw signature", func(c *crafted) { c.raw = true }, false, true, "well-formed"},
		{"raw, of a digest as content", func(c *crafted) { c.raw, c.noAttributes, c.content = true, true, content }, false, true, "no signed attributes"},
		{"no signing certificate", func(c *crafted) { c.noSigningCertificate = true }, false, true, "signing-certificate-v2"},
		{"versions", func(c *crafted) { c.dataVersion, c.signerVersion = 5, 3 }, false, true, "version"},
		{"a certificate of another kind", func(c *crafted) { c.certificates = [][]byte{{0x30, 3, 2, 1, 5}} }, false, true, "embedded certificate"},
	}
}

// TestForms: what each way of reading takes, and that all verify the same.
func TestForms(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	content := []byte("content")
	digest := sm3.Sum(content)
	for _, tt := range fieldForms(content) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := likeOurs(content)
			tt.change(&c)
			message := c.message(t, s)
			strict := parser(cms.Parse)
			if c.content != nil {
				strict = attachedData
			}
			for name, way := range map[string]struct {
				parse parser
				reads bool
				want  string
			}{"strict": {strict, tt.strict, tt.want}, "tolerant": {tolerant, tt.tolerant, ""}} {
				signed, err := way.parse(message)
				if !way.reads {
					if !errors.Is(err, cms.ErrMalformed) || !strings.Contains(err.Error(), way.want) {
						t.Errorf("%s: %v, want %q", name, err, way.want)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if err := signed.Verify(digest, second.Opinion{}); err != nil {
					t.Errorf("%s: Verify = %v", name, err)
				}
				if err := signed.Verify(sm3.Sum([]byte("Content")), second.Opinion{}); !errors.Is(err, cms.ErrWrongSignature) {
					t.Errorf("%s: Verify over other content = %v, want ErrWrongSignature", name, err)
				}
			}
			// Whatever the form, a wrong signature or a wrong digest is not verified.
			for name, spoil := range map[string]func(*crafted){
				"signature": func(c *crafted) { c.badSignature = true },
				"digest":    func(c *crafted) { c.badDigest = true },
			} {
				spoilt := likeOurs(content)
				tt.change(&spoilt)
				spoil(&spoilt)
				if spoilt.noAttributes && spoilt.badDigest {
					continue // there is no digest to spoil
				}
				signed, err := cms.ParseTolerant(spoilt.message(t, s))
				if err != nil {
					t.Fatal(err)
				}
				if err := signed.Verify(digest, second.Opinion{}); !errors.Is(err, cms.ErrWrongSignature) {
					t.Errorf("wrong %s: Verify = %v, want ErrWrongSignature", name, err)
				}
			}
		})
	}
}

// TestWhatIsRead: everything that a message carries is there.
func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	crl := der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(7) })
	})
	token := der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(9) })
	})
	own := oid.Of(1, 2, 3)
	c := likeOurs(nil)
	c.content = []byte("content")
	c.crls, c.certificates = [][]byte{crl}, [][]byte{s.chain[1].DER}
	c.attributes = [][]byte{attribute(own, func(b *cryptobyte.Builder) { b.AddASN1Int64(3) })}
	c.unsigned = attribute(oid.TimeStampToken, func(b *cryptobyte.Builder) { b.AddBytes(token) })
	signed, err := attachedData(c.message(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if signed.GM || signed.ContentType != oid.Data || string(signed.Content) != "content" || len(signed.Certificates) != 2 || !signed.NamesCertificate() {
		t.Errorf("read %+v", signed)
	}
	if len(signed.CRLs) != 1 || !bytes.Equal(signed.CRLs[0], crl) {
		t.Errorf("CRLs %x, want %x", signed.CRLs, crl)
	}
	if !signed.SigningTime.Equal(time.Unix(1700000100, 0)) {
		t.Errorf("signing time %v", signed.SigningTime)
	}
	if values, found := signed.Attribute(own); !found || len(values) != 1 || !bytes.Equal(values[0], []byte{2, 1, 3}) {
		t.Errorf("attribute %x", values)
	}
	if stamps := signed.TimeStamps(); len(stamps) != 1 || !bytes.Equal(stamps[0], token) {
		t.Errorf("time stamps %x", stamps)
	}
	if err := signed.VerifyContent(nil); err != nil {
		t.Errorf("VerifyContent = %v", err)
	}
}

// TestAttributesAsContent: the attributes of a detached signature, taken as content,
// carry the same signature. Nobody may be told that this content was signed.
func TestAttributesAsContent(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	c := likeOurs([]byte("content"))
	attributes := c.signedAttributes(s)
	c.noAttributes = true
	c.content = der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	})
	if _, err := cms.ParseTolerant(c.message(t, s)); !errors.Is(err, cms.ErrMalformed) || !strings.Contains(err.Error(), "presented as content") {
		t.Errorf("ParseTolerant = %v", err)
	}
}

// TestSwappedContent: with attached content, a digest of something else verifies
// nothing, even if the signature is over that something.
func TestSwappedContent(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	c := likeOurs([]byte("signed"))
	message := c.message(t, s)
	c.content = []byte("shown ")
	attached := c.message(t, s) // honest, over "shown "
	// The attributes of the first message under the content of the second.
	first, second := likeOurs([]byte("signed")), c
	swapped := bytes.Replace(attached, second.signedAttributes(s), first.signedAttributes(s), 1)
	if bytes.Equal(swapped, attached) || bytes.Equal(swapped, message) {
		t.Fatal("nothing was swapped")
	}
	signed, err := attachedData(swapped)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"signed", "shown "} {
		if err := signed.Verify(sm3.Sum([]byte(content)), nil); !errors.Is(err, cms.ErrWrongSignature) {
			t.Errorf("Verify over %q = %v, want ErrWrongSignature", content, err)
		}
	}
}

// TestOtherCertificate: a second certificate for the same key and name does not pass
// for the one that signed.
func TestOtherCertificate(t *testing.T) {
	t.Parallel()
	s, other := newSigner(t), newSigner(t)
	c := likeOurs(nil)
	message := c.message(t, s)
	wrong := bytes.Replace(message, s.chain[0].DER, other.chain[0].DER, 1)
	if len(s.chain[0].DER) == len(other.chain[0].DER) {
		if _, err := cms.Parse(wrong); !errors.Is(err, cms.ErrMalformed) || !strings.Contains(err.Error(), "not embedded") {
			t.Errorf("Parse = %v", err)
		}
	}
	c.attributes = nil
	c.noSigningCertificate = true
	sum := sm3.Sum(other.chain[0].DER)
	c.attributes = [][]byte{attribute(oid.SigningCertificateV2, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.AddAlgorithm(b, oid.SM3)
					b.AddASN1OctetString(sum[:])
				})
			})
		})
	})}
	for _, parse := range []parser{cms.Parse, tolerant} {
		if _, err := parse(c.message(t, s)); !errors.Is(err, cms.ErrMalformed) || !strings.Contains(err.Error(), "another certificate") {
			t.Errorf("Parse = %v", err)
		}
	}
}

func TestSignerIsKnown(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	c := likeOurs(nil)
	c.content, c.noCertificates = []byte("content"), true
	message := c.message(t, s)
	signed, err := attachedData(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.VerifyContent(nil); !errors.Is(err, cms.ErrNoSigner) {
		t.Errorf("VerifyContent = %v, want ErrNoSigner", err)
	}
	if signed, err = cms.ParseAttached(message, oid.Data, s.chain...); err != nil {
		t.Fatal(err)
	}
	if err := signed.VerifyContent(nil); err != nil {
		t.Errorf("VerifyContent = %v", err)
	}
	detached := likeOurs([]byte("content"))
	detached.noCertificates = true
	if _, err := cms.Parse(detached.message(t, s)); !errors.Is(err, cms.ErrMalformed) {
		t.Errorf("Parse without the certificate = %v", err)
	}
}
