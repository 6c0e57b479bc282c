package cms_test

import (
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// crafted is a message as others write it: it is signed for real, and what the
// package would never write can be written.
type crafted struct {
	outer, eContentType, typeAttribute, digest, algorithm oid.ID
	dataVersion, signerVersion                            int64
	content                                               []byte // eContent; nil: detached, over contentDigest
	contentDigest                                         [32]byte
	noAttributes, raw, null, byKey, noCertificates        bool
	reversed                                              bool     // attributes in the order opposite to DER
	noSigningCertificate                                  bool     // as GB/T 35275
	attributes                                            [][]byte // more, in DER
	certificates                                          [][]byte // more, in DER
	crls                                                  [][]byte
	unsigned                                              []byte // content of unsignedAttrs; nil: none
	signers                                               int
	badDigest, badSignature                               bool
	version                                               []byte // DER in the place of SignedData's
	signature                                             []byte // in the place of the right one
	signingTime                                           func(*cryptobyte.Builder)
}

// likeOurs returns what the package writes for a detached content.
func likeOurs(content []byte) crafted {
	return crafted{
		outer: oid.SignedData, eContentType: oid.Data, typeAttribute: oid.Data, digest: oid.SM3, algorithm: oid.SM2WithSM3,
		dataVersion: 1, signerVersion: 1, signers: 1, contentDigest: sm3.Sum(content),
	}
}

func tag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

func der(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func attribute(id oid.ID, value func(b *cryptobyte.Builder)) []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid.Add(b, id)
			b.AddASN1(cbasn1.SET, value)
		})
	})
}

func (c *crafted) addAlgorithm(b *cryptobyte.Builder, id oid.ID) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, id)
		if c.null {
			b.AddASN1NULL()
		}
	})
}

// signedAttributes returns the content of the SET.
func (c *crafted) signedAttributes(s signer) []byte {
	digest := c.contentDigest
	if c.content != nil {
		digest = sm3.Sum(c.content)
	}
	if c.badDigest {
		digest[0] ^= 1
	}
	signingTime := func(b *cryptobyte.Builder) { b.AddASN1UTCTime(time.Unix(1700000100, 0).UTC()) }
	if c.signingTime != nil {
		signingTime = c.signingTime
	}
	all := [][]byte{
		attribute(oid.ContentType, func(b *cryptobyte.Builder) { oid.Add(b, c.typeAttribute) }),
		attribute(oid.SigningTime, signingTime),
		attribute(oid.MessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest[:]) }),
	}
	if !c.noSigningCertificate {
		sum := sm3.Sum(s.chain[0].DER)
		all = append(all, attribute(oid.SigningCertificateV2, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						oid.AddAlgorithm(b, oid.SM3)
						b.AddASN1OctetString(sum[:])
					})
				})
			})
		}))
	}
	all = append(all, c.attributes...)
	slices.SortFunc(all, func(a, b []byte) int { return slices.Compare(a, b) })
	if c.reversed {
		slices.Reverse(all)
	}
	return slices.Concat(all...)
}

// message returns the DER of the ContentInfo.
func (c *crafted) message(tb testing.TB, s signer) []byte {
	tb.Helper()
	attributes := c.signedAttributes(s)
	toSign := der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	})
	if c.noAttributes {
		toSign = c.content
	}
	sig, err := s.key.Sign(toSign)
	if err != nil {
		tb.Fatal(err)
	}
	if c.badSignature {
		sig[40] ^= 1
	}
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			oid.Add(b, c.outer)
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { c.addSignedData(b, s, attributes, sig) })
			})
		})
	})
}

func (c *crafted) addSignedData(b *cryptobyte.Builder, s signer, attributes []byte, sig pki.Signature) {
	if c.version != nil {
		b.AddBytes(c.version)
	} else {
		b.AddASN1Int64(c.dataVersion)
	}
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { c.addAlgorithm(b, c.digest) })
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, c.eContentType)
		if c.content != nil {
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(c.content) })
		}
	})
	if !c.noCertificates {
		b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
			b.AddBytes(s.chain[0].DER)
			b.AddBytes(slices.Concat(c.certificates...))
		})
	}
	if c.crls != nil {
		b.AddASN1(tag(1), func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(c.crls...)) })
	}
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
		for range c.signers {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { c.addSignerInfo(b, s, attributes, sig) })
		}
	})
}

func (c *crafted) addSignerInfo(b *cryptobyte.Builder, s signer, attributes []byte, sig pki.Signature) {
	b.AddASN1Int64(c.signerVersion)
	if c.byKey {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(s.chain[0].SubjectKeyID()) })
	} else {
		serial, err := s.chain[0].SerialDER()
		if err != nil {
			panic(err)
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(s.chain[0].RawIssuer())
			b.AddBytes(serial)
		})
	}
	c.addAlgorithm(b, c.digest)
	if !c.noAttributes {
		b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	}
	c.addAlgorithm(b, c.algorithm)
	switch {
	case c.signature != nil:
		b.AddASN1OctetString(c.signature)
	case c.raw:
		b.AddASN1OctetString(sig[:])
	default:
		b.AddASN1OctetString(sig.DER())
	}
	if c.unsigned != nil {
		b.AddASN1(tag(1), func(b *cryptobyte.Builder) { b.AddBytes(c.unsigned) })
	}
}
