package seal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Stamp is what a seal signature says about a document.
type Stamp struct {
	Time     time.Time      // the signer's clock
	Document [sm3.Size]byte // plain SM3 of the protected bytes
	Property string         // what was protected, ASCII, for example "ByteRange[0 840 9032 1200]"
	// Extensions is what else is signed (extDatas of TBS_Sign), each under another name.
	Extensions []Extension
}

// Sign makes a seal signature: the DER of an SES_Signature. The signature value
// is verified before it is returned. The signer's certificate must be one that
// the seal lists.
func Sign(s *Seal, stamp Stamp, signer *cert.Certificate, key *pki.Key) ([]byte, error) {
	toSign, err := s.Message(stamp, signer, key)
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(toSign)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", s.ID, err)
	}
	return s.Assemble(toSign, sig, signer)
}

// Message is what [Sign] signs, for who signs many together ([pki.Key.SignAll]) or reads the
// whole document back and verifies it before anything of it is released: the DER of TBS_Sign.
func (s *Seal) Message(stamp Stamp, signer *cert.Certificate, key *pki.Key) ([]byte, error) {
	if err := s.checkSigner(signer, key); err != nil {
		return nil, err
	}
	toSign, err := s.toSign(stamp)
	if err != nil {
		return nil, fmt.Errorf("stamping with seal %s: %w", s.ID, err)
	}
	key.Public().ExpectBeginning(s.beginning(toSign))
	return toSign, nil
}

// Assemble joins what [Seal.Message] returned and its signature, which it does not verify, to
// an SES_Signature.
func (s *Seal) Assemble(message []byte, sig pki.Signature, signer *cert.Certificate) ([]byte, error) {
	const around = 128 // more than the headers, the algorithm and the signature take
	b := cryptobyte.NewBuilder(make([]byte, 0, len(message)+len(signer.DER)+around))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(message)
		b.AddASN1OctetString(signer.DER)
		oid.Add(b, oid.SM2WithSM3)
		b.AddASN1BitString(sig.DER())
	})
	return b.Bytes()
}

// checkSigner wants a certificate that the seal lists, and its key.
func (s *Seal) checkSigner(signer *cert.Certificate, key *pki.Key) error {
	if !s.lists(signer.DER) {
		return fmt.Errorf("seal %s does not list the signer's certificate: make the seal again", s.ID)
	}
	if !signer.Key.Equal(key.Public()) {
		return fmt.Errorf("seal %s: the certificate does not belong to the key", s.ID)
	}
	return nil
}

// toSign is the DER of TBS_Sign.
func (s *Seal) toSign(stamp Stamp) ([]byte, error) {
	size := len(s.DER) + len(stamp.Property) + headRoom + stampRoom
	for _, e := range stamp.Extensions {
		size += len(e.Value) + headRoom
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, size)) // else it doubles its way to the end
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(Version)
		b.AddBytes(s.DER)
		b.AddASN1GeneralizedTime(stamp.Time.UTC())
		b.AddASN1BitString(stamp.Document[:])
		addIA5(b, stamp.Property)
		addExtensions(b, stamp.Extensions)
	})
	return b.Bytes()
}

// addExtensions writes extDatas [0] of TBS_Sign where there are any.
func addExtensions(b *cryptobyte.Builder, list []Extension) {
	if len(list) == 0 {
		return
	}
	b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, e := range list {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.Add(b, e.ID)
					if e.Critical { // DEFAULT FALSE is left out
						b.AddASN1Boolean(true)
					}
					b.AddASN1OctetString(e.Value)
				})
			}
		})
	})
}

// beginning is the part of the DER of TBS_Sign that is the same in most signatures with
// the seal: all up to the end of the seal, which follows the outer header and the version.
func (s *Seal) beginning(toSign []byte) []byte {
	if at := bytes.Index(toSign[:min(len(toSign), headRoom+len(s.DER))], s.DER); at >= 0 {
		return toSign[:at+len(s.DER)]
	}
	return nil
}

// headRoom is more than comes before the seal: two headers and a version.
const headRoom = 32

// stampRoom is more than time and digest take.
const stampRoom = 64

