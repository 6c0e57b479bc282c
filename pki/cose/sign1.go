// Package cose is the one form of COSE_Sign1 (RFC 9052, 4.2) that this project
// writes and reads:
//
//	84                      array of 4, untagged
//	   51 A2 01 3A00010000  protected: bstr of {1: -65537, 4: kid}
//	         04 48 kid
//	   A0                   unprotected: empty
//	   4x/58/59 payload     bstr, shortest length
//	   5840 r ‖ s           bstr of 64 bytes
//
// Every signature binds the kind of object it is for as external_aad
// ([pki.Object]). The algorithm is a property of the key, never a choice of the
// message: the header must merely agree. There is no other header, no tag, no
// detached payload and no second encoding, so there is nothing to be confused
// about. General COSE is left to github.com/veraison/go-cose, which the trust
// files' COSE_Sign uses and which the tests cross with this package.
package cose

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/elicence/elicence/pki"
)

// ErrMalformed says that bytes are not in the one accepted form.
var ErrMalformed = errors.New("malformed COSE_Sign1")

// MaxSize bounds the bytes that [Parse] looks at: 16 MiB. Callers with a
// tighter bound check it first.
const MaxSize = 16 << 20

const (
	protectedSize = 17
	arrayOf4      = 0x84
	bstr          = 0x40
)

// protectedPrefix is {1: -65537, 4: h'…'} up to the eight bytes of the kid.
var protectedPrefix = []byte{0xa2, 0x01, 0x3a, 0x00, 0x01, 0x00, 0x00, 0x04, 0x48}

// Sign1 is a parsed, not yet verified message. Its slices share the memory that
// was parsed.
type Sign1 struct {
	KID       pki.KID
	Payload   []byte
	Signature pki.Signature
	protected []byte
}

// Sign encodes and signs payload as an object of the given kind. The signature
// is verified before it is returned.
func Sign(object pki.Object, key *pki.Key, payload []byte) ([]byte, error) {
	return build(object, key.Public().KID(), payload, key.Sign)
}

// SignUnchecked is [Sign] without the verification; see
// [pki.Key.SignUnchecked].
func SignUnchecked(object pki.Object, key *pki.Key, payload []byte) ([]byte, error) {
	return build(object, key.Public().KID(), payload, key.SignUnchecked)
}

// blockSize is how much memory signed forms share, in bytes: thousands of small pieces cost
// more than what is written to them.
const blockSize = 64 << 10

