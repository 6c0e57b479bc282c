package seal

import (
	"bytes"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Stamp is what a seal signature says about a document.
type Stamp struct {
	Time     time.Time      // the signer's clock
	Document [sm3.Size]byte // plain SM3 of the protected bytes
	Property string         // what was protected, ASCII, for example "ByteRange[0 840 9032 1200]"
}

// Sign makes a seal signature: the DER of an SES_Signature. The signature value
// is verified before it is returned. The signer's certificate must be one that
// the seal lists.
func Sign(s *Seal, stamp Stamp, signer *cert.Certificate, key *pki.Key) ([]byte, error) {
	if !s.lists(signer.DER) {
		return nil, fmt.Errorf("seal %s does not list the signer's certificate: make the seal again", s.ID)
	}
	if !signer.Key.Equal(key.Public()) {
		return nil, fmt.Errorf("seal %s: the certificate does not belong to the key", s.ID)
	}
	toSign, err := s.toSign(stamp)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", s.ID, err)
	}
	sig, err := key.Sign(toSign)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", s.ID, err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(toSign)
		b.AddASN1OctetString(signer.DER)
		oid.Add(b, oid.SM2WithSM3)
		b.AddASN1BitString(sig.DER())
	})
	return b.Bytes()
}

// toSign is the DER of TBS_Sign.
func (s *Seal) toSign(stamp Stamp) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(Version)
		b.AddBytes(s.DER)
		b.AddASN1GeneralizedTime(stamp.Time.UTC())
		b.AddASN1BitString(stamp.Document[:])
		addIA5(b, stamp.Property)
	})
	return b.Bytes()
}

// SignatureSize returns an upper bound of the length in bytes of a signature
// with this seal and signer, for a place-holder.
func (s *Seal) SignatureSize(signer *cert.Certificate) int {
	return len(s.DER) + len(signer.DER) + 512
}

// Signature is a parsed seal signature. Nothing about it is verified until
// [Signature.Verify].
type Signature struct {
	Seal      *Seal
	Stamp     Stamp
	Signer    *cert.Certificate
	toSign    []byte // as received
	signature pki.Signature
}

// ParseSignature reads the DER of a version 4 SES_Signature without a time
// stamp. It verifies nothing.
func ParseSignature(der []byte) (*Signature, error) {
	bad := func(what string) (*Signature, error) {
		return nil, fmt.Errorf("seal signature: %s: %w", what, ErrMalformed)
	}
	if len(der) > MaxSize {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxSize))
	}
	input := cryptobyte.String(bytes.Clone(der))
	var outer, element, toSign, signer, signature, document, property cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Element(&element, cbasn1.SEQUENCE) ||
		!outer.ReadASN1(&signer, cbasn1.OCTET_STRING) {
		return bad("not the members of version 4")
	}
	if !oid.Expect(&outer, oid.SM2WithSM3) {
		return bad("signature algorithm is not SM2 with SM3")
	}
	if !outer.ReadASN1(&signature, cbasn1.BIT_STRING) {
		return bad("not the members of version 4")
	}
	if !outer.Empty() {
		return bad("a time stamp inside a signature is not read by this version")
	}
	s := &Signature{toSign: element}
	var err error
	if s.signature, err = readBitString(signature); err != nil {
		return nil, fmt.Errorf("seal signature: %w", err)
	}
	if s.Signer, err = cert.Parse(signer); err != nil {
		return nil, fmt.Errorf("seal signature: signer's certificate: %w: %w", ErrMalformed, err)
	}
	var version int
	if !element.ReadASN1(&toSign, cbasn1.SEQUENCE) || !toSign.ReadASN1Integer(&version) || version != Version {
		return bad("not TBS_Sign of version 4")
	}
	if s.Seal, err = readSeal(&toSign); err != nil {
		return nil, fmt.Errorf("seal signature: %w", err)
	}
	var unused uint8
	if !toSign.ReadASN1GeneralizedTime(&s.Stamp.Time) || !toSign.ReadASN1(&document, cbasn1.BIT_STRING) ||
		!document.ReadUint8(&unused) || unused != 0 || !document.CopyBytes(s.Stamp.Document[:]) || !document.Empty() ||
		!toSign.ReadASN1(&property, cbasn1.IA5String) {
		return bad("time, digest or property")
	}
	// extDatas [0] may follow; what it says is for others.
	var extensions cryptobyte.String
	if !toSign.Empty() && (!toSign.ReadASN1(&extensions, cbasn1.Tag(0).Constructed().ContextSpecific()) || !toSign.Empty()) {
		return bad("something other than extDatas follows the property")
	}
	s.Stamp.Property = string(property)
	return s, nil
}
