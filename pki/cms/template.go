package cms

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Template is everything of a signature but its value. What is empty is left out:
// with a chain alone it is a detached CAdES signature of id-data.
type Template struct {
	Chain            []*cert.Certificate // the signer's first; not empty
	OmitCertificates bool                // the chain is not embedded: the reader has it
	GM               bool                // GB/T 35275: its object identifiers, and 1.2.156.10197.1.301.1 for the signature
	ContentType      oid.ID              // eContentType; empty is data
	Content          []byte              // eContent; nil is detached, empty is not
	SigningTime      time.Time           // the signer's claim; UTC, whole seconds
	Attributes       []Attribute         // further signed attributes
	Unsigned         []Attribute
	fixed            *fixed // of [Template.Prepared]; nil: computed each time
}

// names are the object identifiers that the two standards write differently.
type names struct{ signedData, data, signature oid.ID }

func (t *Template) names() names {
	if t.GM {
		return names{oid.GMSignedData, oid.GMData, oid.SM2Sign}
	}
	return names{oid.SignedData, oid.Data, oid.SM2WithSM3}
}

func (t *Template) contentType() oid.ID {
	if t.ContentType != "" {
		return t.ContentType
	}
	return t.names().data
}

// version is that of SignedData: RFC 5652, 5.1 wants 3 for other content than
// data; GB/T 35275 knows only 1.
func (t *Template) version() int64 {
	if t.GM || t.contentType() == oid.Data {
		return 1
	}
	return 3
}

// SignedAttributes returns the signed attributes for a content with the given SM3
// digest: the DER of a SET OF Attribute, which is the message that SM2 signs.
func (t *Template) SignedAttributes(contentSM3 [sm3.Size]byte) ([]byte, error) {
	if t.Content != nil && sm3.Sum(t.Content) != contentSM3 {
		return nil, errors.New("the digest to be signed is not the attached content's")
	}
	fixed, err := t.fixedParts()
	if err != nil {
		return nil, err
	}
	messageDigest, err := newMember(oid.MessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(contentSM3[:]) })
	if err != nil {
		return nil, err
	}
	written := []member{fixed.contentType, messageDigest, fixed.signingCertificate}
	if !t.SigningTime.IsZero() {
		signingTime, err := newMember(oid.SigningTime, func(b *cryptobyte.Builder) { cert.AddTime(b, t.SigningTime) })
		if err != nil {
			return nil, err
		}
		written = append(written, signingTime)
	}
	size := 512
	for _, a := range t.Attributes {
		for _, v := range a.Values {
			size += len(v) + 2*headerRoom
		}
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, size))
	if err := addAttributes(b, cbasn1.SET, written, t.Attributes); err != nil {
		return nil, fmt.Errorf("signed attributes: %w", err)
	}
	return b.Bytes()
}

// fixed is what is the same in every signature of one signer over one type of content.
type fixed struct {
	contentType        member
	signingCertificate member
	signerID           []byte // IssuerAndSerialNumber
}

// Prepared returns the template for many signatures: what is the same in all of them is
// computed once. The signer and the type of the content must not be changed after.
func (t Template) Prepared() (Template, error) {
	fixed, err := t.fixedParts()
	if err != nil {
		return Template{}, err
	}
	t.fixed = fixed
	return t, nil
}

func (t *Template) fixedParts() (*fixed, error) {
	if t.fixed != nil {
		return t.fixed, nil
	}
	if len(t.Chain) == 0 {
		return nil, errNoChain
	}
	f := new(fixed)
	var err error
	if f.contentType, err = newMember(oid.ContentType, func(b *cryptobyte.Builder) { oid.Add(b, t.contentType()) }); err != nil {
		return nil, err
	}
	if f.signingCertificate, err = newMember(oid.SigningCertificateV2, t.addSigningCertificate); err != nil {
		return nil, err
	}
	serial, err := t.Chain[0].SerialDER()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(t.Chain[0].RawIssuer())
		b.AddBytes(serial)
	})
	f.signerID, err = b.Bytes()
	return f, err
}

// addSigningCertificate writes SigningCertificateV2 (RFC 5035, 3): the signer's
// certificate by its SM3, so that no other certificate can be put in its place.
func (t *Template) addSigningCertificate(b *cryptobyte.Builder) {
	certSM3 := sm3.Sum(t.Chain[0].DER)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // certs
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
				oid.AddAlgorithm(b, oid.SM3)
				b.AddASN1OctetString(certSM3[:])
			})
		})
	})
}

// Sign makes the signature of a content with the given SM3 digest: a ContentInfo
// whose signature was verified by the key's self-check.
func (t *Template) Sign(contentSM3 [sm3.Size]byte, key *pki.Key) ([]byte, error) {
	attributes, err := t.SignedAttributes(contentSM3)
	if err != nil {
		return nil, err
	}
	if !t.Chain[0].Key.Equal(key.Public()) {
		return nil, fmt.Errorf("certificate of %s does not belong to the key", t.Chain[0].Subject)
	}
	sig, err := key.Sign(attributes)
	if err != nil {
		return nil, err
	}
	return t.assemble(attributes, sig)
}