// SignatureSize returns an upper bound of the length in bytes of a signature
// with this seal and signer, for a place-holder: without extensions, and with a byte range
// of numbers of up to ten digits for a property. Each byte of it is two of the file.
func (s *Seal) SignatureSize(signer *cert.Certificate) int {
	const (
		headers   = 3 * 5       // of what is long: the whole, toSign, the certificate
		stamp     = 3 + 17 + 35 // version, time, digest
		property  = 2 + len("ByteRange[0 0000000000 0000000000 0000000000]")
		signature = 10 + 3 + 72 // algorithm, BIT STRING, two numbers
	)
	return len(s.DER) + len(signer.DER) + headers + stamp + property + signature
}

// Signature is a parsed seal signature. Nothing about it is verified until
// [Signature.Verify].
type Signature struct {
	Profile   Profile
	Seal      *Seal
	Stamp     Stamp
	Signer    *cert.Certificate // nil: Foreign
	TimeStamp []byte            // a token or a response of RFC 3161 in DER over the signature's bytes; nil: none

	// What only tolerant reading finds.
	Foreign *cert.Foreign // the signer's certificate where [cert.Parse] refuses it

	toSign    []byte // as received
	value     []byte // the signature as received
	signature pki.Signature
}

// signerDER and signerKey are of the certificate that came with the signature.
func (s *Signature) signerDER() []byte {
	if s.Signer != nil {
		return s.Signer.DER
	}
	return s.Foreign.DER
}

func (s *Signature) signerKey() *pki.PublicKey {
	if s.Signer != nil {
		return s.Signer.Key
	}
	return s.Foreign.Key
}

// Value returns the signature's bytes: what a time stamp is over.
func (s *Signature) Value() []byte { return bytes.Clone(s.value) }

// WithTimeStamp returns a signature of version 4 with a token of RFC 3161 over
// [Signature.Value]. Everything else stays as it is, byte for byte.
func WithTimeStamp(der, token []byte) ([]byte, error) {
	s, err := ParseSignature(der)
	if err != nil {
		return nil, err
	}
	if s.TimeStamp != nil {
		return nil, errors.New("the seal signature has a time stamp already")
	}
	input := cryptobyte.String(der)
	var content cryptobyte.String
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) {
		return nil, fmt.Errorf("seal signature: %w", ErrMalformed)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(content)
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1BitString(token) })
	})
	return b.Bytes()
}

// ParseSignature reads the DER of a version 4 SES_Signature as it is written here, with
// a time stamp or without. It verifies nothing.
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
	s := &Signature{Profile: ProfileSES, toSign: element, value: signature[min(1, len(signature)):]}
	var err error
	if !outer.Empty() {
		r := &tolerant{what: "seal signature"}
		if s.TimeStamp = r.timeStamp(&outer); r.err != nil || s.TimeStamp == nil || !outer.Empty() {
			return bad("something other than a time stamp follows")
		}
	}
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
	s.Stamp.Property = string(property)
	if err := cleantext.Check(s.Stamp.Property); err != nil {
		return nil, fmt.Errorf("seal signature: property: %w: %w", ErrMalformed, err)
	}
	if s.Stamp.Extensions, err = readExtensions(toSign); err != nil {
		return bad(err.Error())
	}
	return s, nil
}

// readExtensions reads what [addExtensions] writes, and nothing else.
func readExtensions(rest cryptobyte.String) ([]Extension, error) {
	r := &tolerant{what: "extDatas"}
	input := rest
	list := r.extensions(&input)
	if r.err != nil {
		return nil, r.err
	}
	for i, e := range list {
		if slices.ContainsFunc(list[:i], func(other Extension) bool { return other.ID == e.ID }) {
			return nil, fmt.Errorf("the extension %s stands twice", e.ID)
		}
	}
	var b cryptobyte.Builder
	addExtensions(&b, list)
	if again, err := b.Bytes(); err != nil || !bytes.Equal(again, rest) {
		return nil, errors.New("something other than extDatas in DER follows the property")
	}
	return list, nil
}

// Extension returns what a signature says under a name that stands once in it, nil where
// it says nothing.
func (s *Signature) Extension(id oid.ID) ([]byte, error) {
	var found []byte
	for _, e := range s.Stamp.Extensions {
		if e.ID != id {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("the extension %s stands twice: %w", id, ErrMalformed)
		}
		found = e.Value
		if found == nil {
			found = []byte{}
		}
	}
	return found, nil
}
