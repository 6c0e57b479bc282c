package ocsp

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Limits of what is read.
const (
	MaxRequest    = 8 << 10 // bytes of a request
	MaxIDs        = 32      // certificates in one request
	MaxNonce      = 128     // octets (RFC 9654, 2.1)
	maxExtensions = 16
)

// ErrMalformed: not a request or a response in the form that is read here.
var ErrMalformed = errors.New("malformed OCSP message")

// Request asks about certificates.
type Request struct {
	IDs   []CertID
	Nonce []byte // 1 to 128 octets, or nil
}

// explicit is an EXPLICIT tag, or an IMPLICIT one of a constructed type.
func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

// ParseRequest reads an OCSPRequest strictly (RFC 6960, 4.1.1). The requestor's name
// and signature are skipped: who asks makes no difference here. The error wraps
// [ErrMalformed]. The caller must not change the bytes.
func ParseRequest(der []byte) (*Request, error) {
	bad := func(what string) (*Request, error) { return nil, fmt.Errorf("%s: %w", what, ErrMalformed) }
	if len(der) > MaxRequest {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxRequest))
	}
	input := cryptobyte.String(der)
	var whole, tbs, name, list, signature, content cryptobyte.String
	var named, signed bool
	if !input.ReadASN1(&whole, cbasn1.SEQUENCE) || !input.Empty() || !whole.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return bad("not an OCSPRequest in DER")
	}
	if !whole.ReadOptionalASN1(&signature, &signed, explicit(0)) || !whole.Empty() ||
		signed && (!signature.ReadASN1(&content, cbasn1.SEQUENCE) || !signature.Empty()) {
		return bad("something follows that is not a signature")
	}
	if !tbs.ReadOptionalASN1(&name, &named, explicit(1)) || !tbs.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return bad("no list of requests")
	}
	r := new(Request)
	for !list.Empty() {
		if len(r.IDs) == MaxIDs {
			return bad(fmt.Sprintf("more than %d certificates", MaxIDs))
		}
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) {
			return bad("a request is not a SEQUENCE")
		}
		id, ok := readCertID(&one)
		if !ok {
			return bad(fmt.Sprintf("request %d has no CertID", len(r.IDs)))
		}
		if _, err := readExtensions(&one, 0); err != nil {
			return nil, err
		}
		r.IDs = append(r.IDs, id)
	}
	nonce, err := readExtensions(&tbs, 2)
	if err != nil {
		return nil, err
	}
	r.Nonce = nonce
	return r, nil
}

// readExtensions reads the optional extensions at the end of something under an
// explicit tag. It returns the nonce and refuses what is critical and unknown.
func readExtensions(s *cryptobyte.String, tag uint8) ([]byte, error) {
	var outer, list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&outer, &present, explicit(tag)) || !s.Empty() {
		return nil, fmt.Errorf("something follows that is not extensions: %w", ErrMalformed)
	}
	if !present {
		return nil, nil
	}
	if !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() || list.Empty() {
		return nil, fmt.Errorf("extensions are not a list: %w", ErrMalformed)
	}
	var seen []oid.ID
	var nonce cryptobyte.String
	for !list.Empty() {
		e, ok := cert.ReadExtension(&list)
		if !ok || len(seen) == maxExtensions || slices.Contains(seen, e.ID) {
			return nil, fmt.Errorf("extensions are not a list of at most %d, each once: %w", maxExtensions, ErrMalformed)
		}
		seen = append(seen, e.ID)
		switch {
		case e.ID == oid.OCSPNonce:
			if !e.Value.ReadASN1(&nonce, cbasn1.OCTET_STRING) || !e.Value.Empty() || len(nonce) == 0 || len(nonce) > MaxNonce {
				return nil, fmt.Errorf("nonce is not 1 to %d octets: %w", MaxNonce, ErrMalformed)
			}
		case e.Critical:
			return nil, fmt.Errorf("critical extension %s: %w", e.ID, ErrMalformed)
		}
	}
	return nonce, nil
}

// DER returns the request's bytes.
func (r *Request) DER() ([]byte, error) {
	if len(r.IDs) == 0 || len(r.IDs) > MaxIDs || len(r.Nonce) > MaxNonce {
		return nil, fmt.Errorf("OCSP request with %d certificates and a nonce of %d octets", len(r.IDs), len(r.Nonce))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range r.IDs {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id.der) })
				}
			})
			addNonce(b, 2, r.Nonce)
		})
	})
	return b.Bytes()
}

// addNonce writes extensions that hold nothing but a nonce, if there is one.
func addNonce(b *cryptobyte.Builder, tag uint8, nonce []byte) {
	if len(nonce) == 0 {
		return
	}
	b.AddASN1(explicit(tag), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			cert.AddExtension(b, oid.OCSPNonce, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
		})
	})
}
