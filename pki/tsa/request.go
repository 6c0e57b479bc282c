package tsa

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// MaxRequest bounds a request that is read, in bytes. Real ones have about 80.
const MaxRequest = 4 << 10

// Request asks for a time stamp (TimeStampReq of RFC 3161, 2.4.1). It has no
// extensions: none is known here.
type Request struct {
	Imprint      Imprint
	Policy       oid.ID // empty: the authority's own
	Nonce        []byte // content octets of its INTEGER; nil: none
	Certificates bool   // certReq: the signer's certificate is wanted in the token
	imprint      []byte // MessageImprint as received: it goes into the token unchanged
}

// ParseRequest reads a request in DER. The error is a [*Refusal] that says what the
// authority answers.
func ParseRequest(der []byte) (*Request, error) {
	if len(der) > MaxRequest {
		return nil, refuse(BadDataFormat, fmt.Sprintf("request of %d bytes, at most %d are read", len(der), MaxRequest))
	}
	input := cryptobyte.String(der)
	var sequence cryptobyte.String
	var version int
	if !input.ReadASN1(&sequence, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, refuse(BadDataFormat, "not one SEQUENCE in DER")
	}
	if !sequence.ReadASN1Integer(&version) {
		return nil, refuse(BadDataFormat, "request has no version")
	}
	if version != 1 {
		return nil, refuse(BadRequest, fmt.Sprintf("version %d, only 1 is known", version))
	}
	r := new(Request)
	before := sequence
	var err error
	if r.Imprint, err = readImprint(&sequence); err != nil {
		return nil, err
	}
	r.imprint = bytes.Clone(before[:len(before)-len(sequence)])
	if sequence.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) {
		var ok bool
		if r.Policy, ok = oid.Read(&sequence); !ok {
			return nil, refuse(BadDataFormat, "policy is not an object identifier")
		}
	}
	if sequence.PeekASN1Tag(cbasn1.INTEGER) {
		var ok bool
		if r.Nonce, ok = readInteger(&sequence); !ok {
			return nil, refuse(BadDataFormat, "nonce is not an integer of at most 160 bits in DER")
		}
	}
	if sequence.PeekASN1Tag(cbasn1.BOOLEAN) {
		// FALSE is the default, which DER leaves out.
		if !sequence.ReadASN1Boolean(&r.Certificates) || !r.Certificates {
			return nil, refuse(BadDataFormat, "certReq is not TRUE in DER")
		}
	}
	if sequence.PeekASN1Tag(contextTag(0)) {
		// RFC 3161, 2.4.1: one that is not known, critical or not, gets no token.
		return nil, refuse(UnacceptedExtension, "no extension is known")
	}
	if !sequence.Empty() {
		return nil, refuse(BadDataFormat, "something follows the request")
	}
	return r, nil
}

// Marshal returns the request in DER.
func (r *Request) Marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		r.addImprint(b)
		if r.Policy != "" {
			oid.Add(b, r.Policy)
		}
		if r.Nonce != nil {
			addInteger(b, r.Nonce)
		}
		if r.Certificates {
			b.AddASN1Boolean(true)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("writing a time-stamp request: %w", err)
	}
	return der, nil
}

func (r *Request) addImprint(b *cryptobyte.Builder) {
	if r.imprint != nil {
		b.AddBytes(r.imprint)
		return
	}
	r.Imprint.marshal(b)
}

// contextTag is a constructed context-specific tag.
func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }
