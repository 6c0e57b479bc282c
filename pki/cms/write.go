package cms

import (
	"encoding/asn1"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

var (
	oidSignedData           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidData                 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidContentType          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSM3                  = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 401}
	oidSM2WithSM3           = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 501}
	oidSM2Sign              = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301, 1}
)

// Attributes returns the signed attributes for a content with the given SM3
// digest and the signer's certificate: DER of a SET OF Attribute, which is the
// message that SM2 signs.
func Attributes(contentSM3 [sm3.Size]byte, signer *cert.Certificate) ([]byte, error) {
	certSM3 := sm3.Sum(signer.DER)
	// In DER a SET OF is sorted by the encodings. These three sort by length
	// octet and then object identifier as they stand here; a test checks it.
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
		addAttribute(b, oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
		addAttribute(b, oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(contentSM3[:]) })
		addAttribute(b, oidSigningCertificateV2, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // certs
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
						addAlgorithm(b, oidSM3)
						b.AddASN1OctetString(certSM3[:])
					})
				})
			})
		})
	})
	return b.Bytes()
}

func addAttribute(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.SET, value)
	})
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
}

// Assemble joins attributes, their signature and the signer's chain (the
// signer's certificate first) to a ContentInfo, and verifies it before it is
// returned.
func Assemble(attributes []byte, sig pki.Signature, chain []*cert.Certificate) ([]byte, error) {
	if len(chain) == 0 {
		return nil, fmt.Errorf("a signature needs its signer's certificate")
	}
	signer := chain[0]
	serial, err := signer.SerialDER()
	if err != nil {
		return nil, err
	}
	if !signer.Key.Verify(attributes, sig) {
		return nil, pki.ErrSelfCheck
	}
	set := cryptobyte.String(attributes)
	var content cryptobyte.String
	if !set.ReadASN1(&content, cbasn1.SET) || !set.Empty() {
		return nil, fmt.Errorf("signed attributes are not a SET OF: %w", ErrMalformed)
	}
	context0 := cbasn1.Tag(0).Constructed().ContextSpecific()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ContentInfo
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SignedData
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, oidSM3) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddASN1(context0, func(b *cryptobyte.Builder) {
					for _, c := range chain {
						b.AddBytes(c.DER)
					}
				})
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SignerInfo
						b.AddASN1Int64(1)
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddBytes(signer.RawIssuer())
							b.AddBytes(serial)
						})
						addAlgorithm(b, oidSM3)
						b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddBytes(content) })
						addAlgorithm(b, oidSM2WithSM3)
						b.AddASN1OctetString(sig.DER())
					})
				})
			})
		})
	})
	return b.Bytes()
}