// Assemble joins signed attributes and their signature to a ContentInfo. A
// signature that the signer's certificate does not verify is [pki.ErrSelfCheck].
func (t *Template) Assemble(attributes []byte, sig pki.Signature) ([]byte, error) {
	if len(t.Chain) == 0 {
		return nil, errNoChain
	}
	if !t.Chain[0].Key.Verify(attributes, sig) {
		return nil, pki.ErrSelfCheck
	}
	return t.assemble(attributes, sig)
}

// AssembleUnchecked is [Template.Assemble] without the verification, for who verifies the
// signature with what it stands in before anything of it is released.
func (t *Template) AssembleUnchecked(attributes []byte, sig pki.Signature) ([]byte, error) {
	if len(t.Chain) == 0 {
		return nil, errNoChain
	}
	return t.assemble(attributes, sig)
}

// assemble joins what was verified.
func (t *Template) assemble(attributes []byte, sig pki.Signature) ([]byte, error) {
	signerInfo, err := t.signerInfo(attributes, sig)
	if err != nil {
		return nil, err
	}
	names := t.names()
	size := len(signerInfo) + len(t.Content) + 128
	if !t.OmitCertificates {
		for _, c := range t.Chain {
			size += len(c.DER)
		}
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, size))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ContentInfo
		oid.Add(b, names.signedData)
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SignedData
				b.AddASN1Int64(t.version())
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { oid.AddAlgorithm(b, oid.SM3) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // EncapsulatedContentInfo
					oid.Add(b, t.contentType())
					if t.Content != nil {
						b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(t.Content) })
					}
				})
				if !t.OmitCertificates {
					var chain [][]byte
					for _, c := range t.Chain {
						chain = append(chain, c.DER)
					}
					addSetOf(b, context(0), chain)
				}
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(signerInfo) })
			})
		})
	})
	return b.Bytes()
}

func (t *Template) signerInfo(attributes []byte, sig pki.Signature) ([]byte, error) {
	fixed, err := t.fixedParts()
	if err != nil {
		return nil, err
	}
	set := cryptobyte.String(attributes)
	var content cryptobyte.String
	if !set.ReadASN1(&content, cbasn1.SET) || !set.Empty() {
		return nil, fmt.Errorf("signed attributes are not a SET OF: %w", ErrMalformed)
	}
	var unsignedErr error
	b := cryptobyte.NewBuilder(make([]byte, 0, 512+len(content)))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddBytes(fixed.signerID)
		oid.AddAlgorithm(b, oid.SM3)
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddBytes(content) })
		oid.AddAlgorithm(b, t.names().signature)
		b.AddASN1OctetString(sig.DER())
		if len(t.Unsigned) > 0 {
			unsignedErr = addAttributes(b, context(1), nil, t.Unsigned)
		}
	})
	if unsignedErr != nil {
		return nil, fmt.Errorf("unsigned attributes: %w", unsignedErr)
	}
	return b.Bytes()
}

var errNoChain = errors.New("a signature needs its signer's certificate")

// context is a constructed context-specific tag.
func context(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

// Attributes returns the signed attributes of a detached CAdES signature without
// signing time: [Template.SignedAttributes] of a template with this signer and these
// further attributes alone.
func Attributes(contentSM3 [sm3.Size]byte, signer *cert.Certificate, further ...Attribute) ([]byte, error) {
	t := Template{Chain: []*cert.Certificate{signer}, Attributes: further}
	return t.SignedAttributes(contentSM3)
}

// Assemble is [Template.Assemble] of a template with this chain alone.
func Assemble(attributes []byte, sig pki.Signature, chain []*cert.Certificate) ([]byte, error) {
	t := Template{Chain: chain}
	return t.Assemble(attributes, sig)
}

// WithUnsigned returns a signature with one more unsigned attribute. Everything
// else stays as it is, byte for byte; an attribute of that type must not be there
// yet.
func WithUnsigned(der []byte, attribute Attribute) ([]byte, error) {
	m, err := readMessage(der)
	if err != nil {
		return nil, err
	}
	unsigned, err := readAttributes(m.signer.unsigned, false)
	if err != nil {
		return nil, fmt.Errorf("unsigned %w: %w", err, ErrMalformed)
	}
	var attributesErr error
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, m.contentType)
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(m.beforeSigners)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(m.signer.beforeUnsigned)
						attributesErr = addAttributes(b, context(1), nil, append(slices.Clone(unsigned), attribute))
					})
				})
			})
		})
	})
	if attributesErr != nil {
		return nil, fmt.Errorf("unsigned attributes: %w", attributesErr)
	}
	with, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	if len(with) > MaxSize {
		return nil, fmt.Errorf("the signature would have %d bytes, at most %d are read", len(with), MaxSize)
	}
	return with, nil
}

// TimeStamp returns the unsigned attribute that carries a time-stamp token over
// the signature value (RFC 3161, appendix A: signature-time-stamp). The token's
// imprint is of [Signed.SignatureValue].
func TimeStamp(token []byte) Attribute {
	return Attribute{oid.TimeStampToken, [][]byte{token}}
}