// SignAll is [Sign] for n payloads, which appendPayload writes one after the other, each
// once; see [pki.Key.SignAll].
func SignAll(object pki.Object, key *pki.Key, n int, appendPayload func(dst []byte, i int) []byte) ([][]byte, error) {
	protected := protectedOf(key.Public().KID())
	signed := make([][]byte, n)
	var payload, message, block []byte
	sigs, err := key.SignAll(func(yield func([]byte) bool) {
		for i := range signed {
			payload = appendPayload(payload[:0], i)
			message = appendSigStructure(message[:0], object, protected, payload)
			if size := len(payload) + maxAround; cap(block)-len(block) < size {
				block = make([]byte, 0, max(blockSize, size))
			}
			begin := len(block)
			block = appendSigned(block, protected, payload, pki.Signature{}) // it follows
			signed[i] = block[begin:len(block):len(block)]
			if !yield(message) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for i, form := range signed {
		copy(form[len(form)-pki.SignatureSize:], sigs[i][:])
	}
	return signed, nil
}

func build(object pki.Object, kid pki.KID, payload []byte, sign func([]byte) (pki.Signature, error)) ([]byte, error) {
	protected := protectedOf(kid)
	sig, err := sign(sigStructure(object, protected, payload))
	if err != nil {
		return nil, err
	}
	return assemble(protected, payload, sig), nil
}

func protectedOf(kid pki.KID) []byte {
	return append(append(make([]byte, 0, protectedSize), protectedPrefix...), kid[:]...)
}

// maxAround is how many bytes a signed form has around its payload at most. What is signed
// has no more beside the name of its kind.
const maxAround = 1 + 1 + protectedSize + 1 + 5 + 2 + pki.SignatureSize

func assemble(protected, payload []byte, sig pki.Signature) []byte {
	return appendSigned(make([]byte, 0, len(payload)+maxAround), protected, payload, sig)
}

func appendSigned(out, protected, payload []byte, sig pki.Signature) []byte {
	out = append(out, arrayOf4)
	out = appendBytes(out, protected)
	out = append(out, 0xa0)
	out = appendBytes(out, payload)
	return appendBytes(out, sig[:])
}

// Parse decodes the one accepted form; anything else wraps [ErrMalformed]. It
// verifies nothing and does not look into the payload.
func Parse(b []byte) (*Sign1, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%d bytes are over the limit of %d: %w", len(b), MaxSize, ErrMalformed)
	}
	if len(b) < 1 || b[0] != arrayOf4 {
		return nil, fmt.Errorf("not an array of four items: %w", ErrMalformed)
	}
	protected, rest, ok := readBytes(b[1:])
	if !ok || len(protected) != protectedSize || !bytes.HasPrefix(protected, protectedPrefix) {
		return nil, fmt.Errorf("protected header is not {1: -65537, 4: kid}: %w", ErrMalformed)
	}
	if len(rest) < 1 || rest[0] != 0xa0 {
		return nil, fmt.Errorf("unprotected header is not empty: %w", ErrMalformed)
	}
	payload, rest, ok := readBytes(rest[1:])
	if !ok {
		return nil, fmt.Errorf("payload is not a byte string: %w", ErrMalformed)
	}
	signature, rest, ok := readBytes(rest)
	if !ok || len(signature) != pki.SignatureSize {
		return nil, fmt.Errorf("signature is not 64 bytes: %w", ErrMalformed)
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("%d trailing bytes: %w", len(rest), ErrMalformed)
	}
	return &Sign1{
		KID:       pki.KID(protected[len(protectedPrefix):]),
		Payload:   payload,
		Signature: pki.Signature(signature),
		protected: protected,
	}, nil
}

// ParseBounded is [Parse] for a kind of object with a bound of its own, in bytes, and an
// error of its own, which wraps whatever is refused.
func ParseBounded(b []byte, most int, malformed error) (*Sign1, error) {
	if len(b) > most {
		return nil, fmt.Errorf("%d bytes, at most %d are read: %w", len(b), most, malformed)
	}
	m, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", malformed, err)
	}
	return m, nil
}

// ToBeSigned returns the Sig_structure whose SM2 signature the message carries
// if it is an object of the given kind (RFC 9052, 4.4).
func (m *Sign1) ToBeSigned(object pki.Object) []byte {
	return sigStructure(object, m.protected, m.Payload)
}

// Verify reports whether the message is signed by key as an object of the given
// kind.
func (m *Sign1) Verify(object pki.Object, key *pki.PublicKey) bool {
	return key.Verify(m.ToBeSigned(object), m.Signature)
}

// sigStructure is ["Signature1", protected, external_aad, payload].
func sigStructure(object pki.Object, protected, payload []byte) []byte {
	return appendSigStructure(make([]byte, 0, len(payload)+maxAround+len(object)), object, protected, payload)
}

func appendSigStructure(out []byte, object pki.Object, protected, payload []byte) []byte {
	const context = "Signature1"
	out = append(out, arrayOf4, 0x60|byte(len(context)))
	out = append(out, context...)
	out = appendBytes(out, protected)
	out = appendBytes(out, []byte(object))
	return appendBytes(out, payload)
}

// appendBytes appends a byte string with the shortest length.
func appendBytes(dst, b []byte) []byte {
	switch n := len(b); {
	case n < 24:
		dst = append(dst, bstr|byte(n))
	case n < 1<<8:
		dst = append(dst, bstr|24, byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, bstr|25), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, bstr|26), uint32(n))
	}
	return append(dst, b...)
}

// readBytes takes one byte string with the shortest length off the front and
// returns its content and what follows it.
func readBytes(b []byte) ([]byte, []byte, bool) {
	if len(b) == 0 || b[0]>>5 != 2 {
		return nil, nil, false
	}
	info, b := int(b[0]&0x1f), b[1:]
	n, shortest := info, 0
	switch {
	case info < 24:
	case info == 24 && len(b) >= 1:
		n, b, shortest = int(b[0]), b[1:], 24
	case info == 25 && len(b) >= 2:
		n, b, shortest = int(binary.BigEndian.Uint16(b)), b[2:], 1<<8
	case info == 26 && len(b) >= 4:
		n, b, shortest = int(binary.BigEndian.Uint32(b)), b[4:], 1<<16
	default:
		return nil, nil, false
	}
	if n < shortest || n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
